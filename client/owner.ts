import { setTimeout as wait } from 'node:timers/promises';
import type { Chain, Metagraph, SignedExtrinsic, Signer } from '../genki/chain/chain.ts';
import { ChainUnavailable } from '../genki/errors.ts';

/** Long for a chain of 12 s blocks to finalize a few of them, and for one that was killed to come back. */
const PATIENCE_MS = 120_000;

export type ReachEpoch = { readonly owner: Signer; readonly netuid: number; readonly blockMs: number; readonly epoch: number; readonly signal: AbortSignal };

/**
 * Has the subnet's owner end the current epoch, unless the chain is in the wanted one already, and waits for finality.
 * Signed once and sent until finalized blocks tell what became of it: a chain that goes away and comes back does not
 * end two epochs.
 * @returns the metagraph at the first finalized head in the wanted epoch
 */
export async function reachEpoch(chain: Chain, { owner, netuid, blockMs, epoch, signal }: ReachEpoch): Promise<Metagraph> {
  let extrinsic: SignedExtrinsic | undefined;
  let last = 'it did not answer';
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await wait(blockMs, undefined, { signal })) {
    try {
      const metagraph = await chain.metagraph(netuid, (await chain.head()).hash);
      if (metagraph.epoch >= epoch) return metagraph;
      last = `it is in epoch ${metagraph.epoch}`;
      extrinsic ??= await chain.prepare({ kind: 'triggerEpoch', netuid }, owner);
      const landing = await chain.landing(extrinsic);
      if (landing.kind === 'failed') throw new Error(`The chain refused to end epoch ${metagraph.epoch}: ${landing.code}: ${landing.message}`);
      if (landing.kind === 'pending') await chain.broadcast(extrinsic);
      if (landing.kind === 'expired' || landing.kind === 'nonceTaken') extrinsic = undefined;
    } catch (error) {
      if (!(error instanceof ChainUnavailable)) throw error;
      last = error.message;
    }
  }
  throw new Error(`Expected epoch ${epoch} of the chain within ${PATIENCE_MS / 1000} s: ${last}`);
}
