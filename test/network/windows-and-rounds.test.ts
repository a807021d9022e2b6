import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLeaseActivities } from '../../activities/lease.ts';
import { readParticipants, type Participant } from '../../activities/participants.ts';
import { createRoundActivities } from '../../activities/round.ts';
import { createSealedKeyActivities } from '../../activities/sealed-key.ts';
import { createSubmitActivities } from '../../activities/submit.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import { createWindowActivities } from '../../activities/window.ts';
import { genesisFile, provision, VALIDATORS } from '../../client/embedded/provision.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { Genesis } from '../../genki/chain/local/genesis.ts';
import { initialWeights } from '../../genki/music/weights.ts';
import { commitLocation, decodeCommitRecord } from '../../genki/protocol/commit-record.ts';
import { verifyManifest } from '../../genki/protocol/manifest.ts';
import { Random } from '../../genki/protocol/random.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { encodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { readDeployment } from '../../workers/deployment.ts';
import { loadWallets } from '../../workers/wallets.ts';
import type { Deployment } from '../../activities/deployment.ts';
import { CPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { WindowOutcome } from '../../workflows/training-window.ts';
import { TOY } from '../genki/music/support/toys.ts';
import { BLOCK_MS, TestNetwork, until } from './support/network.ts';

let network: TestNetwork;
let chain: Chain;
let store: ObjectStore;
let deployment: Deployment;
let miner: Participant;
beforeAll(async () => {
  network = await TestNetwork.start();
  const { home } = network;
  const dama = join(home, 'toy');
  await mkdir(dama);
  await writeFile(join(dama, 'model.safetensors'), encodeSafetensors(initialWeights(TOY, new Random('toy'))));
  await writeFile(join(dama, 'config.json'), JSON.stringify(TOY));
  // a window that does not end during the tests
  await provision({ home, blockMs: BLOCK_MS, dama, competition: { ...RUBY, timing: { ...RUBY.timing, windowBlocks: 1_000_000 } } });
  ({ chain } = await network.startChain(Genesis.parse(JSON.parse(await readFile(genesisFile(home), 'utf8')))));
  store = createFolderStore(join(home, 'store'));
  deployment = await readDeployment(home);
  miner = (await readParticipants(home)).find(({ role }) => role === 'miner')!;
  const deps = { chain, store, deployment, participants: () => readParticipants(home), defaultHotkey: undefined };
  await network.work({ taskQueue: CPU_QUEUE, activities: { ...createWindowActivities(deps), ...createRoundActivities(deps), ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }), ...createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE }) } });
  const signer = (await loadWallets(join(home, 'wallets'), join(home, 'passphrase'))).find(({ hotkey }) => hotkey === miner.hotkey)!;
  await network.work({ taskQueue: walletQueue(signer.hotkey), activities: { ...createWalletActivities({ chain, signer, blockMs: BLOCK_MS }), ...createSealedKeyActivities({ store, signer }) } });
});
afterAll(() => network?.stop());

let count = 0;

/** Why a workflow failed, and after how long. */
async function failureOf(type: string, input: unknown): Promise<{ cause: ApplicationFailure; ms: number; workflowId: string }> {
  const workflowId = `${type}/${count++}`;
  const start = performance.now();
  const error: unknown = await network.client.workflow.execute(type, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input] }).then(() => undefined, (failure: unknown) => failure);
  const ms = performance.now() - start;
  const cause = error instanceof WorkflowFailedError && error.cause instanceof ActivityFailure ? error.cause.cause : undefined;
  if (!(cause instanceof ApplicationFailure)) throw new Error(`Expected ${type} to fail for its input`, { cause: error });
  return { cause, ms, workflowId };
}

describe('the input of a workflow', () => {
  it.each([
    ['trainingWindow', 'an unknown key', { stpes: 3 }, /\{hotkey, steps, adapter, window\}.*stpes/s],
    ['trainingWindow', 'a wrong type', { steps: 'ten' }, /expected number, received string.*→ at steps/s],
    ['trainingWindow', 'a number out of range', { steps: 0 }, /→ at steps/],
    ['trainingWindow', 'a reference that is none', { adapter: { bucket: 'b', key: 'k', sha256: 'x', bytes: -1 } }, /→ at adapter\.sha256.*→ at adapter\.bytes/s],
    ['trainingWindow', 'text', 'steps=3', /expected object, received string/],
    ['trainingWindow', 'a list', [{ steps: 3 }], /expected object, received array/],
    ['trainingWindow', 'a window that is yet to come', { window: 9 }, /Expected the current window, 0, got 9/],
    ['trainingWindow', 'somebody unknown', { hotkey: 'nobody' }, /Expected a miner of this machine \(.*\), got nobody/],
    ['trainingWindow', 'somebody with another role', { hotkey: VALIDATORS[0] }, /Expected a miner of this machine/],
    ['validationRound', 'an unknown key', { dryrun: true }, /\{hotkey, epoch, dryRun, deadlineMs\}.*dryrun/s],
    ['validationRound', 'a wrong type', { dryRun: 'yes' }, /expected boolean, received string.*→ at dryRun/s],
    ['validationRound', 'an epoch that is not the current one', { epoch: 4711 }, /Expected the current epoch, \d+, got 4711/],
    ['validationRound', 'somebody unknown', { hotkey: 'nobody' }, /Expected a validator of this machine \(validator-1, validator-2\), got nobody/],
  ])('fails %s with %s within 2 s, by name', async (type, _, input, message) => {
    const { cause, ms } = await failureOf(type, input);
    expect(cause).toMatchObject({ type: 'InvalidInput', message: expect.stringMatching(message) });
    expect(ms).toBeLessThan(2000);
  });
});

describe('trainingWindow with an adapter made elsewhere', () => {
  const execute = (workflowId: string, input: object): Promise<WindowOutcome> => network.client.workflow.execute('trainingWindow', { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input] });

  it('commits it signed, gives the lease back, and is skipped for the rest of the window', async () => {
    const adapter = await store.putOnce(miner.privateBucket, 'elsewhere.safetensors', new TextEncoder().encode('an adapter'));
    const outcome = await execute('window/given', { hotkey: miner.name, adapter });
    expect(outcome).toMatchObject({ kind: 'committed', hotkey: miner.hotkey, fence: 1 });

    const commitments = await chain.commitments(deployment.competition.netuid, (await chain.head()).hash);
    expect(commitments).toEqual([expect.objectContaining({ hotkey: miner.hotkey, block: outcome.kind === 'committed' && outcome.block })]);
    const record = decodeCommitRecord(commitments[0]!.data);
    if (!record.ok) throw new Error(record.reason);
    const location = commitLocation(record.value, new Set(['local']));
    if (!location.ok || location.value.kind !== 'bucket') throw new Error('Expected a place in a bucket');
    const { bucket, manifestKey } = location.value;
    const expected = { kind: 'adapter', hotkey: miner.hotkey, competition: deployment.competitionDigest, base: deployment.genesisDama.digest, bucket, record: record.value } as const;
    const manifest = verifyManifest(await store.getByKey(bucket, manifestKey, { maxBytes: 2 ** 16 }), expected, verifySignature);
    expect(manifest).toMatchObject({ fence: 1, files: [{ name: 'adapter_model.safetensors', content: { sha256: adapter.sha256, bytes: adapter.bytes } }, { name: 'adapter_config.json' }] });

    const lease = network.client.workflow.getHandle(`adapter-lease/${deployment.competition.id}/${miner.hotkey}`);
    await until('a free lease', async () => ((await lease.query<{ current: { kind: string } }>('state')).current.kind === 'free'));
    await network.record('training-window-committed', 'window/given');

    const again = await execute('window/again', { hotkey: miner.name, adapter });
    expect(again).toEqual({ kind: 'skipped', reason: `already committed in window 0, at block ${outcome.kind === 'committed' && outcome.block}` });
  });

  it('fails, and gives the lease back, when its adapter is missing', async () => {
    const adapter = { bucket: miner.privateBucket, key: 'nothing.safetensors', sha256: 'ab'.repeat(32), bytes: 10 };
    const other = (await readParticipants(network.home)).filter(({ role }) => role === 'miner')[1]!;
    const { cause, workflowId } = await failureOf('trainingWindow', { hotkey: other.name, adapter });
    expect(cause).toMatchObject({ type: 'ObjectMissing' });
    const lease = network.client.workflow.getHandle(`adapter-lease/${deployment.competition.id}/${other.hotkey}`);
    await until('a free lease', async () => ((await lease.query<{ current: { kind: string } }>('state')).current.kind === 'free'));
    await network.record('training-window-failed', workflowId);
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
