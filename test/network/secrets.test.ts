import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { mnemonicToMiniSecret } from '@polkadot/util-crypto/mnemonic';
import { sr25519PairFromSeed } from '@polkadot/util-crypto/sr25519';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { participantsFile, readParticipants } from '../../activities/participants.ts';
import { EmbeddedNetwork } from '../../client/embedded/network.ts';
import { OWNER, provision } from '../../client/embedded/provision.ts';
import { reachEpoch } from '../../client/owner.ts';
import { createLocalChain } from '../../genki/chain/local/local-chain.ts';
import { composeDataset, encodeDataset, manifestOf } from '../../genki/data/dataset.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import { createS3Store } from '../../genki/store/s3-store.ts';
import { Key } from '../../workers/keystore.ts';
import { readPassphrase } from '../../workers/passphrase.ts';
import { listWallets, loadWallet, saveWallet, unlockWallet, walletFile } from '../../workers/wallets.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { until } from './support/network.ts';
import { bytesCanary, filesBelow, sightings, textCanary, type Canary } from './support/secrets.ts';

/** Long for a command; one that hangs is no answer. */
const COMMAND_MS = 40_000;
const MAIN = fileURLToPath(new URL('../../client/main.ts', import.meta.url));
const MINER = 'dungeon';
const VALIDATOR = 'validator-1';
/** In names of workflows, leases and manifests, on the chain and in logs: no secret, so that it has to be found. */
const MARKER = 'mkq7zx4v';
const MNEMONIC = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
const SEED = '5eed0c0ffee5eed0c0ffee5eed0c0ffee5eed0c0ffee5eed0c0ffee5eed0c0ff';
const PASSPHRASE = 'paswrd-canary quite harmless words 83217';
const AWS_KEY_ID = 'AKIACANARYCANARY0001';
const AWS_SECRET = 'awsCanarySecret/7f3K9q+Xv2LmZp0RtYbWn4';
const CAPTION = 'dungeon captioncanary5512 minor';

// small, since nobody asks how good it is
const competition: typeof RUBY = {
  ...RUBY,
  id: MARKER,
  training: { ...RUBY.training, hyper: { ...RUBY.training.hyper, steps: 2, batch: 2 }, replayRows: 1, replay: { ...RUBY.training.replay, clips: 3 } },
  styles: { ...RUBY.styles, private: [MINER, 'victory'] },
  holdOut: { A: { perPrivateStyle: 2, perBaseStyle: 2 }, B: { perPrivateStyle: 2, perBaseStyle: 0 }, C: { perPrivateStyle: 2, perBaseStyle: 2 } },
  scales: [0.5],
  timing: { ...RUBY.timing, windowBlocks: 1_000_000 },
  generation: { ...RUBY.generation, clips: 2 },
};

const canaries: Canary[] = [
  textCanary('the mnemonic', MNEMONIC),
  bytesCanary('the mnemonic’s seed', mnemonicToMiniSecret(MNEMONIC)),
  bytesCanary('the mnemonic’s key', sr25519PairFromSeed(mnemonicToMiniSecret(MNEMONIC)).secretKey),
  bytesCanary('the seed', Buffer.from(SEED, 'hex')),
  bytesCanary('the seed’s key', sr25519PairFromSeed(Buffer.from(SEED, 'hex')).secretKey),
  textCanary('the passphrase', PASSPHRASE),
  textCanary('the secret of AWS', AWS_SECRET),
  textCanary('the private caption', 'captioncanary5512'),
];
const marker = textCanary('the marker', MARKER);
const places = new Map<string, Map<string, Buffer>>();

let root: string;
let home: string;
let env: NodeJS.ProcessEnv;
let network: EmbeddedNetwork | undefined;
const output = new Map<string, Buffer>();

/** The `genki` command as a person runs it; what it says is searched, too. */
async function genki(args: readonly string[], { more = {}, input = '' }: { more?: NodeJS.ProcessEnv; input?: string } = {}): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { env: { ...env, ...more }, stdio: ['pipe', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined).end(input);
  const late = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(late);
  const bytes = Buffer.concat(chunks);
  output.set(`${output.size}: genki ${args.slice(0, 2).join(' ')}`, bytes);
  return { code, text: bytes.toString() };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'genki-secrets-'));
  home = join(root, 'home');
  const passphraseFile = join(root, 'passphrase');
  await writeFile(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
  env = { ...process.env, GENKI_HOME: home, GENKI_PASSPHRASE_FILE: passphraseFile, AWS_ACCESS_KEY_ID: AWS_KEY_ID, AWS_SECRET_ACCESS_KEY: AWS_SECRET };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: AWS_KEY_ID, AWS_SECRET_ACCESS_KEY: AWS_SECRET, GENKI_PASSPHRASE_FILE: passphraseFile });

  const passphrase = await readPassphrase(passphraseFile);
  const wallets = join(home, 'wallets');
  await mkdir(home, { recursive: true });
  await saveWallet(wallets, MINER, { key: Key.from(MNEMONIC), passphrase });
  await saveWallet(wallets, VALIDATOR, { key: Key.from(SEED), passphrase });
  await provision({ home, blockMs: 50, competition, env });
  for (const { name } of await listWallets(wallets)) canaries.push(textCanary(`the phrase of ${name}`, (await unlockWallet(walletFile(wallets, name), passphrase)).reveal()!));

  // the miner's own captions
  const store = createFolderStore(join(home, 'store'));
  const participants = await readParticipants(home);
  const dataset = composeDataset({ name: 'own music', styles: [MINER], clips: 4, seed: 'own', licence: 'LicenseRef-private', sharing: 'private' });
  const captioned = { ...dataset, clips: dataset.clips.map((clip) => ({ ...clip, caption: CAPTION })) };
  const ref = await store.putOnce(`${MINER}-private`, 'captioned.safetensors', encodeDataset(captioned));
  const own = participants.map((p) => (p.name === MINER ? { ...p, dataset: { ...manifestOf(captioned), ref } } : p));
  await writeFile(participantsFile(home), JSON.stringify({ version: 1, participants: own }));
  network = await EmbeddedNetwork.start({ home, blockMs: 50, env, anyPorts: true, maxBackoffMs: 500, say: (line) => output.set(`said ${output.size}`, Buffer.from(line)) });
});

afterAll(async () => {
  await network?.stop();
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'GENKI_PASSPHRASE_FILE']) delete process.env[name];
  await rm(root, { recursive: true, force: true });
});

describe('the search', () => {
  it('finds bytes and words in every form, wherever they begin', () => {
    const secret = Buffer.from(SEED, 'hex');
    const seen = (canary: Canary, bytes: Buffer): boolean => sightings(canary, new Map([['here', new Map([['it', bytes]])]])).length > 0;
    for (const before of ['', 'x', 'xy', 'xyz']) {
      const around = Buffer.concat([Buffer.from(before), secret, Buffer.from('end')]);
      for (const hidden of [around, Buffer.from(around.toString('hex')), Buffer.from(around.toString('base64')), Buffer.from(around.toString('base64url')), Buffer.from(Buffer.from(around.toString('hex')).toString('base64'))]) expect(seen(bytesCanary('', secret), hidden)).toBe(true);
      expect(seen(textCanary('', PASSPHRASE), Buffer.from(Buffer.from(`${before}${PASSPHRASE}.`).toString('base64')))).toBe(true);
    }
    expect(seen(bytesCanary('', secret), Buffer.from(SEED.replace('5eed', '5eee'), 'hex'))).toBe(false);
  });
});

describe('a network with secrets', () => {
  it('lives through a window, a round, and what can go wrong', async () => {
    const { addresses } = network!;
    const connection = await Connection.connect({ address: addresses.temporal });
    const { workflow } = new Client({ connection });
    const seen = new Map<string, Buffer>();
    const start = (type: string, name: string, input: unknown) => workflow.start(type, { workflowId: `${MARKER}/${name}`, taskQueue: WORKFLOW_QUEUE, args: [input] });
    const failed = async (type: string, name: string, input: unknown): Promise<void> => {
      const error: unknown = await (await start(type, name, input)).result().then(() => expect.unreachable(`${name} went well`), (thrown: unknown) => thrown);
      seen.set(`failure of ${name}`, Buffer.from(inspect(error, { depth: 9 })));
    };
    const chain = createLocalChain({ url: addresses.chain });

    // a window whose workers are killed while it trains and signs, and whose chain goes away
    const window = await start('trainingWindow', 'window', { hotkey: MINER });
    await until('the window to train', async () => (await workflow.getHandle(window.workflowId).query<{ phase: string }>('progress').catch(() => ({ phase: '' }))).phase === 'train');
    for (const name of ['gpu worker', 'cpu worker', 'chain'] as const) process.kill(network!.pid(name)!, 'SIGKILL');
    await Promise.all([failed('trainingWindow', 'bad-input', { stpes: 1 }), failed('validationRound', 'nobody', { hotkey: 'nobody' }), failed('trainingWindow', 'no-object', { hotkey: 'victory', adapter: { bucket: 'victory-private', key: 'nothing', sha256: 'ab'.repeat(32), bytes: 9 } })]);
    seen.set('outcome', Buffer.from(JSON.stringify(await window.result())));
    const owner = await loadWallet(walletFile(join(home, 'wallets'), OWNER), env.GENKI_PASSPHRASE_FILE!);
    await reachEpoch(chain, { owner, netuid: competition.netuid, blockMs: 50, epoch: 1, signal: AbortSignal.timeout(60_000) });
    seen.set('round', Buffer.from(JSON.stringify(await (await start('validationRound', 'round', { hotkey: VALIDATOR })).result())));

    const histories = new Map<string, Buffer>();
    for await (const { workflowId, runId } of workflow.list()) {
      const history = await workflow.getHandle(workflowId, runId).fetchHistory();
      histories.set(workflowId, Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish()));
      const described = await connection.workflowService.describeWorkflowExecution({ namespace: addresses.namespace, execution: { workflowId, runId } });
      seen.set(`description of ${workflowId}`, Buffer.from(proto.temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode(described).finish()));
    }
    places.set('histories', histories);
    places.set('descriptions, outcomes and failures', seen);
    await chain.close();
    await connection.close();
    expect(histories.size).toBeGreaterThanOrEqual(8);
  });

  it('tells its commands what is wrong without a secret that they were given', async () => {
    const bare = join(root, 'bare');
    const broken = join(root, 'broken.json');
    await writeFile(broken, JSON.stringify({ version: 7, secret: SEED, phrase: MNEMONIC }));
    const open = join(root, 'open-passphrase');
    await writeFile(open, PASSPHRASE);
    await chmod(open, 0o644);
    const wrong = join(root, 'wrong-passphrase');
    await writeFile(wrong, 'not these words', { mode: 0o600 });
    const refused: [readonly string[], { more?: NodeJS.ProcessEnv; input?: string }?][] = [
      [['keys', 'import', 'stolen', SEED]],
      [['keys', 'import', 'spoiled', broken]],
      [['keys', 'import', 'twice'], { input: SEED }],
      [['keys', 'export', MNEMONIC]],
      [['keys', 'new', 'another'], { more: { GENKI_PASSPHRASE_FILE: open } }],
      [['keys', 'new', 'another'], { more: { GENKI_PASSPHRASE_FILE: PASSPHRASE } }],
      [['keys', 'export', MINER, '--secret', '--force'], { more: { GENKI_PASSPHRASE_FILE: wrong } }],
      [['worker', 'cpu'], { more: { GENKI_PASSPHRASE_FILE: wrong } }],
      [['window', 'start', '--hotkey', `0x${SEED}`]],
      [['round', 'start', '--hotkey', MNEMONIC]],
      [['leaderboard'], { more: { GENKI_HOTKEY: SEED } }],
      [['status'], { more: { GENKI_S3_ENDPOINT: 'http://127.0.0.1:9', GENKI_CHAIN: 'http://127.0.0.1:9' } }],
      [['up'], { more: { GENKI_HOME: bare, GENKI_S3_ENDPOINT: `http://canary:${AWS_SECRET.replaceAll('/', '')}@127.0.0.1:9` } }],
      [['logs', SEED]],
      [[`0x${SEED}`]],
    ];
    for (let i = 0; i < refused.length; i += 3) {
      await Promise.all(refused.slice(i, i + 3).map(async ([args, how]) => {
        const { code, text } = await genki(args, how);
        expect(code, `${args.join(' ')}\n${text}`).toBe(1);
        expect(text, args.join(' ')).not.toMatch(/\n\s+at /);
      }));
    }
    const sound = [['status', '--json'], ['doctor'], ['keys', 'list', '--json'], ['leaderboard', '--json'], ['logs']];
    for (let i = 0; i < sound.length; i += 3) for (const { code, text } of await Promise.all(sound.slice(i, i + 3).map((args) => genki(args)))) expect(code, text).toBe(0);
    places.set('what commands say', output);
  });

  it('does not tell who cannot reach its store', async () => {
    const store = createS3Store({ endpoint: 'http://127.0.0.1:9', region: 'us-east-1', pathStyle: true, patience: { attempts: 2, backoffMs: 10 } });
    const error: unknown = await store.getByKey('hub', 'anything', { maxBytes: 9 }).then(() => expect.unreachable('it answered'), (thrown: unknown) => thrown);
    places.set('the store’s error', new Map([['it', Buffer.from(inspect(error, { depth: 12, showHidden: true }))]]));
  });

  it('keeps them to itself, wherever one looks', async () => {
    await network!.stop();
    network = undefined;
    const files = await filesBelow(home);
    const below = (...prefixes: string[]): Map<string, Buffer> => new Map([...files].filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))));
    places.set('logs', below('logs/'));
    places.set('Temporal’s database', below('temporal.db'));
    places.set('the chain’s journal', below('chain/'));
    places.set('public buckets', new Map([...below('store/')].filter(([name]) => !/^store\/[^/]+-private\//.test(name))));
    places.set('all else in the home', new Map([...files].filter(([name]) => !/^(logs|chain|store)\/|^temporal\.db/.test(name))));

    // each place is one in which something would have been found
    for (const [place, pieces] of places) if (place !== 'the store’s error') expect(sightings(marker, new Map([[place, pieces]])), place).not.toEqual([]);
    expect(sightings(textCanary('the caption', 'captioncanary5512'), new Map([['the private bucket', below(`store/${MINER}-private/`)]]))).not.toEqual([]);
    expect(places.get('logs')!.size).toBeGreaterThanOrEqual(4);

    expect(canaries.flatMap((canary) => sightings(canary, places))).toEqual([]);
  });
});
