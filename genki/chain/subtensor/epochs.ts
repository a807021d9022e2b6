import type { BlockRef, Metagraph } from '../chain.ts';
import type { StateAt } from './connection.ts';
import { json, Whole } from './values.ts';

export type EpochClock = Pick<Metagraph, 'tempo' | 'epoch' | 'epochStart' | 'nextEpoch'>;

/**
 * Where a subnet is between its epochs, by whichever of the two schedules its runtime has: one that counts epochs and
 * foretells the next, or the older one, which goes by the block's number alone.
 */
export async function clockOf(state: StateAt, at: BlockRef, netuid: number): Promise<EpochClock> {
  const pallet = state.query['subtensorModule']!;
  const read = async (name: string): Promise<number> => Whole.parse(json(await pallet[name]!(netuid)));
  const tempo = await read('tempo');
  if (!pallet['subnetEpochIndex'] || !pallet['lastEpochBlock']) return statelessClock(at.number, { netuid, tempo });
  const [epoch, epochStart, pending, foretold] = await Promise.all([read('subnetEpochIndex'), read('lastEpochBlock'), pallet['pendingEpochAt'] ? read('pendingEpochAt') : 0, state.call['subnetInfoRuntimeApi']?.['getNextEpochStartBlock']?.(netuid)]);
  const scheduled = epochStart + tempo;
  const own = pending > 0 ? Math.min(scheduled, pending) : scheduled;
  const next = foretold === undefined ? null : json(foretold);
  // an epoch that had to wait for others, in the block that it is overdue in, comes in the next
  return { tempo, epoch, epochStart, nextEpoch: Math.max(next === null ? own : Whole.parse(next), at.number + 1) };
}

/** Up to spec 393: an epoch in each block where (block + netuid + 1) mod (tempo + 1) = tempo, which the next block counts. */
export function statelessClock(block: number, { netuid, tempo }: { readonly netuid: number; readonly tempo: number }): EpochClock {
  const period = tempo + 1;
  const epoch = Math.floor((block + netuid + 1) / period);
  return { tempo, epoch, epochStart: Math.max(0, epoch * period - (netuid + 1)), nextEpoch: block + 1 + (period - 1 - ((block + netuid + 2) % period)) };
}
