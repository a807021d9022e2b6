import type { Chain } from '../genki/chain/chain.ts';
import type { SliceBlocks, WindowTerms } from '../genki/federation/window-model.ts';
import type { Competition } from '../genki/protocol/competition.ts';
import { deltaOf, scheduleOf } from './delta-competition.ts';

/** What a competition's updates are written in, and what they do. */
export function termsOf(competition: Competition): WindowTerms {
  const { codec, aggregation, outer, norm } = deltaOf(competition);
  return { codec, aggregation, outer, norm };
}

/** Where slices travel, the hashes of the blocks after a window that choose and audit them. @throws {ChainUnavailable} before they are final */
export async function blocksOf(chain: Chain, competition: Competition, window: number): Promise<{ readonly blocks?: SliceBlocks }> {
  if (deltaOf(competition).codec.kind !== 'slice') return {};
  const { last } = scheduleOf(competition, window);
  return { blocks: { blockHash: await chain.blockHash(last + 1), auditHash: await chain.blockHash(last + 2) } };
}
