import { forgetting } from '../../genki/evaluation/guard.ts';
import { learnedLoss, lossByStyle, pairedGain, type HoldOut, type Losses } from '../../genki/evaluation/held-out.ts';
import type { Term } from '../../genki/evaluation/mix.ts';
import { mergeWeights } from '../../genki/federation/merge.ts';
import { encodeMerged } from '../../genki/federation/merged-dama.ts';
import type { LoraConfig } from '../../genki/music/lora.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Job } from './job.ts';
import { openJudge, type HoldOutPart } from './judge.ts';

/** A late result, and the version that it was trained from: only what it has beyond that is its own. */
export type LateResult = { readonly adapter: ObjectRef; readonly parent: ObjectRef | null };

export type MergeBaseInput = {
  /** What is used today: a base, and the adapter that is current on it. */
  readonly today: { readonly base: Dama; readonly adapter: ObjectRef | null };
  /** That base, trained further. */
  readonly trained: Dama;
  /** In the order in which they came. */
  readonly late: readonly LateResult[];
  readonly lora: LoraConfig;
  readonly part: HoldOutPart;
  /** Ascending: how much of a late result is tried. */
  readonly scales: readonly number[];
  readonly thresholds: { /** standard errors that a late result must gain */ readonly acceptZ: number; /** nats a code that the mean may rise */ readonly tolerance: number; /** that a guarded style may rise */ readonly guardNats: number };
  readonly bucket: string;
  readonly prefix: string;
};

export type MergedBase = {
  /** Everything merged in, whether it is worth publishing or not. */
  readonly dama: Dama;
  /** What of each adapter was added, in this order: a late result comes with its parent taken out again. */
  readonly parts: readonly { readonly adapter: ObjectRef; readonly weight: number }[];
  /** Of `late`, by index. */
  readonly taken: readonly { readonly index: number; readonly scale: number }[];
  readonly publish: boolean;
  readonly reason: string;
  /** Held-out losses by style, nats a code: today's base with its adapter, and the new base alone. */
  readonly losses: { readonly before: Readonly<Record<string, number>>; readonly after: Readonly<Record<string, number>> };
};

export type MergeBaseJob = { input: MergeBaseInput; output: MergedBase };

/** Merges the current adapter, and what late results add to it, into the next base; exactly, by their products. */
export const mergeBaseJob: Job<MergeBaseJob> = (deps) => async (input, control) => {
  const { today, trained, late, lora, part, bucket, prefix } = input;
  const old = await openJudge(deps, { base: today.base, lora, part, candidates: today.adapter ? [{ adapter: today.adapter, factor: 1 }] : [] }, control);
  const before = await old.lossesOf(today.adapter ? [{ index: 0, weight: 1 }] : []);
  const adapters = distinct([today.adapter, ...late.flatMap(({ adapter, parent }) => [adapter, parent])]);
  const judged = await openJudge(deps, { base: trained, lora, part, candidates: adapters.map((adapter) => ({ adapter, factor: 1 })) }, control);
  const indexOf = (adapter: ObjectRef): number => adapters.findIndex(({ sha256 }) => sha256 === adapter.sha256);
  const start: Term[] = today.adapter ? [{ index: indexOf(today.adapter), weight: 1 }] : [];
  const chosen = await chooseLate(input, { start, indexOf, lossesOf: judged.lossesOf, holdOut: judged.holdOut, stopped: judged.stopped });
  if (chosen === undefined || old.stopped() || judged.stopped()) return undefined;
  const { terms, losses: after, taken } = chosen;
  const { music, weights } = judged.loaded;
  const updates = await Promise.all(terms.map(async ({ index, weight }) => ({ delta: await deps.cache.delta(adapters[index]!, music, lora), weight })));
  const { digest, file } = encodeMerged(weights, mergeWeights(weights, updates));
  // by its content: a call before may have merged something else for the same number, and not published it
  return {
    dama: { ...trained, digest, weights: await deps.store.putOnce(bucket, `${prefix}/merged-${sha256Hex(file)}.safetensors`, file) },
    parts: terms.map(({ index, weight }) => ({ adapter: adapters[index]!, weight })),
    taken,
    ...verdictOf(before, after, { holdOut: judged.holdOut, ...input.thresholds }),
    losses: { before: lossByStyle(before, judged.styles), after: lossByStyle(after, judged.styles) },
  };
};

type Choice = { readonly start: readonly Term[]; readonly indexOf: (adapter: ObjectRef) => number; readonly lossesOf: (terms: readonly Term[]) => Promise<Losses>; readonly holdOut: HoldOut; readonly stopped: () => boolean };

/** Late results one after the other, each on top of what is taken already, at the scale that is best for it. */
async function chooseLate({ late, scales, thresholds }: MergeBaseInput, { start, indexOf, lossesOf, holdOut, stopped }: Choice): Promise<{ terms: Term[]; losses: Losses; taken: { index: number; scale: number }[] } | undefined> {
  let terms = [...start];
  let losses = await lossesOf(terms);
  const taken: { index: number; scale: number }[] = [];
  for (const [index, { adapter, parent }] of late.entries()) {
    const own = (scale: number): Term[] => added(terms, [{ index: indexOf(adapter), weight: scale }, ...(parent ? [{ index: indexOf(parent), weight: -scale }] : [])]);
    let best: { readonly scale: number; readonly losses: Losses } | undefined;
    for (const scale of scales) {
      if (stopped()) return undefined;
      const tried = await lossesOf(own(scale));
      if (learnedLoss(tried, holdOut) < learnedLoss(best?.losses ?? losses, holdOut)) best = { scale, losses: tried };
    }
    const gain = best && pairedGain(losses, best.losses, holdOut);
    if (!best || !gain || gain.mean <= thresholds.acceptZ * gain.standardError) continue;
    terms = own(best.scale);
    losses = best.losses;
    taken.push({ index, scale: best.scale });
  }
  return { terms, losses, taken };
}

/** The sum of both, each adapter once, ascending. */
function added(terms: readonly Term[], more: readonly Term[]): Term[] {
  const weights = new Map<number, number>();
  for (const { index, weight } of [...terms, ...more]) weights.set(index, (weights.get(index) ?? 0) + weight);
  return [...weights].map(([index, weight]) => ({ index, weight })).sort((a, b) => a.index - b.index);
}

function verdictOf(before: Losses, after: Losses, { holdOut, tolerance, guardNats }: { holdOut: HoldOut; tolerance: number; guardNats: number }): { publish: boolean; reason: string } {
  const gain = pairedGain(before, after, holdOut);
  const forgot = forgetting(before, after, holdOut);
  const measured = `${gain.mean >= 0 ? '+' : ''}${gain.mean.toFixed(3)} ± ${gain.standardError.toFixed(3)} nats a code`;
  if (!(gain.mean >= -tolerance)) return { publish: false, reason: `the new base is worse than what is used today: ${measured}, ${tolerance} is allowed` };
  if (forgot && forgot.loss > guardNats) return { publish: false, reason: `the new base forgets ${forgot.style}: its loss rises by ${forgot.loss.toFixed(3)}, ${guardNats} is allowed` };
  return { publish: true, reason: `the new base gains ${measured} on what is used today` };
}

/** Each adapter once. */
const distinct = (refs: readonly (ObjectRef | null)[]): ObjectRef[] => {
  const present = refs.filter((ref) => ref !== null);
  return present.filter((ref, i) => present.findIndex(({ sha256 }) => sha256 === ref.sha256) === i);
};
