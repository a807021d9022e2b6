import type { ObjectRef } from '../store/object-store.ts';
import type { Holder } from './lease.ts';

export type Push = Holder & { readonly /** sequence of the version that it was trained from, 0 for none */ parent: number; readonly adapter: ObjectRef };

/** A push that came late: it waits for the next merge. */
export type Candidate = Push & {
  /** Why it did not become a version. */
  readonly reason: string;
  /** A copy in the hub's own bucket, which does not go when its author's does; null while it is fetched. */
  readonly kept: ObjectRef | null;
  /** Where the base was trained meanwhile, which no adapter makes up for: it waits to be trained again, too. */
  readonly again?: Again;
};

/** A late result in the shape of an adapter for a new base, to begin training with. */
export type Again = { /** content digest */ readonly base: string; readonly start: ObjectRef };

/** What a holder is handed to begin with, under its lease. */
export type Handed = Again & { /** sha256 of the late result as it was pushed */ readonly late: string };

/** What whoever is next is handed: the oldest that waits to be trained again. */
export function nextHanded(candidates: readonly Candidate[]): Handed | null {
  const next = candidates.find(({ again }) => again !== undefined);
  return next?.again ? { ...next.again, late: next.adapter.sha256 } : null;
}

/** Of one holder that wait at a time: whoever hands in nonsense lease after lease leaves room for others. */
const OF_ONE_HOLDER = 4;

/** What a new base has left: those that it has taken are gone, and `again` are all that wait to be trained again for it, in their places, or last. */
export function afterMerge(candidates: readonly Candidate[], { adapters, again = [] }: Merged): readonly Candidate[] {
  const isGone = (one: Candidate): boolean => adapters.includes(one.adapter.sha256);
  const asItCame = (one: Candidate): Candidate => {
    const { again: _, ...rest } = one;
    return rest;
  };
  const left = candidates.filter((one) => !isGone(one)).map((one) => again.find(isOf(one)) ?? asItCame(one));
  return [...left, ...again.filter((one) => !candidates.some(isOf(one)))];
}

/** sha256 of what a merge has taken or nobody can ever merge; and where there is a new base, what is to be trained again for it. */
export type Merged = { readonly adapters: readonly string[]; readonly again?: readonly Candidate[] };

/** Why there is no room for one more; undefined where there is. */
export function whyNoRoom(candidates: readonly Candidate[], { holder, fence }: Holder, maxCandidates: number): string | undefined {
  if (candidates.some((one) => one.holder === holder && one.fence === fence)) return 'an earlier one of the same lease is';
  if (candidates.filter((one) => one.holder === holder).length >= OF_ONE_HOLDER) return `${OF_ONE_HOLDER} of the same holder wait`;
  if (candidates.length >= maxCandidates) return `${maxCandidates} others wait, and there is no room for more`;
  return undefined;
}

/** A push by its lease and its file. */
export const isOf = ({ holder, fence, adapter }: Push) => (other: Push): boolean => holder === other.holder && fence === other.fence && adapter.sha256 === other.adapter.sha256;
