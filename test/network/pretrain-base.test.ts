import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newestVersion } from '../../activities/adapter-versions.ts';
import { baseRecords } from '../../activities/relay-base.ts';
import { decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import type { RelayState } from '../../genki/protocol/relay.ts';
import { relayName } from '../../genki/protocol/relay.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { PretrainingOutcome } from '../../workflows/pretrain-base.ts';
import { actor, type Actor } from '../activities/support/federation.ts';
import { TestNetwork, until } from './support/network.ts';
import { startRelayHub, type RelayHub } from './support/relay-hub.ts';

const ID = 'pt';
const STEPS = 4;
const [anna, ben] = ['anna', 'ben'].map(actor) as [Actor, Actor];
let network: TestNetwork;
let relay: RelayHub;

beforeAll(async () => {
  network = await TestNetwork.start();
  relay = await startRelayHub(network, { id: ID, timing: { leaseMs: 60_000, checkMs: 20_000, lapseWaitMs: 1 }, miners: [anna, ben] });
});
afterAll(() => network?.stop());

const ID_OF_BASES = `pretrain/${ID}`;
/** To be trained again, by sha256. */
let left: string[] = [];
const pretrain = async (input: object = {}): Promise<PretrainingOutcome> =>
  (await (await network.client.workflow.start('pretrainBase', { workflowId: ID_OF_BASES, taskQueue: WORKFLOW_QUEUE, args: [{ budgetMs: 60_000, steps: STEPS, ...input }] })).result()) as PretrainingOutcome;
const of = () => ({ hub: relay.hub.hotkey, bucket: relay.hub.bucket, adapterId: ID });
const state = (): Promise<RelayState> => network.client.workflow.getHandle(relayName(ID)).query<RelayState>('state');

/** Takes a turn, pushes, and hears what became of it. */
async function turn({ hotkey }: Actor, adapter: Awaited<ReturnType<RelayHub['adapter']>>): Promise<{ fence: number; kind: string }> {
  const granted = await relay.desk.request({ adapterId: ID, hotkey, coldkey: hotkey });
  if (granted.kind !== 'granted') return expect.unreachable(JSON.stringify(granted));
  const { version } = await relay.desk.current({ adapterId: ID });
  await relay.desk.push({ adapterId: ID, hotkey, fence: granted.fence, parent: version?.sequence ?? 0, adapter });
  const said = await until('a verdict', async () => {
    const { push } = await relay.desk.status({ adapterId: ID, hotkey });
    return push !== undefined && push.kind !== 'evaluating' && push;
  }, 60_000);
  return { fence: granted.fence, kind: said.kind };
}

describe('a base that is trained further', () => {
  it('has the adapter merged in, though it is killed after each thing that it keeps; what came late is to be trained again', async () => {
    const first = await turn(anna, await relay.adapter('anna'));
    expect(first.kind).toBe('promoted');
    const late = await relay.adapter('anna', 0.002);
    expect(await relay.desk.push({ adapterId: ID, hotkey: anna.hotkey, fence: first.fence, parent: 0, adapter: late })).toMatchObject({ kind: 'late' });
    await until('its copy', async () => (await state()).candidates.every(({ kept }) => kept !== null), 60_000);

    const killed = new Set<string>();
    relay.before.putDone = async (bucket, key) => {
      if (bucket !== relay.hub.bucket || killed.has(key)) return;
      killed.add(key);
      throw new Error('killed, once it was kept');
    };
    const outcome = await pretrain();
    relay.before.putDone = async () => undefined;
    expect([...killed].some((key) => key.startsWith(`adapters/${ID}/bases/`))).toBe(true);
    expect(outcome).toMatchObject({ kind: 'published', sequence: 1, step: STEPS, steps: STEPS });
    await network.record('pretrain-base-published', ID_OF_BASES);
    if (outcome.kind !== 'published') return;
    expect(outcome.adapters + outcome.rebased.length).toBe(2);
    left = outcome.rebased.map(({ adapter }) => adapter);
    expect(left).toEqual([late.sha256]);
    for (const one of outcome.rebased) expect(one).toMatchObject({ kind: 're-refine', adapter: late.sha256, start: { bucket: relay.hub.bucket }, reason: expect.stringContaining(`${STEPS} steps of training apart`) });

    const [record, ...more] = await baseRecords(relay.store, of());
    expect(more).toEqual([]);
    expect(record!.steps.map(({ kind }) => kind)).toEqual(['pretrain', 'merge']);
    expect(record!.dama.weights.bucket).toBe(relay.hub.bucket);
    const { dama } = await relay.desk.current({ adapterId: ID });
    expect(dama.digest).toBe(outcome.digest);
    expect(decodeSafetensors(await relay.store.get(dama.weights, { maxBytes: 2 ** 24 })).tensors.size).toBeGreaterThan(0);
  });

  it('refuses an adapter that was made for the base before, and keeps it for the next merge', async () => {
    expect((await turn(ben, await relay.adapter('ben', 0.003))).kind).toBe('late');
    const { dama, again } = await relay.desk.current({ adapterId: ID });
    expect(again).toMatchObject({ late: left[0], base: dama.digest });
    expect(decodeSafetensors(await relay.store.get(again!.start, { maxBytes: 2 ** 20 })).metadata['base_model_digest']).toBe(dama.digest);
    expect((await state()).candidates.map(({ adapter }) => adapter.bucket)).toContain('ben');
    await relay.desk.release({ adapterId: ID, hotkey: ben.hotkey, fence: (await state()).lease.fence });
  });

  it('is merged without training when its run is over; late results are then written anew, exactly', async () => {
    const { dama } = await relay.desk.current({ adapterId: ID });
    const next = await turn(anna, await relay.adapter('anna', 0.004, dama.digest));
    expect(next.kind).toBe('promoted');
    // she was handed what was late for the base before, as ben was, of whose turn nothing came
    const { version } = (await newestVersion(relay.store, of()))!;
    expect([version.refines, (await state()).candidates.some(({ adapter }) => adapter.sha256 === left[0])]).toEqual([left[0], false]);
    const late = await relay.adapter('anna', 0.005, dama.digest);
    await relay.desk.push({ adapterId: ID, hotkey: anna.hotkey, fence: next.fence, parent: 0, adapter: late });
    const outcome = await pretrain();
    expect(outcome).toMatchObject({ kind: 'published', sequence: 2, step: STEPS });
    if (outcome.kind !== 'published') return;
    const records = await baseRecords(relay.store, of());
    expect(records.map(({ steps }) => steps.map(({ kind }) => kind))).toEqual([['pretrain', 'merge'], ['merge']]);
    const exact = outcome.rebased.filter(({ kind }) => kind === 'exact');
    const isTaken = !outcome.rebased.some(({ adapter }) => adapter === late.sha256);
    if (!isTaken) expect(exact.map(({ adapter }) => adapter)).toContain(late.sha256);
    for (const one of exact) if (one.kind === 'exact') expect((await relay.store.head(one.file.bucket, one.file.key))?.bytes).toBe(one.file.bytes);
  });

  it('keeps to its schedule and its time, and says so', async () => {
    await expect(pretrain({ steps: STEPS + 1 })).rejects.toMatchObject({ cause: { cause: { message: expect.stringContaining(`Expected the run base to have ${STEPS} steps`) } } });
    await expect(pretrain({ budgetMs: 1 })).rejects.toMatchObject({ cause: { cause: { message: expect.stringContaining('budgetMs') } } });
    const outcome = await pretrain({ run: 'another', steps: 1_000_000, budgetMs: 1500 });
    expect(['published', 'kept']).toContain(outcome.kind);
    if (outcome.kind === 'published') expect(outcome.step).toBeLessThan(1_000_000);
  });

  it('is trained by one call at a time: another one, a schedule\'s, a rollback, and one of another name are told so at once', async () => {
    const { workflow } = network.client;
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => { go = resolve; });
    relay.before.get = async () => await gone;
    const long = await workflow.start('pretrainBase', { workflowId: ID_OF_BASES, taskQueue: WORKFLOW_QUEUE, args: [{ steps: STEPS, budgetMs: 60_000 }] });
    const tick = async (id: string): Promise<unknown> => await workflow.execute('pretrainTick', { workflowId: id, taskQueue: WORKFLOW_QUEUE, args: [{ adapterId: ID, input: { budgetMs: 1 } }] });
    try {
      expect(await tick('tick/1')).toEqual({ kind: 'skipped', reason: `${ID_OF_BASES} is at work` });
      for (const type of ['pretrainBase', 'rollBackBase']) await expect(workflow.start(type, { workflowId: ID_OF_BASES, taskQueue: WORKFLOW_QUEUE, args: [{}] })).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
      await expect(workflow.execute('pretrainBase', { workflowId: 'another', taskQueue: WORKFLOW_QUEUE, args: [{ steps: STEPS }] })).rejects.toMatchObject({ cause: { message: `Expected the workflow id ${ID_OF_BASES}, since one thing at a time is done to a base, got another` } });
    } finally {
      relay.before.get = async () => undefined;
      go();
    }
    await long.result();
    // it is the one call then, and says what is wrong with it
    await expect(tick('tick/2')).rejects.toMatchObject({ cause: { cause: { cause: { message: expect.stringContaining('budgetMs') } } } });
    await network.record('pretrain-tick-skipped', 'tick/1');
  });

  it('is rolled back to a base of its own number; what was made for the one before is late, and training goes on from there', async () => {
    const before = await baseRecords(relay.store, of());
    const rollBack = async (to?: number) => await network.client.workflow.execute('rollBackBase', { workflowId: ID_OF_BASES, taskQueue: WORKFLOW_QUEUE, args: [to === undefined ? {} : { to }] });
    await expect(rollBack(before.length)).rejects.toMatchObject({ cause: { cause: { message: `Expected a base of ${ID} before the newest one, ${before.length}, got ${before.length}` } } });
    expect(await rollBack(1)).toEqual({ kind: 'published', sequence: before.length + 1, rolledBackTo: 1, digest: before[0]!.dama.digest });
    await network.record('roll-back-base', ID_OF_BASES);
    const records = await baseRecords(relay.store, of());
    expect([records.slice(0, -1), records.at(-1)]).toEqual([before, expect.objectContaining({ dama: before[0]!.dama, run: before[0]!.run, steps: [], rolledBackTo: 1, previous: before.at(-1)!.dama.digest })]);
    expect((await relay.desk.current({ adapterId: ID })).dama).toEqual(before[0]!.dama);
    expect((await turn(ben, await relay.adapter('ben', 0.006, before.at(-1)!.dama.digest))).kind).toBe('late');
    await relay.desk.release({ adapterId: ID, hotkey: ben.hotkey, fence: (await state()).lease.fence });
    // its run is where it was then: over, so that there is something to merge or nothing to do
    const outcome = await pretrain();
    if (outcome.kind === 'published') expect((await baseRecords(relay.store, of())).at(-1)).toMatchObject({ previous: before[0]!.dama.digest, run: { step: STEPS } });
    expect(['published', 'kept', 'unchanged']).toContain(outcome.kind);
    expect(await rollBack(0)).toMatchObject({ rolledBackTo: 0, digest: relay.deployment.genesisDama.digest });
  });

  it('has a history that replays', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
