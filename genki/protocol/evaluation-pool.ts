import { byCommit } from './commit-order.ts';

/** How many submissions a round looks at: the best of the last round, and those that have waited longest. */
export type PoolSize = { readonly top: number; readonly fresh: number };

/** A submission that a round could look at. */
export type Candidate = { readonly hotkey: string; readonly registeredAt: number; readonly commitBlock: number; readonly commitIndex: number };

/** What the last report says of a miner. */
export type Past = { readonly hotkey: string; readonly registeredAt: number; readonly weight: number; /** a block */ readonly waitingSince?: number | null };

export type Draw<T> = {
  /** In commit order. */
  readonly drawn: readonly T[];
  /** The longest waiting first. */
  readonly waiting: readonly { readonly candidate: T; /** a block */ readonly since: number }[];
};

/**
 * Whom a round looks at (protocol §1.6d): the best `top` of those that the last report paid, then the longest waiting,
 * until `top + fresh` are drawn. One waits since the snapshot of the round that last drew it, else since its commit; so
 * nobody overtakes, and of n candidates everybody is drawn within ⌈n / fresh⌉ rounds.
 *
 * @param candidates in any order, each hotkey once
 * @param past the miners of the last report; one that has registered anew is another miner
 */
export function drawPool<T extends Candidate>(candidates: readonly T[], past: readonly Past[], { top, fresh }: PoolSize): Draw<T> {
  const known = new Map(past.map((miner) => [keyOf(miner), miner]));
  const queue = candidates.map((candidate) => {
    const before = known.get(keyOf(candidate));
    return { candidate, weight: before?.weight ?? 0, since: before?.waitingSince ?? Math.max(candidate.commitBlock, candidate.registeredAt) };
  });
  const best = queue.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight || byCommit(a.candidate, b.candidate)).slice(0, top);
  const isBest = new Set(best);
  const rest = queue.filter((one) => !isBest.has(one)).sort((a, b) => a.since - b.since || byCommit(a.candidate, b.candidate));
  const places = top + fresh - best.length;
  return {
    drawn: [...best, ...rest.slice(0, places)].map(({ candidate }) => candidate).sort(byCommit),
    waiting: rest.slice(places).map(({ candidate, since }) => ({ candidate, since })),
  };
}

const keyOf = ({ hotkey, registeredAt }: Pick<Candidate, 'hotkey' | 'registeredAt'>): string => `${registeredAt} ${hotkey}`;
