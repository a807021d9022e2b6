import type { LoraConfig } from '../music/lora.ts';
import { canonicalJson } from '../protocol/canonical-json.ts';
import { sha256Hex } from '../protocol/digests.ts';

/** Goes up with every change of the composer, the merge or the scorer that changes a loss. */
export const COALITION_VERSION = 1;

/** All that decides the held-out losses of a coalition's merge. */
export type CoalitionFacts = {
  /** The base's tensors, and its configuration's sha256: what is computed with them. */
  readonly base: string;
  readonly config: string;
  readonly lora: LoraConfig;
  readonly part: { readonly clips: Readonly<Record<string, number>>; readonly seed: string };
  /** Of each member its adapter's sha256, and the weight that the merge takes it with: scale times norm factor. */
  readonly updates: readonly { readonly adapter: string; readonly weight: number }[];
  /** The engine's build. */
  readonly engine: string;
};

/**
 * The name under which a coalition's losses are kept, 64 hex digits: another one as soon as anything that decides them is
 * another, the same one whatever the order of the members. Their order decides how a sum is rounded, in one weight of some
 * hundred million.
 * @throws {InvalidInput} when a weight is not finite
 */
export function coalitionDigest({ base, config, lora, part, updates, engine }: CoalitionFacts): string {
  const { rank, alpha, targets, rslora } = lora;
  const sorted = updates.map(({ adapter, weight }) => ({ adapter, weight })).sort((a, b) => (a.adapter === b.adapter ? a.weight - b.weight : a.adapter < b.adapter ? -1 : 1));
  const facts = { version: COALITION_VERSION, base, config, lora: { rank, alpha, targets, rslora }, part: { clips: part.clips, seed: part.seed }, updates: sorted, engine };
  return sha256Hex(new TextEncoder().encode(canonicalJson(facts)));
}
