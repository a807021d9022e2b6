import type { Chain } from '../genki/chain/chain.ts';
import type { SliceBlocks, WindowTerms } from '../genki/federation/window-model.ts';
import { competitionDigest, type Competition } from '../genki/protocol/competition.ts';
import { auditSeed } from '../genki/protocol/slices.ts';
import { holdOutBlocks } from '../genki/protocol/window.ts';
import { deltaOf, scheduleOf } from './delta-competition.ts';

/** What a competition's updates are written in, and what they do. */
export function termsOf(competition: Competition): WindowTerms {
  const { codec, aggregation, outer, norm } = deltaOf(competition);
  return { codec, aggregation, outer, norm };
}

/** Where slices travel, what the blocks after a window say of them. @throws {ChainUnavailable} before they are final */
export async function blocksOf(chain: Chain, competition: Competition, window: number): Promise<{ readonly blocks?: SliceBlocks }> {
  return deltaOf(competition).codec.kind === 'slice' ? { blocks: await sliceBlocksOf(chain, competition, window) } : {};
}

/** Of one block the choice, and of all that make the seed of the hold-out the audit. @throws {ChainUnavailable} before they are final */
export async function sliceBlocksOf(chain: Chain, competition: Competition, window: number): Promise<SliceBlocks> {
  const blockHashes = await Promise.all(holdOutBlocks(scheduleOf(competition, window), competition.timing.seedBlocks).map((block) => chain.blockHash(block)));
  return { blockHash: blockHashes[0]!, auditSeed: auditSeed({ blockHashes, competition: competitionDigest(competition) }, window) };
}
