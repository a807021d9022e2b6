import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLeaseActivities } from '../../activities/lease.ts';
import { createSealedKeyActivities } from '../../activities/sealed-key.ts';
import { createSubmissionActivities } from '../../activities/submission.ts';
import { createSubmitActivities } from '../../activities/submit.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import { createWindowActivities } from '../../activities/window.ts';
import type { Deployment } from '../../activities/deployment.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { createSigner, verifySignature } from '../../genki/chain/keys.ts';
import { defaultGenesis } from '../../genki/chain/local/genesis.ts';
import { StoreUnavailable } from '../../genki/errors.ts';
import { keyFileOf, openKeyFile } from '../../genki/protocol/sealing.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import type { Outcome } from '../../workflows/evaluate-submission.ts';
import { CPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { WindowOutcome } from '../../workflows/training-window.ts';
import { actor, adapterFile, openShelf, participant, type Actor, type Shelf } from '../activities/support/federation.ts';
import { handIn, roundOf } from '../activities/support/hand-in.ts';
import { BLOCK_MS, TestNetwork, until } from './support/network.ts';

const [validator, anna, ben, carl, stranger] = ['validator', 'anna', 'ben', 'carl', 'stranger'].map(actor) as [Actor, Actor, Actor, Actor, Actor];
const KEY_DEADLINE_BLOCKS = 40;
const KEY_FILE = /^manifests\/[0-9a-f]{40}\.key\.json$/;

let network: TestNetwork;
let shelf: Shelf;
let chain: Chain;
let deployment: Deployment;
/** What the workers do before they publish a key in somebody's bucket. */
const beforeKey = new Map<string, () => Promise<void>>();

beforeAll(async () => {
  network = await TestNetwork.start();
  shelf = await openShelf();
  network.also(async () => shelf.remove());
  const { competition } = shelf.deployment;
  // a window that does not end during the tests
  deployment = { ...shelf.deployment, blockMs: BLOCK_MS, competition: { ...competition, timing: { ...competition.timing, windowBlocks: 1_000_000, keyDeadlineBlocks: KEY_DEADLINE_BLOCKS } } };
  const owner = createSigner('//owner').hotkey;
  const neurons = [validator, anna, ben, carl].map(({ hotkey }) => ({ hotkey, coldkey: owner, stake: hotkey === validator.hotkey ? '10000000000' : '0', validatorPermit: hotkey === validator.hotkey }));
  ({ chain } = await network.startChain(defaultGenesis({ owner, tempo: 50_000, commitmentSpace: 100_000, neurons })));
  const store: ObjectStore = {
    ...shelf.store,
    async putOnce(bucket, key, body) {
      if (KEY_FILE.test(key)) await beforeKey.get(bucket)?.();
      return await shelf.store.putOnce(bucket, key, body);
    },
  };
  const miners = [anna, ben, carl, stranger];
  const deps = { chain, store, deployment, participants: async () => miners.map((miner) => participant(miner, 'miner')), defaultHotkey: undefined };
  await network.work({ taskQueue: CPU_QUEUE, activities: { ...createWindowActivities(deps), ...createSubmissionActivities(deps), ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }), ...createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE }) } });
  for (const signer of miners) await network.work({ taskQueue: walletQueue(signer.hotkey), activities: { ...createWalletActivities({ chain, signer, blockMs: BLOCK_MS }), ...createSealedKeyActivities({ store, signer }) } });
});
afterAll(() => network?.stop());

const start = async ({ name, privateBucket }: Actor, workflowId: string) => {
  const adapter = await shelf.store.putOnce(privateBucket, 'elsewhere.safetensors', adapterFile(name));
  return await network.client.workflow.start('trainingWindow', { workflowId, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: name, adapter }] });
};
async function keyFilesIn(bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of shelf.store.list(bucket, 'manifests/')) if (KEY_FILE.test(key)) keys.push(key);
  return keys;
}
/** All histories, their payloads as text. */
async function everythingSaid(): Promise<string> {
  const payloads: string[] = [];
  const collect = (value: unknown): void => {
    if (value instanceof Uint8Array) payloads.push(Buffer.from(value).toString());
    else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) collect(member);
  };
  for await (const { workflowId, runId } of network.client.workflow.list()) collect((await network.client.workflow.getHandle(workflowId, runId).fetchHistory()).events);
  return payloads.join('\n');
}
const commitmentOf = async ({ hotkey }: Actor) => (await chain.commitments(1, (await chain.head()).hash)).find((one) => one.hotkey === hotkey);

describe('the key to a sealed adapter', () => {
  it('is published once its commit is final, also by a store that fails at first, and is in no history', async () => {
    const finalBefore: boolean[] = [];
    beforeKey.set(anna.bucket, async () => {
      finalBefore.push((await commitmentOf(anna)) !== undefined);
      if (finalBefore.length < 3) throw new StoreUnavailable('out of order');
    });
    const handle = await start(anna, 'window/anna');
    const outcome = (await handle.result()) as WindowOutcome;
    if (outcome.kind !== 'committed') throw new Error(`Expected a commit, got ${outcome.kind}`);
    expect(finalBefore).toEqual([true, true, true]);
    expect(outcome.key).toMatchObject({ bucket: 'anna', key: keyFileOf(outcome.manifest.sha256.slice(0, 40)) });

    const key = Buffer.from(openKeyFile(await shelf.store.get(outcome.key, { maxBytes: 1024 }), { hotkey: anna.hotkey, manifest: outcome.manifest.sha256.slice(0, 40) }, verifySignature));
    const said = await everythingSaid();
    expect(said).toContain(`${anna.privateBucket}","key":"secrets/`);
    for (const writing of ['hex', 'base64'] as const) expect(said).not.toContain(key.toString(writing));
    await network.record('training-window-sealed', 'window/anna');
  });

  it('is published by the next window, when the one that committed was ended before it could', async () => {
    beforeKey.set(ben.bucket, () => Promise.reject(new StoreUnavailable('out of order')));
    const handle = await start(ben, 'window/ben');
    await until('a commit that waits for its key', async () => (await handle.query<{ phase: string }>('progress')).phase === 'publish key');
    expect(await keyFilesIn(ben.bucket)).toEqual([]);
    await handle.terminate('as an operator does');
    beforeKey.delete(ben.bucket);
    const again = await start(ben, 'window/ben/again');
    // the lease is still the dead one's until it is missed, and a window that is skipped needs none
    expect(await again.result()).toMatchObject({ kind: 'skipped', reason: expect.stringMatching(/already committed in window 0/) as string });
    expect(await keyFilesIn(ben.bucket)).toHaveLength(1);
  });

  it('is published although the window is cancelled while it commits', async () => {
    let arrived = (): void => undefined;
    const atTheKey = new Promise<void>((resolve) => { arrived = resolve; });
    let go = (): void => undefined;
    const released = new Promise<void>((resolve) => { go = resolve; });
    beforeKey.set(carl.bucket, async () => { arrived(); await released; });
    const handle = await start(carl, 'window/carl');
    await atTheKey;
    await handle.cancel();
    go();
    expect(await handle.result()).toMatchObject({ kind: 'committed' });
    expect(await keyFilesIn(carl.bucket)).toHaveLength(1);
  });

  it('stays private when the commit is refused', async () => {
    const handle = await start(stranger, 'window/stranger');
    expect(await handle.result()).toMatchObject({ kind: 'abandoned' });
    expect(await keyFilesIn(stranger.privateBucket)).toHaveLength(1);
    expect(await keyFilesIn(stranger.bucket)).toEqual([]);
  });
});

describe('a validator', () => {
  it('waits for a key until its deadline, and then rejects', async () => {
    const { number } = await chain.head();
    const submission = { ...handIn({ ...shelf, deployment }, { by: actor('withholder'), key: () => undefined }), commitBlock: number };
    const workflowId = 'evaluate/withholder';
    const outcome = (await network.client.workflow.execute('evaluateSubmission', { workflowId, taskQueue: WORKFLOW_QUEUE, args: [{ round: roundOf({ ...shelf, deployment }, validator), submission, who: 'withholder' }] })) as Outcome;
    expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringMatching(new RegExp(`^Expected the key withholder/manifests/[0-9a-f]{40}\\.key\\.json by block ${number + KEY_DEADLINE_BLOCKS}, got none$`)) as string });
    expect((await chain.head()).number).toBeGreaterThanOrEqual(number + KEY_DEADLINE_BLOCKS);
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
