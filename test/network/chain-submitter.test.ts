import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSubmitActivities } from '../../activities/submit.ts';
import { createWalletActivities, type Effect } from '../../activities/wallet.ts';
import type { Chain, Signer } from '../../genki/chain/chain.ts';
import { createSigner } from '../../genki/chain/keys.ts';
import { defaultGenesis } from '../../genki/chain/local/genesis.ts';
import type { SubmissionOutcome, SubmissionRequest } from '../../activities/submit.ts';
import type { SubmitterState } from '../../workflows/chain-submitter.ts';
import { CPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { extrinsicsOf as inBlocks } from '../support/blocks.ts';
import { POINTS, type Doomed } from './support/doomed.ts';
import { BLOCK_MS, TestNetwork, until } from './support/network.ts';
import type { asker } from './support/workflows.ts';

const owner = createSigner('//owner');
const validator = createSigner('//validator');
const stranger = createSigner('//stranger');
const miners = Object.fromEntries(['asked', 'refused', 'hostile', 'quick', 'stuck', 'left', 'many', 'flap', ...POINTS].map((name) => [name, createSigner(`//${name}`)]));
const miner = (name: string): Signer => miners[name]!;

const submit = createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE });
let network: TestNetwork;
let chain: Chain;
let url: string;
let journal: string;
beforeAll(async () => {
  // a submission is about 25 events
  network = await TestNetwork.start({ limits: { 'limit.historyCount.suggestContinueAsNew': 60 } });
  const neuron = ({ hotkey }: Signer, stake: string) => ({ hotkey, coldkey: owner.hotkey, stake, validatorPermit: stake !== '0' });
  const neurons = [neuron(validator, '5000000000'), ...Object.values(miners).map((signer) => neuron(signer, '0'))];
  ({ chain, url, journal } = await network.startChain(defaultGenesis({ owner: owner.hotkey, tempo: 50_000, weightsRateLimit: 1, neurons })));
  await network.work({ taskQueue: CPU_QUEUE, activities: submit });
});
afterAll(() => network?.stop());

const holdKey = (signer: Signer): Promise<unknown> =>
  network.work({ taskQueue: walletQueue(signer.hotkey), activities: createWalletActivities({ chain, signer, blockMs: BLOCK_MS }), maxConcurrentActivityTaskExecutions: 1, maxConcurrentActivityTaskPolls: 1 });

const commitment = (data: string): Effect => ({ kind: 'commitment', netuid: 1, data });

let askers = 0;
/** A workflow that wants this effect, as a window or a round does. */
const ask = ({ hotkey }: Signer, key: string, effect: Effect): Promise<WorkflowHandle<typeof asker>> =>
  network.client.workflow.start<typeof asker>('asker', { workflowId: `asker/${askers++}`, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey, key, effect }] });
const outcomeOf = async (signer: Signer, key: string, effect: Effect): Promise<SubmissionOutcome> => await (await ask(signer, key, effect)).result();
const request = (signer: Signer, wanted: SubmissionRequest): Promise<SubmissionOutcome | undefined> => network.call(submit.requestSubmission, { hotkey: signer.hotkey, request: wanted });
const stateOf = ({ hotkey }: Signer): Promise<SubmitterState> => network.client.workflow.getHandle(`chain/${hotkey}`).query<SubmitterState>('state');

/** What of this signer is in blocks, finalized or not. */
const extrinsicsOf = ({ hotkey }: Signer): string[] => inBlocks(journal, hotkey);

async function committedBy({ hotkey }: Signer): Promise<string | undefined> {
  return (await chain.commitments(1, (await chain.head()).hash)).find((commit) => commit.hotkey === hotkey)?.data;
}

describe.concurrent('chainSubmitter on a server and a chain', () => {
  it('writes an effect once when its worker is killed at any point of the way', async () => {
    const wallets = POINTS.map((point) => ({ secret: `//${point}`, point }));
    const doomed: Doomed = { address: network.address, url, blockMs: BLOCK_MS, wallets };
    const child = fork(fileURLToPath(new URL('./support/wallet-worker.ts', import.meta.url)), [JSON.stringify(doomed)], { execArgv: ['--import', import.meta.resolve('tsx')] });
    network.also(() => killed(child));
    const reached = new Set<unknown>();
    child.on('message', (point) => reached.add(point));
    const waiting = await Promise.all(POINTS.map((point, i) => ask(miner(point), 'once', commitment(`0${i}`))));
    await until('each key to have come to its point', async () => reached.size === POINTS.length, 60_000);
    await killed(child);

    await Promise.all(POINTS.map((point) => holdKey(miner(point))));
    const outcomes = await Promise.all(waiting.map((handle) => handle.result()));
    for (const [i, point] of POINTS.entries()) {
      const outcome = outcomes[i]!;
      expect(outcome, point).toMatchObject({ kind: 'landed', key: 'once' });
      expect(extrinsicsOf(miner(point)), point).toEqual([outcome.kind === 'landed' && outcome.extrinsic]);
      expect(await committedBy(miner(point)), point).toBe(`0${i}`);
    }
    await network.record('chain-submitter-killed', `chain/${miner('after-broadcast').hotkey}`);
  });

  it('makes one extrinsic of one key, whoever asks for it, at once or later', async () => {
    const signer = miner('asked');
    await holdKey(signer);
    const [first, second] = await Promise.all([outcomeOf(signer, 'same', commitment('aa')), outcomeOf(signer, 'same', commitment('aa'))]);
    expect(first).toMatchObject({ kind: 'landed', key: 'same', block: expect.any(Number), extrinsic: expect.stringMatching(/^0x/) });
    expect(second).toEqual(first);
    expect(await committedBy(signer)).toBe('aa');
    expect(await outcomeOf(signer, 'same', commitment('bb'))).toEqual(first);
    // what holds already needs no extrinsic under another key either
    expect(await outcomeOf(signer, 'again', commitment('aa'))).toEqual({ kind: 'landed', key: 'again', block: first.kind === 'landed' && first.block });
    expect(extrinsicsOf(signer)).toHaveLength(1);
    await network.record('chain-submitter-once', `chain/${signer.hotkey}`);
  });

  it('sets weights by hotkey, once an epoch, and says when the epoch is over', async () => {
    await Promise.all([holdKey(validator), holdKey(owner)]);
    const { epoch, neurons } = await chain.metagraph(1, (await chain.head()).hash);
    const weightOf = { [miner('many').hotkey]: 65_535, [miner('asked').hotkey]: 30_000, [stranger.hotkey]: 9 };
    const weights = Object.entries(weightOf).map(([hotkey, weight]) => ({ hotkey, weight }));
    const effect: Effect = { kind: 'weights', netuid: 1, epoch, versionKey: 0, weights };
    const landed = await outcomeOf(validator, `weights/1/${epoch}`, effect);
    expect(landed).toMatchObject({ kind: 'landed' });
    const row = (await chain.weights(1, (await chain.head()).hash)).find(({ hotkey }) => hotkey === validator.hotkey)!;
    const byHotkey = Object.fromEntries(row.weights.map(({ uid, weight }) => [neurons[uid]!.hotkey, weight]));
    expect(byHotkey).toEqual({ [miner('many').hotkey]: 65_535, [miner('asked').hotkey]: 30_000 });
    expect(await outcomeOf(validator, 'a second row', effect)).toMatchObject({ kind: 'landed', block: landed.kind === 'landed' && landed.block });
    expect(extrinsicsOf(validator)).toHaveLength(1);

    expect(await outcomeOf(owner, `epoch/${epoch}`, { kind: 'triggerEpoch', netuid: 1, epoch })).toMatchObject({ kind: 'landed' });
    await until('the next epoch', async () => (await chain.metagraph(1, (await chain.head()).hash)).epoch > epoch);
    expect(await outcomeOf(validator, 'too late', effect)).toEqual({ kind: 'refused', key: 'too late', code: 'EpochOver', message: expect.stringContaining(`weights of epoch ${epoch} cannot be set any more`) });
    expect(extrinsicsOf(validator)).toHaveLength(1);

    // signed at the end of an epoch, a row may land in the next one: it is not that one's
    const late = await chain.prepare({ kind: 'setWeights', netuid: 1, uids: row.weights.map(({ uid }) => uid), weights: row.weights.map(() => 65_535), versionKey: 0 }, validator);
    await chain.broadcast(late);
    await until('the late row', async () => (await chain.landing(late)).kind === 'included');
    expect(await outcomeOf(validator, `weights/1/${epoch + 1}`, { ...effect, epoch: epoch + 1 })).toMatchObject({ kind: 'landed', extrinsic: expect.any(String) });
    expect((await chain.weights(1, (await chain.head()).hash)).find(({ hotkey }) => hotkey === validator.hotkey)).toEqual(row);
    expect(extrinsicsOf(validator)).toHaveLength(3);
  });

  it('gives code and words of a refusal, and goes on with the next request', async () => {
    const signer = miner('refused');
    await Promise.all([holdKey(signer), holdKey(stranger)]);
    const { epoch } = await chain.metagraph(1, (await chain.head()).hash);
    const refusals = await Promise.all([
      outcomeOf(signer, 'epoch', { kind: 'triggerEpoch', netuid: 1, epoch: epoch + 100 }),
      outcomeOf(signer, 'long', commitment('00'.repeat(129))),
      outcomeOf(signer, 'subnet', { kind: 'commitment', netuid: 2, data: '00' }),
      outcomeOf(signer, 'nonsense', { kind: 'commitment', netuid: 1, data: 'not hex', more: 1 } as Effect),
      outcomeOf(stranger, 'stranger', commitment('00')),
    ]);
    expect(refusals).toEqual([
      { kind: 'refused', key: 'epoch', code: 'BadOrigin', message: "Expected the subnet's owner" },
      { kind: 'refused', key: 'long', code: 'CommitmentTooLong', message: 'Expected at most 128 bytes, got 129' },
      { kind: 'refused', key: 'subnet', code: 'InvalidInput', message: expect.stringContaining('Expected subnet 1, got 2') },
      { kind: 'refused', key: 'nonsense', code: 'InvalidInput', message: expect.stringMatching(/more.*expected lower-case hex|expected lower-case hex.*more/s) },
      { kind: 'refused', key: 'stranger', code: 'AccountNotAllowedCommit', message: 'Expected a hotkey registered in subnet 1' },
    ]);
    expect(await outcomeOf(signer, 'good', commitment('cc'))).toMatchObject({ kind: 'landed' });
    await network.record('chain-submitter-refused', `chain/${signer.hotkey}`);
  });

  it('refuses a request that it could not answer, at once', async () => {
    const good: SubmissionRequest = { key: 'key', effect: commitment('00'), replyTo: 'asker' };
    const bad = [{ ...good, key: '' }, { ...good, key: 7 }, { ...good, replyTo: '' }, { ...good, replyTo: 'x'.repeat(301) }, { key: 'key', replyTo: 'asker' }, undefined];
    for (const wanted of bad) await expect(request(miner('hostile'), wanted as SubmissionRequest)).rejects.toThrow(/Expected \{key, effect, replyTo\}|undefined/);
    expect(await stateOf(miner('hostile'))).toMatchObject({ queue: [], outcomes: [] });
  });

  it('keeps hotkeys apart, and lands what an asker wanted that is gone', async () => {
    await holdKey(miner('quick'));
    const late = await ask(miner('stuck'), 'late', commitment('d0'));
    const left = await ask(miner('left'), 'left', commitment('d1'));
    await until('both requests', async () => (await Promise.all(['stuck', 'left'].map(async (name) => (await stateOf(miner(name)).catch(() => undefined))?.queue?.length === 1))).every(Boolean));
    await left.terminate('its operator gave up');
    expect(await outcomeOf(miner('quick'), 'quick', commitment('d2'))).toMatchObject({ kind: 'landed' });
    expect(extrinsicsOf(miner('stuck'))).toEqual([]);

    await Promise.all([holdKey(miner('stuck')), holdKey(miner('left'))]);
    expect(await late.result()).toMatchObject({ kind: 'landed', key: 'late' });
    const known = await until('the outcome that nobody waits for', async () => (await stateOf(miner('left'))).outcomes?.[0]);
    expect(known).toMatchObject({ kind: 'landed', key: 'left' });
    expect(await outcomeOf(miner('left'), 'left', commitment('d1'))).toEqual(known);
    expect(extrinsicsOf(miner('left'))).toHaveLength(1);
  });

  it('carries queue and outcomes into new runs', async () => {
    const signer = miner('many');
    await holdKey(signer);
    const keys = Array.from({ length: 8 }, (_, i) => `many/${i}`);
    await Promise.all(keys.map((key, i) => request(signer, { key, effect: commitment((0xe0 + i).toString(16)), replyTo: 'nobody' })));
    const { outcomes } = await until('all outcomes', async () => { const state = await stateOf(signer); return state.queue?.length === 0 && state; }, 60_000);
    expect(new Set(outcomes!.map(({ key, kind }) => `${kind} ${key}`))).toEqual(new Set(keys.map((key) => `landed ${key}`)));
    const [firstRun, secondRun] = await until('several runs', async () => { const runs = await network.runsOf(`chain/${signer.hotkey}`); return runs.length > 2 && runs; });
    for (const outcome of outcomes!) expect(await request(signer, { key: outcome.key, effect: commitment('ff'), replyTo: 'nobody' })).toEqual(outcome);
    expect(extrinsicsOf(signer)).toEqual(outcomes!.map((outcome) => outcome.kind === 'landed' && outcome.extrinsic));
    await network.record('chain-submitter-first-run', `chain/${signer.hotkey}`, firstRun);
    await network.record('chain-submitter-second-run', `chain/${signer.hotkey}`, secondRun);
  });
});

describe('chainSubmitter on a chain that is killed', () => {
  it('lands one extrinsic, also when the pool forgot the first', async () => {
    const signer = miner('flap');
    await holdKey(signer);
    const waiting = await Promise.all(['f0', 'f1', 'f2'].map((data) => ask(signer, data, commitment(data))));
    await until('something in a block', async () => extrinsicsOf(signer).length > 0);
    network.crash('chain');
    const outcomes = await Promise.all(waiting.map((handle) => handle.result()));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['landed', 'landed', 'landed']);
    expect(new Set(extrinsicsOf(signer))).toEqual(new Set(outcomes.map((outcome) => outcome.kind === 'landed' && outcome.extrinsic)));
    expect(extrinsicsOf(signer)).toHaveLength(outcomes.length);
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
