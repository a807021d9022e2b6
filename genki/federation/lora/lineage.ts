import * as z from 'zod';

/** What made one base of another. */
export const BaseStep = z.discriminatedUnion('kind', [
  /** Added Σ weight · ΔW. */
  z.strictObject({
    kind: z.literal('merge'),
    parts: z
      .array(
        z.strictObject({
          /** sha256 of the adapter's file, hex. */
          adapter: z.hash('sha256').lowercase(),
          /** What its update was multiplied by, all factors (of length, of the merge) in one. */
          weight: z.number(),
        }),
      )
      .min(1),
  }),
  /** Trained all weights for so many steps. */
  z.strictObject({ kind: z.literal('pretrain'), steps: z.int().positive() }),
]);
export type BaseStep = z.infer<typeof BaseStep>;

const Digest = z.base64().length(44);

/** One version of a base: its content digest, that of the version before, and the steps between them in their order. */
export const BaseVersion = z.strictObject({ base: Digest, previous: Digest, steps: z.array(BaseStep).min(1) });
export type BaseVersion = z.infer<typeof BaseVersion>;

/** An adapter by the sha256 of its file, and how much of its update the one base has more than the other. */
export type MergedPart = { readonly adapter: string; readonly weight: number };

export type RebaseVerdict =
  /** `rebase` with these parts, none where the bases are the same. */
  | { readonly kind: 'exact'; readonly merged: readonly MergedPart[] }
  /** What the adapter lacks only training can give it. */
  | { readonly kind: 're-refine'; readonly reason: string };

/**
 * Whether an adapter made for one base can be expressed for another exactly: where the way between them, up from the one
 * to the version that both come from and down to the other, consists of merges only. What a merge added can be taken off
 * again; what training did is not among the adapters.
 *
 * @param bases.from content digest of the base that the adapter was made for
 * @param bases.to of the one that it is to work on
 * @param bases.lineage versions in any order, of any branches
 */
export function rebaseVerdict({ from, to, lineage }: { from: string; to: string; lineage: readonly BaseVersion[] }): RebaseVerdict {
  const versions = new Map(lineage.map((version) => [version.base, version]));
  const [fromLine, toLine] = [lineOf(from, versions), lineOf(to, versions)];
  const common = fromLine.find((base) => toLine.includes(base));
  if (common === undefined) return { kind: 're-refine', reason: `No lineage leads from the base ${from} to ${to}` };
  const latestFirst = (line: readonly string[]): BaseStep[] => line.slice(0, line.indexOf(common)).flatMap((base) => versions.get(base)!.steps.toReversed());
  const [undone, done] = [latestFirst(fromLine), latestFirst(toLine).toReversed()];
  const trained = [...undone, ...done].reduce((sum, step) => sum + (step.kind === 'pretrain' ? step.steps : 0), 0);
  if (trained > 0) return { kind: 're-refine', reason: `The bases ${from} and ${to} are ${trained} steps of training apart, which no adapter can make up for exactly` };
  return { kind: 'exact', merged: [...partsOf(undone, -1), ...partsOf(done, 1)] };
}

/** The base and all that it comes from, itself first. */
function lineOf(base: string, versions: ReadonlyMap<string, BaseVersion>): string[] {
  const line = new Set<string>();
  for (let at: string | undefined = base; at !== undefined && !line.has(at); at = versions.get(at)?.previous) line.add(at);
  return [...line];
}

const partsOf = (steps: readonly BaseStep[], sign: 1 | -1): MergedPart[] =>
  steps.flatMap((step) => (step.kind === 'merge' ? step.parts.map(({ adapter, weight }) => ({ adapter, weight: sign * weight })) : []));
