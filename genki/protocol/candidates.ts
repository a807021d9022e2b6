import type { ObjectRef } from '../store/object-store.ts';
import type { Holder } from './lease.ts';

export type Push = Holder & { readonly /** sequence of the version that it was trained from, 0 for none */ parent: number; readonly adapter: ObjectRef };

/** A push that came late: it waits for the next merge. */
export type Candidate = Push & {
  /** Why it did not become a version. */
  readonly reason: string;
  /** A copy in the hub's own bucket, which does not go when its author's does; null while it is fetched. */
  readonly kept: ObjectRef | null;
};

/** Of one holder that wait at a time: whoever hands in nonsense lease after lease leaves room for others. */
const OF_ONE_HOLDER = 4;

/** Why there is no room for one more; undefined where there is. */
export function whyNoRoom(candidates: readonly Candidate[], { holder, fence }: Holder, maxCandidates: number): string | undefined {
  if (candidates.some((one) => one.holder === holder && one.fence === fence)) return 'an earlier one of the same lease is';
  if (candidates.filter((one) => one.holder === holder).length >= OF_ONE_HOLDER) return `${OF_ONE_HOLDER} of the same holder wait`;
  if (candidates.length >= maxCandidates) return `${maxCandidates} others wait, and there is no room for more`;
  return undefined;
}

/** A push by its lease and its file. */
export const isOf = ({ holder, fence, adapter }: Push) => (other: Push): boolean => holder === other.holder && fence === other.fence && adapter.sha256 === other.adapter.sha256;
