import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connection, WorkflowHandle } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createClockActivities, type ClockActivities } from '../../activities/clock.ts';
import { ledgerKey, type Unit } from '../../activities/clock-ledger.ts';
import { createLeaseActivities } from '../../activities/lease.ts';
import { readParticipants, type Participant } from '../../activities/participants.ts';
import { createRoundActivities } from '../../activities/round.ts';
import { createSubmitActivities } from '../../activities/submit.ts';
import { createWindowActivities } from '../../activities/window.ts';
import { genesisFile, OWNER, provision } from '../../client/embedded/provision.ts';
import { createProgram } from '../../client/program.ts';
import type { Chain, Signer } from '../../genki/chain/chain.ts';
import { createDevChain, type DevChain } from '../../genki/chain/local/dev-chain.ts';
import { Genesis } from '../../genki/chain/local/genesis.ts';
import { initialWeights } from '../../genki/music/weights.ts';
import { Random } from '../../genki/protocol/random.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { encodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { readDeployment } from '../../workers/deployment.ts';
import { registerSearchAttributes } from '../../workers/search-attributes.ts';
import { loadWallets } from '../../workers/wallets.ts';
import type { TickOutcome } from '../../workflows/begin-due.ts';
import { CPU_QUEUE, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { TOY } from '../genki/music/support/toys.ts';
import { BLOCK_MS, TestNetwork, until } from './support/network.ts';

const NETUID = 1;
const TEMPO = 30;
const WINDOW_BLOCKS = 20;
const FINALITY_LAG = 2;

let network: TestNetwork;
let chain: Chain;
/** Blocks come only when a test asks: the clock stands still in between. */
let dev: DevChain;
let store: ObjectStore;
let validators: Participant[];
let miners: Participant[];
let owner: Signer;
let env: NodeJS.ProcessEnv;
let clock: ClockActivities;

beforeAll(async () => {
  network = await TestNetwork.start();
  const { home } = network;
  const dama = join(home, 'toy');
  await mkdir(dama);
  await writeFile(join(dama, 'model.safetensors'), encodeSafetensors(initialWeights(TOY, new Random('toy'))));
  await writeFile(join(dama, 'config.json'), JSON.stringify(TOY));
  await provision({ home, blockMs: BLOCK_MS, dama, tempo: TEMPO, competition: { ...RUBY, timing: { ...RUBY.timing, windowBlocks: WINDOW_BLOCKS } } });
  const genesis = Genesis.parse({ ...(JSON.parse(await readFile(genesisFile(home), 'utf8')) as Genesis), finalityLag: FINALITY_LAG });
  const started = await network.startChain(genesis, { blockMs: 0 });
  ({ chain } = started);
  dev = createDevChain({ url: started.url });
  network.also(() => dev.close());
  store = createFolderStore(join(home, 'store'));
  const everybody = await readParticipants(home);
  validators = everybody.filter(({ role }) => role === 'validator');
  miners = everybody.filter(({ role, dataset }) => role === 'miner' && dataset);
  const wallets = await loadWallets(join(home, 'wallets'), join(home, 'passphrase'));
  owner = wallets.find(({ hotkey }) => hotkey === everybody.find(({ name }) => name === OWNER)!.hotkey)!;
  const deps = { chain, store, deployment: await readDeployment(home), participants: () => readParticipants(home), defaultHotkey: undefined };
  clock = createClockActivities(deps);
  await network.work({
    taskQueue: CPU_QUEUE,
    activities: { ...clock, ...createWindowActivities(deps), ...createRoundActivities(deps), ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }), ...createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE }) },
  });
  await writeFile(join(home, 'network.json'), JSON.stringify({ temporal: network.address, namespace: 'default', chain: started.url }));
  env = { GENKI_HOME: home };
  await produce(5);
});
afterAll(() => network?.stop());

let ticks = 0;
type Type = 'epochTick' | 'windowTick';
const start = (type: Type, input?: unknown): Promise<WorkflowHandle<() => Promise<TickOutcome>>> =>
  network.client.workflow.start(type, { workflowId: `${type}/${ticks++}`, taskQueue: WORKFLOW_QUEUE, args: input === undefined ? [] : [input] });
const tick = async (type: Type, input?: unknown): Promise<TickOutcome> => (await start(type, input)).result();

/** A thousand at most for one request. */
async function produce(blocks: number): Promise<void> {
  for (let left = blocks; left > 0; left -= 1000) await dev.produceBlocks(Math.min(left, 1000));
}
const now = async () => await chain.metagraph(NETUID, (await chain.head()).hash);

/** Until that epoch or window has begun in a finalized block. */
async function reach(unit: Unit, number: number): Promise<void> {
  const reached = async (): Promise<number> => (unit === 'epoch' ? (await now()).epoch : Math.floor((await chain.head()).number / WINDOW_BLOCKS));
  while ((await reached()) < number) await produce(1);
  expect(await reached()).toBe(number);
}
const idOf = (unit: Unit, number: number, { hotkey }: Participant): string => `${unit === 'epoch' ? 'validation' : 'training'}/${NETUID}/${number}/${hotkey}`;

/** How often each workflow was started as somebody's child. */
async function startsBy(handles: readonly WorkflowHandle[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const handle of handles) {
    for (const event of (await handle.fetchHistory()).events ?? []) {
      const id = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId;
      if (id) counts[id] = (counts[id] ?? 0) + 1;
    }
  }
  return counts;
}
const onceEach = (ids: readonly string[]): Record<string, number> => Object.fromEntries(ids.map((id) => [id, 1]));

describe('a tick', () => {
  it('begins one round per epoch and validator, when twenty tick at once', async () => {
    const { epoch } = await now();
    const handles = await Promise.all(Array.from({ length: 20 }, () => start('epochTick')));
    const outcomes = await Promise.all(handles.map((handle) => handle.result()));
    const ids = validators.map((one) => idOf('epoch', epoch, one));
    expect(await startsBy(handles)).toEqual(onceEach(ids));
    expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining({ unit: 'epoch', number: epoch, netuid: NETUID, missed: [] })));
    expect(await tick('epochTick')).toMatchObject({ kind: 'idle', number: epoch, begun: [], missed: [] });
    await network.record('epoch-tick-begun', handles.find((_, i) => outcomes[i]!.begun.length > 0)!.workflowId);

    for (const [i, id] of ids.entries()) {
      const { staticSummary, type, typedSearchAttributes } = await network.client.workflow.getHandle(id).describe().then(async (d) => ({ ...d, staticSummary: await d.staticSummary() }));
      expect({ staticSummary, type }).toEqual({ staticSummary: `netuid 1 · epoch ${epoch} · ${validators[i]!.name}`, type: 'validationRound' });
      expect(Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]))).toMatchObject({ NetUid: '1', Epoch: epoch, Hotkey: validators[i]!.hotkey });
    }
  });

  it('runs the round of the epoch that it saw, for the validator that it names', async () => {
    const { epoch } = await now();
    await reach('epoch', epoch + 1);
    const [one, other] = validators as [Participant, Participant];
    expect(await tick('epochTick', { hotkey: one.name })).toMatchObject({ kind: 'begun', number: epoch + 1, begun: [idOf('epoch', epoch + 1, one)] });
    expect(await tick('epochTick')).toMatchObject({ kind: 'begun', begun: [idOf('epoch', epoch + 1, other)] });
    await produce(RUBY.timing.snapshotOffsetBlocks + RUBY.timing.seedBlocks);
    const round = network.client.workflow.getHandle(idOf('epoch', epoch + 1, one));
    await until('a round with its snapshot', async () => (await round.query<{ epoch?: number }>('progress')).epoch === epoch + 1);
  });

  it('records what was missed while nobody ticked for hours, and begins only what is current', async () => {
    const { epoch } = await now();
    await reach('epoch', epoch + 1);
    await produce(TEMPO * 40);
    const { epoch: later } = await now();
    expect(later).toBeGreaterThan(epoch + 40);
    const handle = await start('epochTick');
    const gap = { from: epoch + 1, to: later - 1 };
    expect(await handle.result()).toMatchObject({ kind: 'missed', number: later, begun: validators.map((one) => idOf('epoch', later, one)), missed: validators.map(({ name }) => ({ name, ...gap })) });
    expect(await startsBy([handle])).toEqual(onceEach(validators.map((one) => idOf('epoch', later, one))));
    await network.record('epoch-tick-missed', handle.workflowId);
    for (const { privateBucket: bucket } of validators) {
      const record = await store.getByKey(bucket, ledgerKey({ bucket, unit: 'epoch', netuid: NETUID }, later), { maxBytes: 1000 });
      expect(JSON.parse(new TextDecoder().decode(record))).toMatchObject({ version: 1, missed: gap });
    }
    await until('the tick in a list of those that found something missed', async () => {
      for await (const found of network.client.workflow.list({ query: 'WorkflowType = "epochTick" AND Outcome = "missed"' })) if (found.workflowId === handle.workflowId) return true;
      return false;
    });
  });

  it('begins nothing twice when Temporal has forgotten the round, or the store that it was begun', async () => {
    const { epoch } = await now();
    await reach('epoch', epoch + 1);
    const [forgotten, unrecorded] = validators as [Participant, Participant];
    const keyOf = ({ privateBucket: bucket }: Participant): string => ledgerKey({ bucket, unit: 'epoch', netuid: NETUID }, epoch + 1);
    await store.putOnce(forgotten.privateBucket, keyOf(forgotten), new TextEncoder().encode('{}'));
    await tick('epochTick', { hotkey: unrecorded.name });
    await store.delete(unrecorded.privateBucket, keyOf(unrecorded));
    await network.client.workflow.getHandle(idOf('epoch', epoch + 1, unrecorded)).terminate('ended, so that its id alone is left');

    const again = await start('epochTick');
    expect(await again.result()).toMatchObject({ begun: [idOf('epoch', epoch + 1, unrecorded)] });
    expect(await startsBy([again])).toEqual({});
    expect(await tick('epochTick')).toMatchObject({ kind: 'idle' });
    await expect(network.client.workflow.getHandle(idOf('epoch', epoch + 1, forgotten)).describe()).rejects.toThrow('not found');
  });

  it('begins every round once when the server and the chain are killed under it', async () => {
    const { epoch } = await now();
    await reach('epoch', epoch + 1);
    const handles = await Promise.all(Array.from({ length: 5 }, () => start('epochTick')));
    network.crash('chain');
    network.crash('temporal');
    await Promise.all(handles.map((handle) => handle.result()));
    expect(await startsBy(handles)).toEqual(onceEach(validators.map((one) => idOf('epoch', epoch + 1, one))));
    expect(await tick('epochTick')).toMatchObject({ kind: 'idle', number: epoch + 1 });
  });

  it('waits for finality, and begins nothing for an epoch that a reorganisation takes back', async () => {
    await tick('epochTick');
    const before = await now();
    await chain.broadcast(await chain.prepare({ kind: 'triggerEpoch', netuid: NETUID }, owner));
    await produce(FINALITY_LAG);
    expect(await tick('epochTick')).toMatchObject({ kind: 'idle', number: before.epoch });
    await dev.reorganise(FINALITY_LAG);
    expect(await dev.dropPool()).toBe(1);
    await produce(FINALITY_LAG + 1);
    expect(await tick('epochTick')).toMatchObject({ kind: 'idle', number: before.epoch });

    await reach('epoch', before.epoch + 1);
    expect(await tick('epochTick')).toMatchObject({ kind: 'begun', number: before.epoch + 1, missed: [] });
  });

  it('begins a training window once per window and miner, also late in it, and leaves out what has passed', async () => {
    const first = Math.floor((await chain.head()).number / WINDOW_BLOCKS) + 1;
    await reach('window', first);
    await produce(WINDOW_BLOCKS - 1);
    const handles = await Promise.all(Array.from({ length: 5 }, () => start('windowTick')));
    await Promise.all(handles.map((handle) => handle.result()));
    expect(await startsBy(handles)).toEqual(onceEach(miners.map((one) => idOf('window', first, one))));
    await network.record('window-tick-begun', handles[0]!.workflowId);
    const training = network.client.workflow.getHandle(idOf('window', first, miners[0]!));
    await until('a window under way', async () => (await training.query<{ window?: number }>('progress')).window === first);

    await produce(3 * WINDOW_BLOCKS);
    const [one] = miners as [Participant];
    expect(await tick('windowTick', { hotkey: one.hotkey })).toMatchObject({ kind: 'missed', unit: 'window', number: first + 3, begun: [idOf('window', first + 3, one)], missed: [{ name: one.name, from: first + 1, to: first + 2 }] });
    const late = await network.client.workflow.execute('trainingWindow', { workflowId: 'late', taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: one.name, window: first }] });
    expect(late).toEqual({ kind: 'skipped', reason: `window ${first} has passed, the chain is in window ${first + 3}` });
  });

  it('believes no chain that is behind what was begun', async () => {
    const { epoch } = await now();
    const { privateBucket: bucket, name } = validators[0]!;
    const key = ledgerKey({ bucket, unit: 'epoch', netuid: NETUID }, epoch + 2);
    await store.putOnce(bucket, key, new TextEncoder().encode('{}'));
    await produce(TEMPO);
    await expect(network.call(clock.dueRounds, {})).rejects.toThrow(`Expected the chain's finalized head in epoch ${epoch + 2} or later, which was begun for ${name}, got epoch ${epoch + 1}`);
    await store.delete(bucket, key);
  });

  it.each<[Type, string, unknown, RegExp]>([
    ['epochTick', 'an unknown key', { hotky: 'validator-1' }, /epochTick with an input of \{hotkey\}.*hotky/s],
    ['epochTick', 'a wrong type', { hotkey: 1 }, /expected string, received number.*→ at hotkey/s],
    ['epochTick', 'text', 'validator-1', /expected object, received string/],
    ['epochTick', 'somebody unknown', { hotkey: 'nobody' }, /Expected a validator of this machine \(validator-1, validator-2\), got nobody/],
    ['windowTick', 'a list', [{}], /expected object, received array/],
    ['windowTick', 'a miner without music', { hotkey: 'junk' }, /Expected a miner of this machine with a dataset, got junk/],
  ])('fails %s with %s within a second, by name', async (type, _, input, message) => {
    const begun = performance.now();
    const error: unknown = await tick(type, input).catch((failure: unknown) => failure);
    const cause = error instanceof WorkflowFailedError && error.cause instanceof ActivityFailure ? error.cause.cause : error;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause).toMatchObject({ type: 'InvalidInput', message: expect.stringMatching(message) });
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});

/** What `genki schedule …` prints. */
async function genki(...args: string[]): Promise<string> {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => { printed += String(text); return true; });
  try {
    await createProgram(env).exitOverride().parseAsync(['schedule', ...args], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed;
}
type Listed = { schedules: { id: string; paused: boolean; next: string[]; taken: number; last: { state: string; outcome?: TickOutcome }[] }[]; clocks: { name: string; newest: number; spans: unknown[] }[] };
const listed = async (): Promise<Listed> => JSON.parse(await genki('list', '--json')) as Listed;

describe('genki schedule', () => {
  it('changes nothing for a cron expression that is none', async () => {
    await expect(genki('apply', '--cron', 'every now and then')).rejects.toThrow('Expected a cron expression of five fields such as "*/5 * * * *", got "every now and then"');
    await expect(genki('apply', '--cron', '61 * * * *')).rejects.toThrow('Minute is not in range [0-59]');
    await expect(genki('apply', '--cron', '0 0 30 2 *')).rejects.toThrow('Expected a rhythm that is due some day, got "0 0 30 2 *", which never is');
    expect((await listed()).schedules).toEqual([]);
    await expect(genki('pause')).rejects.toThrow('Expected the schedule epoch/1 or window/1, there is none');
  });

  it('applied again changes only what differs, says it, and leaves paused what is paused', async () => {
    expect(await genki('apply')).toMatch(/^epoch\/1 {2}created {2}every 1m .*\n.*validator-1, validator-2, once in each epoch of 1s 500ms; .* 39 are missed, and recorded as missed\nwindow\/1 {2}created {2}every 1m /);
    expect(await genki('apply')).toMatch(/^epoch\/1 {2}unchanged .*\n.*\nwindow\/1 {2}unchanged /);
    expect(await genki('pause', '--windows', '--note', 'the disk is full')).toBe('window/1  paused\n');
    expect(await genki('apply', '--windows', '--cron', '0 3 * * *', '--jitter', '10s')).toContain('window/1  changed  ticks: every 1m → cron 0 3 * * *; jitter: none → 10s; catch-up: 1m → 5m  paused: the disk is full\n');
    await expect(genki('apply', '--windows', '--cron', '* * *')).rejects.toThrow('Expected a cron expression');
    await expect(genki('apply', '--windows', '--cron', '0 0 30 2 *')).rejects.toThrow('which never is');
    expect(await genki('list')).toMatch(/^window\/1 +cron 0 3 \* \* \*, jitter 10s +paused: the disk is full/m);
    expect(await genki('resume', '--windows')).toBe('window/1  resumed\n');
    expect((await listed()).schedules.map(({ id, paused }) => ({ id, paused }))).toEqual([{ id: 'epoch/1', paused: false }, { id: 'window/1', paused: false }]);
  });

  it('begins a round when it fires, and lists what came of it and what was missed', async () => {
    const { newest } = (await listed()).clocks[0]!;
    await produce(TEMPO * 3);
    const { epoch: later } = await now();
    await network.client.schedule.getHandle('epoch/1').trigger();
    const { schedules, clocks } = await until('a tick of the schedule', async () => { const list = await listed(); return list.schedules[0]!.last[0]?.outcome && list; });
    expect(schedules[0]).toMatchObject({ taken: 1, last: [{ state: 'completed', outcome: { number: later, begun: validators.map((one) => idOf('epoch', later, one)) } }] });
    expect((await network.client.workflow.getHandle(idOf('epoch', later, validators[0]!)).describe()).type).toBe('validationRound');
    expect(await genki('list')).toMatch(new RegExp(`^epoch/1 .* begun, epoch ${later}; missed ${newest + 1}–${later - 1} `, 'm'));
    expect(clocks[0]).toMatchObject({ name: validators[0]!.name, newest: later, spans: expect.arrayContaining([{ from: newest + 1, to: later - 1 }]) });
    const description = await network.client.schedule.getHandle('epoch/1').describe();
    expect(description).toMatchObject({ policies: { overlap: 'SKIP', catchupWindow: 60_000 }, action: { workflowExecutionTimeout: 900_000 } });
    expect(description.action.retry).toBeUndefined();
  });

  it('says that the chain does not answer, and lists the rest', async () => {
    const file = join(network.home, 'network.json');
    const before = await readFile(file, 'utf8');
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      await writeFile(file, JSON.stringify({ ...(JSON.parse(before) as object), chain: 'http://127.0.0.1:1' }));
      expect(await genki('list')).toMatch(/^epoch\/1 /m);
      expect(said.mock.calls.join('')).toContain('The chain at http://127.0.0.1:1 does not answer');
      expect(process.exitCode).toBe(1);
    } finally {
      said.mockRestore();
      process.exitCode = undefined;
      await writeFile(file, before);
    }
  });

  it('also lists what the temporal command has made, and deletes only its own', async () => {
    const temporal = (...args: string[]) => promisify(execFile)(inject('temporal'), ['schedule', ...args, '--schedule-id', 'by-hand', '--address', network.address]);
    await temporal('create', '--interval', '5m', '--overlap-policy', 'Skip', '--type', 'epochTick', '--task-queue', 'genki');
    await temporal('trigger');
    const byHand = await until('a tick of the schedule made by hand', async () => (await listed()).schedules.find(({ id, last }) => id === 'by-hand' && last[0]?.outcome));
    expect(byHand.last[0]!.outcome).toMatchObject({ kind: 'idle', unit: 'epoch' });
    expect(await genki('delete')).toBe('epoch/1  deleted\nwindow/1  deleted\n');
    await expect(genki('delete')).rejects.toThrow('there is none');
    await until('only the one made by hand', async () => (await listed()).schedules.map(({ id }) => id).join() === 'by-hand');
  });
});

describe('the search attributes', () => {
  const { INDEXED_VALUE_TYPE_INT: INT, INDEXED_VALUE_TYPE_TEXT: TEXT } = proto.temporal.api.enums.v1.IndexedValueType;

  async function namespace(name: string, searchAttributes: Record<string, typeof INT | typeof TEXT> = {}): Promise<() => Promise<string[]>> {
    const { workflowService, operatorService } = network.client.connection as Connection;
    await workflowService.registerNamespace({ namespace: name, workflowExecutionRetentionPeriod: { seconds: 86_400 as never } });
    const names = async (): Promise<string[]> => Object.keys((await operatorService.listSearchAttributes({ namespace: name })).customAttributes).sort();
    await until(`the namespace ${name}`, () => names().then(() => true, () => false));
    await operatorService.addSearchAttributes({ namespace: name, searchAttributes });
    return names;
  }

  it('are registered by workers that start at once', async () => {
    const names = await namespace('at-once', { Epoch: INT });
    await Promise.all(Array.from({ length: 8 }, () => registerSearchAttributes(network.address, 'at-once')));
    expect(await names()).toEqual(['Epoch', 'Hotkey', 'MinersScored', 'NetUid', 'Outcome', 'RoundPhase', 'WindowIndex']);
  });

  it('of another type are named, before anything polls', async () => {
    const names = await namespace('other-type', { Epoch: TEXT });
    await expect(registerSearchAttributes(network.address, 'other-type')).rejects.toThrow('Expected in the namespace other-type the search attribute Epoch to be of type Int, got Text.');
    expect(await names()).toEqual(['Epoch']);
  });

  it('that do not fit are named', async () => {
    await namespace('full', { One: INT, Two: INT });
    await expect(registerSearchAttributes(network.address, 'full')).rejects.toThrow(/to take the search attributes NetUid, .*: .*cannot have more than 3 search attribute of type Int/);
    await expect(registerSearchAttributes(network.address, 'nowhere')).rejects.toThrow('Namespace nowhere is not found');
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
