/** Where a miner stands in the order of commits. */
export type Committed = { readonly hotkey: string; /** null without a commitment */ readonly commitBlock: number | null; /** within the block */ readonly commitIndex: number | null };

/** By commit block, index in block and hotkey, as everything in a round is ordered; who has committed nothing comes last. */
export function byCommit(a: Committed, b: Committed): number {
  if (a.commitBlock !== b.commitBlock) return (a.commitBlock ?? Infinity) - (b.commitBlock ?? Infinity);
  return (a.commitIndex ?? 0) - (b.commitIndex ?? 0) || (a.hotkey < b.hotkey ? -1 : a.hotkey > b.hotkey ? 1 : 0);
}
