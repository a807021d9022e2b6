import type { Chain } from '../../genki/chain/chain.ts';
import { readBlocks } from '../support/blocks.ts';
import type { Landed } from './invariants.ts';

/** Every extrinsic in a finalized block whose call succeeded, with the subnet's epoch then. */
export async function landedOf(journal: string, chain: Chain, netuid: number): Promise<Landed[]> {
  const head = await chain.head();
  const landed: Landed[] = [];
  for (const { number, hash, extrinsics } of readBlocks(journal)) {
    const done = extrinsics.filter(({ failed }) => failed === undefined);
    if (number > head.number || done.length === 0) continue;
    const { epoch } = await chain.metagraph(netuid, hash);
    for (const { extrinsic } of done) landed.push({ signer: extrinsic.signer, kind: extrinsic.call.kind, epoch, block: number, effect: JSON.stringify(extrinsic.call) });
  }
  return landed;
}
