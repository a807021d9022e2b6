import { setTimeout as wait } from 'node:timers/promises';
import type { Chain, Metagraph, Signer } from '../genki/chain/chain.ts';

/** Long for a chain of 12 s blocks to finalize a few of them. */
const PATIENCE_MS = 120_000;

export type ReachEpoch = { readonly owner: Signer; readonly netuid: number; readonly blockMs: number; readonly epoch: number; readonly signal: AbortSignal };

/**
 * Has the subnet's owner end the current epoch, unless the chain is in the wanted one already, and waits for finality.
 * @returns the metagraph at the first finalized head in the wanted epoch
 */
export async function reachEpoch(chain: Chain, { owner, netuid, blockMs, epoch, signal }: ReachEpoch): Promise<Metagraph> {
  const now = async (): Promise<Metagraph> => await chain.metagraph(netuid, (await chain.head()).hash);
  let metagraph = await now();
  if (metagraph.epoch >= epoch) return metagraph;
  const extrinsic = await chain.prepare({ kind: 'triggerEpoch', netuid }, owner);
  await chain.broadcast(extrinsic);
  const until = Date.now() + PATIENCE_MS;
  while (metagraph.epoch < epoch) {
    const landing = await chain.landing(extrinsic);
    if (landing.kind === 'failed') throw new Error(`The chain refused to end epoch ${metagraph.epoch}: ${landing.code}: ${landing.message}`);
    if (Date.now() > until) throw new Error(`Expected epoch ${epoch} within ${PATIENCE_MS / 1000} s, the chain is in ${metagraph.epoch}`);
    await wait(blockMs, undefined, { signal });
    metagraph = await now();
  }
  return metagraph;
}
