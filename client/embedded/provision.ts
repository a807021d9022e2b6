import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { participantsFile, type Participant } from '../../activities/participants.ts';
import { defaultGenesis } from '../../genki/chain/local/genesis.ts';
import { composeDataset, encodeDataset, manifestOf } from '../../genki/data/dataset.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { contentDigest, decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import { deploymentFile } from '../../workers/deployment.ts';
import { loadWallet, saveWallet } from '../../workers/wallets.ts';

/** Who takes part in the embedded network. */
export const VALIDATORS = ['validator-1', 'validator-2'] as const;
export const DISHONEST = ['byte-copier', 'noisy-copier', 'junk', 'broken'] as const;
export const OWNER = 'owner';

export type ProvisionOptions = {
  readonly home: string;
  readonly blockMs: number;
  readonly competition?: Competition;
  /** Folder of the Dama to begin with. */
  readonly dama?: string;
  /** Blocks from one epoch to the next, unless the owner triggers one. */
  readonly tempo?: number;
};

/** Clips of each miner's own music: a trial found little difference between 32 and 128. */
const SHARD_CLIPS = 96;
const STAKE_RAO = '1000000000000';
const SHIPPED_DAMA = fileURLToPath(new URL('../../dama/ruby-nano', import.meta.url));

export const genesisFile = (home: string): string => join(home, 'genesis.json');

/**
 * Makes keys, buckets, music and the chain's genesis for everybody who takes part on this machine.
 * A home that is complete already is left as it is.
 */
export async function provision({ home, blockMs, competition = RUBY, dama = SHIPPED_DAMA, tempo = 50_400 }: ProvisionOptions): Promise<void> {
  if (existsSync(deploymentFile(home))) return;
  await mkdir(home, { recursive: true });
  const store = createFolderStore(join(home, 'store'));
  const wallets = join(home, 'wallets');
  // an earlier try that was interrupted has left keys, and music that was made for them
  const enrol = async (name: string): Promise<string> => {
    const file = join(wallets, `${name}.json`);
    const { hotkey } = existsSync(file) ? await loadWallet(file) : await saveWallet(wallets, { name, secret: randomBytes(32).toString('hex') });
    return hotkey;
  };
  const owner = await enrol(OWNER);
  const participants: Participant[] = [{ name: OWNER, role: 'owner', hotkey: owner, bucket: OWNER, privateBucket: `${OWNER}-private` }];
  for (const name of VALIDATORS) participants.push({ name, role: 'validator', hotkey: await enrol(name), bucket: name, privateBucket: `${name}-private` });
  for (const style of competition.styles.private) {
    const hotkey = await enrol(style);
    const dataset = composeDataset({ name: `${style} by its owner`, styles: [style], clips: SHARD_CLIPS, seed: `${hotkey}/own music`, licence: 'LicenseRef-private', sharing: 'private' });
    const ref = await store.putOnce(`${style}-private`, 'dataset.safetensors', encodeDataset(dataset));
    participants.push({ name: style, role: 'miner', hotkey, bucket: style, privateBucket: `${style}-private`, dataset: { ...manifestOf(dataset), ref } });
  }
  for (const name of DISHONEST) participants.push({ name, role: 'miner', hotkey: await enrol(name), bucket: name, privateBucket: `${name}-private` });

  const weights = await readFile(join(dama, 'model.safetensors'));
  const genesisDama = {
    digest: contentDigest(decodeSafetensors(weights).tensors),
    weights: await store.putOnce('hub', 'ruby-nano/model.safetensors', weights),
    config: await store.putOnce('hub', 'ruby-nano/config.json', await readFile(join(dama, 'config.json'))),
  };
  const neurons = participants
    .filter(({ role }) => role !== 'owner')
    .map(({ hotkey, role }) => ({ hotkey, coldkey: owner, stake: role === 'validator' ? STAKE_RAO : '0', validatorPermit: role === 'validator' }));
  await writeJson(genesisFile(home), defaultGenesis({ owner, netuid: competition.netuid, tempo, weightsRateLimit: 1, neurons }));
  await writeJson(participantsFile(home), { version: 1, participants });
  // last, since it says that all the rest is there
  await writeJson(deploymentFile(home), { version: 1, competition, genesisDama, blockMs });
}

const writeJson = (file: string, value: unknown): Promise<void> => writeFile(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
