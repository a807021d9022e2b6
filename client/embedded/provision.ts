import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { putDama } from './put-dama.ts';
import { SHIPPED_DAMA } from '../shipped-dama.ts';
import { participantsFile, type Participant } from '../../activities/participants.ts';
import { writeJson } from '../../activities/write-json.ts';
import { defaultGenesis } from '../../genki/chain/local/genesis.ts';
import { isComposable } from '../../genki/data/held-out.ts';
import { composeDataset, encodeDataset, manifestOf } from '../../genki/data/dataset.ts';
import { ChecksumMismatch, InvalidInput } from '../../genki/errors.ts';
import { signCompetition, type Competition } from '../../genki/protocol/competition.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { deploymentFile, readDeployment } from '../../workers/deployment.ts';
import { ensurePassphrase, readPassphrase } from '../../workers/passphrase.ts';
import { Key } from '../../workers/keystore.ts';
import { passphraseFileOf, s3File, storeSettingsOf, walletsDirOf } from '../../workers/settings.ts';
import { createStore } from '../../workers/store.ts';
import { saveWallet, unlockWallet, walletFile } from '../../workers/wallets.ts';

/** Who takes part in the embedded network. */
export const VALIDATORS = ['validator-1', 'validator-2'] as const;
export const DISHONEST = ['byte-copier', 'noisy-copier', 'junk', 'broken'] as const;
/** Of windows: one who sends what does harm, one who does a fraction of the work, and one who comes in the middle. */
export const WINDOW_CAST = ['poisoner', 'lazy', 'latecomer'] as const;
export const OWNER = 'owner';
/** Miners beside those with music of their own. */
const OTHERS: Readonly<Record<Competition['exchange'], readonly string[]>> = { adapter: DISHONEST, delta: WINDOW_CAST, relay: [] };
const HUB = 'hub';

export type ProvisionOptions = {
  readonly home: string;
  readonly blockMs: number;
  readonly competition?: Competition;
  /** Folder of the Dama to begin with: a Dama's, or a MusicGen's in Hugging Face's layout. */
  readonly dama?: string;
  /** Blocks from one epoch to the next, unless the owner triggers one. */
  readonly tempo?: number;
  /** Names the store, and the file of the wallets' passphrase; or else both are made in the home. */
  readonly env?: NodeJS.ProcessEnv;
};

/** Clips of each miner's own music: a trial found little difference between 32 and 128. */
const SHARD_CLIPS = 96;
const STAKE_RAO = '1000000000000';

export const genesisFile = (home: string): string => join(home, 'genesis.json');

/**
 * Makes keys, buckets, music and the chain's genesis for everybody who takes part on this machine.
 * A home that is complete already is left as it is.
 * @throws {InvalidInput} when the store holds another network, or not the one of this home
 */
export async function provision({ home, blockMs, competition = RUBY, dama = SHIPPED_DAMA, tempo = 50_400, env = {} }: ProvisionOptions): Promise<void> {
  const settings = storeSettingsOf(env, home);
  const store = createStore(settings);
  if (existsSync(deploymentFile(home))) return await checkStore(store, home);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const wallets = walletsDirOf(home);
  const passphraseFile = passphraseFileOf(env, home);
  if (env.GENKI_PASSPHRASE_FILE === undefined) await ensurePassphrase(passphraseFile);
  const passphrase = await readPassphrase(passphraseFile);
  // an earlier try that was interrupted has left keys, and music that was made for them
  const keyOf = async (name: string): Promise<Key> => {
    const file = walletFile(wallets, name);
    if (existsSync(file)) return await unlockWallet(file, passphrase);
    const key = Key.random(12);
    await saveWallet(wallets, name, { key, passphrase });
    return key;
  };
  const enrol = async (name: string): Promise<string> => (await keyOf(name)).hotkey;
  const ownerKey = await keyOf(OWNER);
  const owner = ownerKey.hotkey;
  const participants: Participant[] = [{ name: OWNER, role: 'owner', hotkey: owner, bucket: OWNER, privateBucket: `${OWNER}-private` }];
  for (const name of VALIDATORS) participants.push({ name, role: 'validator', hotkey: await enrol(name), bucket: name, privateBucket: `${name}-private` });
  for (const style of competition.styles.private) {
    const hotkey = await enrol(style);
    if (!isComposable(competition.music)) {
      // whose music it is has to be brought: nothing composes for another model
      participants.push({ name: style, role: 'miner', hotkey, bucket: style, privateBucket: `${style}-private` });
      continue;
    }
    const dataset = composeDataset({ name: `${style} by its owner`, styles: [style], clips: SHARD_CLIPS, seed: `${hotkey}/own music`, licence: 'LicenseRef-private', sharing: 'private' });
    await store.createBucket(`${style}-private`);
    const ref = await store.putOnce(`${style}-private`, 'dataset.safetensors', encodeDataset(dataset)).catch(notAnotherNetwork);
    participants.push({ name: style, role: 'miner', hotkey, bucket: style, privateBucket: `${style}-private`, dataset: { ...manifestOf(dataset), ref } });
  }
  const isRelay = competition.exchange === 'relay';
  if (isRelay) participants.push({ name: HUB, role: 'hub', hotkey: await enrol(HUB), bucket: HUB, privateBucket: `${HUB}-private` });
  for (const name of OTHERS[competition.exchange]) participants.push({ name, role: 'miner', hotkey: await enrol(name), bucket: name, privateBucket: `${name}-private` });

  for (const bucket of [HUB, ...participants.flatMap(({ bucket, privateBucket }) => [bucket, privateBucket])]) await store.createBucket(bucket);
  const genesisDama = await putDama(store, { folder: dama, bucket: HUB, prefix: competition.music.model, work: home }).catch(notAnotherNetwork);
  const neurons = participants
    .filter(({ role }) => role === 'miner' || role === 'validator')
    // a coldkey has one place in a hub's queue
    .map(({ hotkey, role }) => ({ hotkey, coldkey: isRelay && role === 'miner' ? hotkey : owner, stake: role === 'validator' ? STAKE_RAO : '0', validatorPermit: role === 'validator' }));
  await writeJson(genesisFile(home), defaultGenesis({ owner, netuid: competition.netuid, tempo, weightsRateLimit: 1, neurons }));
  await writeJson(participantsFile(home), { version: 1, participants });
  if (settings.kind === 's3') await writeJson(s3File(home), { endpoint: settings.endpoint, region: settings.region, pathStyle: settings.pathStyle });
  // last, since it says that all the rest is there
  const hub = participants.find(({ role }) => role === 'hub');
  await writeJson(deploymentFile(home), { version: 1, competition, signature: signCompetition(competition, ownerKey), genesisDama, blockMs, ...(hub && { hub: { hotkey: hub.hotkey } }) });
}

/** A home goes with the store that it was made on. */
async function checkStore(store: ObjectStore, home: string): Promise<void> {
  const { bucket, key } = (await readDeployment(home)).genesisDama.weights;
  if ((await store.head(bucket, key)) === undefined) throw new InvalidInput(`Expected the store to hold ${bucket}/${key} of the network in ${home}, got none: use the store that it was made on (GENKI_S3_ENDPOINT), or another GENKI_HOME`);
}

function notAnotherNetwork(error: unknown): never {
  if (!(error instanceof ChecksumMismatch)) throw error;
  throw new InvalidInput(`Expected a store without another network's objects: ${error.message}`, { cause: error });
}
