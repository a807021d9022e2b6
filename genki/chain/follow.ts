import type { BlockRef, Chain } from './chain.ts';

/**
 * Every finalized block from `from` on, each once and in order, for as long as the signal lets it: what came while nobody
 * listened, or while no node was to be reached, comes first.
 *
 * @throws {ChainUnavailable} when no node answers: go on with the block after the last one that was told
 */
export async function* followFinalized(chain: Pick<Chain, 'headAfter' | 'blockHash'>, from: number, signal: AbortSignal): AsyncGenerator<BlockRef> {
  for (let next = from; !signal.aborted; ) {
    const head = await chain.headAfter(next - 1, signal);
    for (; next < head.number && !signal.aborted; next++) yield { number: next, hash: await chain.blockHash(next) };
    if (signal.aborted) return;
    yield head;
    next = head.number + 1;
  }
}
