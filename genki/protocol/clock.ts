/** Consecutive epochs or windows, both ends included. */
export type Span = { readonly from: number; readonly to: number };

/**
 * What passed without being begun: the gaps between ascending numbers, and between the last of them and `now`, which has
 * not passed yet. Before the first one nothing was owed.
 */
export function missedOf(begun: readonly number[], now: number): Span[] {
  const ends = [...begun.filter((number) => number < now), now];
  return ends.flatMap((number, i) => {
    const from = (ends[i - 1] ?? number) + 1;
    return from < number ? [{ from, to: number - 1 }] : [];
  });
}

/** How many that are. */
export const countOf = (spans: readonly Span[]): number => spans.reduce((sum, { from, to }) => sum + to - from + 1, 0);

/** `4`, or `4–7` */
export const spanText = ({ from, to }: Span): string => (from === to ? String(from) : `${from}–${to}`);
