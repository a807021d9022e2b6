import type { EventRecord } from '@polkadot/types/interfaces';
import type { BlockRef, Landing, SignedExtrinsic } from '../chain.ts';
import type { Blocks } from './blocks.ts';
import { ForgottenState, type Connection } from './connection.ts';
import { dispatchFailure, type DispatchErrorLike } from './refusals.ts';

type Sent = Pick<SignedExtrinsic, 'hash' | 'signer' | 'nonce' | 'bornAt' | 'diesAt'>;

/**
 * What became of an extrinsic, by finalized blocks only. While its nonce is unused and its era lasts nothing is decided;
 * then the blocks of its era are searched for it, which are few since every extrinsic is mortal.
 */
export async function landingOf(connection: Connection, blocks: Blocks, { hash, signer, nonce, bornAt, diesAt }: Sent): Promise<Landing> {
  const head = await connection.head();
  const used = (await nonceAt(connection, signer, head)) > nonce;
  const isOver = head.number >= diesAt;
  if (!used && !isOver) return { kind: 'pending' };
  for (let number = bornAt + 1; number <= Math.min(head.number, diesAt); number++) {
    const block = { number, hash: await connection.blockHash(number) };
    const index = (await blocks.extrinsicHashes(block.hash)).indexOf(hash);
    if (index >= 0) return await outcomeOf(connection, block, index);
  }
  return { kind: used ? 'nonceTaken' : 'expired' };
}

async function nonceAt(connection: Connection, signer: string, head: BlockRef): Promise<number> {
  return await connection.at(head.hash, async (state) => ((await state.query['system']!['account']!(signer)) as unknown as { readonly nonce: { toNumber(): number } }).nonce.toNumber());
}

async function outcomeOf(connection: Connection, block: BlockRef, index: number): Promise<Landing> {
  try {
    return await connection.at(block.hash, async (state) => {
      const events = (await state.query['system']!['events']!()) as unknown as readonly EventRecord[];
      const mine = events.filter(({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.eq(index));
      const failed = mine.find(({ event }) => event.section === 'system' && event.method === 'ExtrinsicFailed');
      if (!failed) return { kind: 'included', block, index };
      return { kind: 'failed', block, ...dispatchFailure(state.registry, failed.event.data[0] as unknown as DispatchErrorLike) };
    });
  } catch (error) {
    if (error instanceof ForgottenState) return { kind: 'forgotten', block };
    throw error;
  }
}
