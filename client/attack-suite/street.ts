import { join } from 'node:path';
import type { BlockRef, Chain, Signer } from '../../genki/chain/chain.ts';
import { createSigner } from '../../genki/chain/keys.ts';
import { signExtrinsic } from '../../genki/chain/local/extrinsic.ts';
import { defaultGenesis } from '../../genki/chain/local/genesis.ts';
import { createLocalChain } from '../../genki/chain/local/local-chain.ts';
import { openNode, type LocalNode } from '../../genki/chain/local/node.ts';
import { serveRpc } from '../../genki/chain/local/rpc-server.ts';
import { encodeCommitRecord, type CommitRecord } from '../../genki/protocol/commit-record.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import type { Submission } from '../../activities/round.ts';
import { rosterAt, type NotEvaluated } from '../../activities/roster.ts';

/** What somebody says on the chain. */
export type Commit = { readonly signer: Signer; readonly record: CommitRecord };

/** Whose commits are in which block, in their order; `late` come after the snapshot. */
export type Commits = { readonly blocks: readonly (readonly Commit[])[]; readonly late: readonly Commit[] };

/** A chain at a round's snapshot, and who is looked at. */
export type Street = { readonly chain: Chain; readonly snapshot: BlockRef; readonly submissions: readonly Submission[]; readonly notEvaluated: readonly NotEvaluated[]; close(): Promise<void> };

const STAKE_RAO = '1000000000000';
/** Longer than any scenario. */
const TEMPO = 1000;
const ERA = 64;

export const validator = createSigner('//validator');
const owner = createSigner('//owner');

/** A chain of its own behind JSON-RPC in this process, on which everybody commits, and its roster. */
export async function openStreet(folder: string, { blocks, late }: Commits, competition: Competition): Promise<Street> {
  const miners = new Set([...blocks.flat(), ...late].map(({ signer }) => signer.hotkey));
  miners.delete(validator.hotkey);
  const neuron = (hotkey: string, stake: string, validatorPermit: boolean) => ({ hotkey, coldkey: owner.hotkey, stake, validatorPermit });
  const genesis = defaultGenesis({ owner: owner.hotkey, tempo: TEMPO, finalityLag: 0, neurons: [neuron(validator.hotkey, STAKE_RAO, true), ...[...miners].map((hotkey) => neuron(hotkey, '0', false))] });
  const node = await openNode({ dir: join(folder, 'chain'), genesis, secret: new Uint8Array(32).fill(1) });
  const server = await serveRpc(node, 0);
  const chain = createLocalChain({ url: server.url });
  const close = async (): Promise<void> => {
    await chain.close();
    await server.close();
    await node.close();
  };
  try {
    for (const block of blocks) await produce(node, block, competition);
    for (let i = 0; i < competition.timing.evalDelayBlocks; i++) await node.produceBlock();
    const snapshot = node.head();
    await produce(node, late, competition);
    const roster = await rosterAt(chain, await chain.metagraph(competition.netuid, snapshot.hash), { competition, past: [] });
    return { chain, snapshot, ...roster, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function produce(node: LocalNode, commits: readonly Commit[], { netuid }: Competition): Promise<void> {
  for (const { signer, record } of commits) {
    const { nonce, born, ...context } = node.signing(signer.hotkey);
    const call = { kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: encodeCommitRecord(record) }] } as const;
    node.submit(signExtrinsic({ call, nonce, bornAt: born.number, period: ERA }, { ...context, birthHash: born.hash }, signer).hex);
  }
  await node.produceBlock();
}
