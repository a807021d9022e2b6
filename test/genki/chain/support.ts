import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Call, CommitmentField, SignedExtrinsic, Signer } from '../../../genki/chain/chain.ts';
import { createSigner } from '../../../genki/chain/keys.ts';
import { signExtrinsic } from '../../../genki/chain/local/extrinsic.ts';
import { defaultGenesis, type Genesis } from '../../../genki/chain/local/genesis.ts';
import { openNode, type LocalNode } from '../../../genki/chain/local/node.ts';

export const owner = createSigner('//owner');
export const validator = createSigner('//validator');
export const miner = createSigner('//miner');
export const stranger = createSigner('//stranger');

const neuron = ({ hotkey }: Signer, stake: string, validatorPermit: boolean): Genesis['neurons'][number] => ({ hotkey, coldkey: owner.hotkey, stake, validatorPermit });

/** uid 0 validates with 5 tao, uid 1 mines. */
export const genesis = (settings: Partial<Genesis> = {}): Genesis =>
  defaultGenesis({
    owner: owner.hotkey,
    tempo: 10,
    finalityLag: 2,
    weightsRateLimit: 3,
    neurons: [neuron(validator, '5000000000', true), neuron(miner, '0', false)],
    ...settings,
  });

export const secret = new Uint8Array(32).fill(9);

export const commit = (data: string): Call => commitFields({ kind: 'raw', data });
export const commitFields = (...fields: CommitmentField[]): Call => ({ kind: 'setCommitment', netuid: 1, fields });
export const setWeights = (uids: number[], weights: number[], rest: { netuid?: number; versionKey?: number } = {}): Call => ({
  kind: 'setWeights',
  netuid: 1,
  uids,
  weights,
  versionKey: 0,
  ...rest,
});

export const registration = (hotkey: string, rest: { netuid?: number; limitPrice?: string } = {}): Call => ({ kind: 'register', netuid: 1, hotkey, limitPrice: null, ...rest });

/** A folder that `remove` deletes. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'genki-chain-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A node whose blocks come when the test asks, in a folder of its own. */
export async function startNode(settings: Partial<Genesis> = {}): Promise<{ node: LocalNode; stop: () => Promise<void> }> {
  const folder = temporaryFolder();
  const node = await openNode({ dir: folder.path, genesis: genesis(settings), secret });
  const stop = async (): Promise<void> => {
    await node.close();
    folder.remove();
  };
  return { node, stop };
}

/** Signs as `prepare` does; `change` replaces parts. */
export function signed(node: LocalNode, call: Call, signer: Signer, change: { nonce?: number; period?: number; genesisHash?: string; specVersion?: number; birthHash?: string } = {}): SignedExtrinsic {
  const { nonce, born, ...context } = node.signing(signer.hotkey);
  const { nonce: otherNonce, period, ...otherContext } = change;
  return signExtrinsic({ call, nonce: otherNonce ?? nonce, bornAt: born.number, period: period ?? 64 }, { ...context, birthHash: born.hash, ...otherContext }, signer);
}

export async function produce(node: LocalNode, blocks: number): Promise<void> {
  for (let i = 0; i < blocks; i++) await node.produceBlock();
}

/** Sends a call and returns what became of it once final. */
export async function land(node: LocalNode, call: Call, signer: Signer): Promise<ReturnType<LocalNode['landing']>> {
  const extrinsic = signed(node, call, signer);
  node.submit(extrinsic.hex);
  await produce(node, 3);
  return node.landing(extrinsic);
}
