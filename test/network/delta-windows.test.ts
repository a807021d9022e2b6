import { setTimeout as wait } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainDeltaInput } from '../../activities/model/train-delta.ts';
import { epsilonOf } from '../../genki/federation/privacy/accountant.ts';
import { keyFileOf } from '../../genki/protocol/sealing.ts';
import { windowKey } from '../../genki/protocol/window-log.ts';
import type { ClosingOutcome } from '../../workflows/close-window.ts';
import type { DeltaOutcome } from '../../workflows/delta-window.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { WindowProgress } from '../../workflows/window-page.ts';
import type { Actor } from '../activities/support/federation.ts';
import { TestNetwork, until } from './support/network.ts';
import { people, startWindowStreet, tinyWindows, WINDOW_BLOCKS, type WindowStreet } from './support/window-street.ts';

const [validator, anna, ben, carl] = people('validator', 'anna', 'ben', 'carl') as [Actor, Actor, Actor, Actor];
const { uploadBlocks, revealBlocks } = tinyWindows.delta!.timing;

/** Of ben alone. */
const PRIVACY = { clip: 0.01, noise: 2, delta: 1e-5, maxEpsilon: 8 };
const epsilonAfter = (windows: number): number => epsilonOf({ noise: PRIVACY.noise, delta: PRIVACY.delta, windows }).epsilon;

let network: TestNetwork;
let street: WindowStreet;
beforeAll(async () => {
  network = await TestNetwork.start();
  street = await startWindowStreet(network, { validators: [validator], miners: [anna, ben, carl], privacy: { ben: PRIVACY } });
  await street.produce(3);
});
afterAll(() => network?.stop());

type Mining = WorkflowHandle<() => Promise<DeltaOutcome>>;
type Closing = WorkflowHandle<() => Promise<ClosingOutcome>>;
const mine = (who: Actor, window: number, again = ''): Promise<Mining> => network.client.workflow.start<() => Promise<DeltaOutcome>>('trainingWindow', { workflowId: `window/${window}/${who.name}${again}`, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: who.name, window }] as never });
const close = (window: number): Promise<Closing> => network.client.workflow.start<() => Promise<ClosingOutcome>>('closeWindow', { workflowId: `closing/${window}`, taskQueue: WORKFLOW_QUEUE, args: [{ window }] as never });
const phaseOf = async (handle: WorkflowHandle): Promise<string> => (await handle.query<WindowProgress>('progress')).phase;
const isOver = async (handle: WorkflowHandle): Promise<boolean> => (await handle.describe()).status.name !== 'RUNNING';
const bounds = (window: number) => ({ deadline: (window + 1) * WINDOW_BLOCKS - 1 - uploadBlocks, last: (window + 1) * WINDOW_BLOCKS - 1 });
const ended = (what: string, handles: readonly WorkflowHandle[]): Promise<true> => until(what, async () => (await Promise.all(handles.map(isOver))).every(Boolean), 120_000);

/** Blocks, until all of them stand on the chain; slowly, since a window has only so many. */
async function recorded(...who: readonly Actor[]): Promise<void> {
  await until('the runs to be recorded', async () => {
    const commitments = await street.chain.commitments(1, (await street.chain.head()).hash);
    if (who.every(({ hotkey }) => commitments.some((one) => one.hotkey === hotkey))) return true;
    await street.produce(1);
    await wait(500);
    return false;
  }, 120_000);
}

/** Until all have handed in, well before the deadline. */
async function handIn(window: number, ...handles: readonly Mining[]): Promise<void> {
  await until(`all to hand in for window ${window}`, async () => (await Promise.all(handles.map(phaseOf))).every((phase) => phase === 'wait for the close'), 120_000);
  expect((await street.chain.head()).number).toBeLessThan(bounds(window).deadline);
}

/** Everything after the deadline, each step once its block is final; what came of the window. */
async function over(window: number, closing: Closing, ...handles: readonly Mining[]): Promise<DeltaOutcome[]> {
  const { deadline, last } = bounds(window);
  await street.reach(deadline);
  await until('the receipts', async () => !['resolve', 'receive'].includes(await phaseOf(closing)), 120_000);
  await street.reach(last);
  await ended(`all to disclose window ${window}`, handles);
  await street.reach(last + revealBlocks);
  await ended(`window ${window} to be closed`, [closing]);
  closed.push(await closing.result());
  return await Promise.all(handles.map((handle) => handle.result()));
}

const trainings = ({ privateBucket }: Actor): TrainDeltaInput[] => street.ran.flatMap(({ kind, input }) => (kind === 'trainDelta' && (input as TrainDeltaInput).bucket === privateBucket ? [input as TrainDeltaInput] : []));
const stateOf = async ({ privateBucket }: Actor, window: number): Promise<string> => {
  const kept = await street.store.getByKey(privateBucket, `states/rw/${String(window).padStart(10, '0')}.json`, { maxBytes: 2 ** 14 });
  return (JSON.parse(new TextDecoder().decode(kept)) as { state: { digest: string } }).state.digest;
};
async function keysIn(bucket: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of street.store.list(bucket, prefix)) keys.push(key);
  return keys;
}

const closed: ClosingOutcome[] = [];
const closedBy = (window: number): Extract<ClosingOutcome, { kind: 'closed' | 'followed' }> => {
  const outcome = closed[window];
  return outcome?.kind === 'closed' || outcome?.kind === 'followed' ? outcome : expect.unreachable(`window ${window} was not closed: ${JSON.stringify(outcome)}`);
};

describe('windows of updates', () => {
  it('are trained, handed in, disclosed and closed, one after the other', async () => {
    for (const window of [0, 1]) {
      await street.reach(window * WINDOW_BLOCKS);
      const closing = await close(window);
      const handles = await Promise.all([mine(anna, window), mine(ben, window)]);
      await recorded(validator, anna, ben);
      await handIn(window, ...handles);
      const outcomes = await over(window, closing, ...handles);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'sent', window, norm: expect.any(Number) as number, loss: { first: expect.any(Number) as number } });
      expect(outcomes.map((outcome) => outcome.kind === 'sent' && outcome.epsilon)).toEqual([undefined, epsilonAfter(window + 1)]);
      expect((await handles[1]!.query<WindowProgress>('progress')).privacy).toMatchObject({ before: epsilonAfter(window), epsilon: epsilonAfter(window + 1) });
      expect(closedBy(window)).toMatchObject({ kind: 'closed', refused: [], notes: [] });
      expect(closedBy(window).peers.toSorted()).toEqual([anna.hotkey, ben.hotkey].toSorted());
      expect(closedBy(window).after).not.toBe(closedBy(window).before);
    }
    expect(closedBy(1).before).toBe(closedBy(0).after);
    expect(await Promise.all([anna, ben].map((who) => stateOf(who, 1)))).toEqual([closedBy(0).after, closedBy(0).after]);
    // the second window began with what the first had left out
    expect(trainings(anna).map(({ leftover }) => leftover?.kind ?? null)).toEqual([null, 'left-out']);
    const commitments = await street.chain.commitments(1, (await street.chain.head()).hash);
    expect(commitments.map(({ hotkey }) => hotkey).toSorted()).toEqual([validator, anna, ben].map(({ hotkey }) => hotkey).toSorted());
    await network.record('delta-window-sent', 'window/1/anna');
  });

  it('are joined late with the very model that everybody has, and survive being killed at any point', async () => {
    await street.reach(2 * WINDOW_BLOCKS);
    const closing = await close(2);
    const sealed: string[] = [];
    street.before.put = async (bucket, key) => {
      if (bucket === ben.bucket && key.startsWith('updates/')) sealed.push(key);
      // ben's worker dies between the update and its manifest
      if (bucket === ben.bucket && key === windowKey('rw', 2) && sealed.length === 1) throw new Error('killed');
    };
    const [first, half, late] = await Promise.all([mine(anna, 2), mine(ben, 2), mine(carl, 2)]);
    await recorded(carl);
    await until('ben to have uploaded half', async () => sealed.length > 0, 120_000);
    const { fence } = await half.query<WindowProgress>('progress');
    await half.terminate('as an operator does');
    await network.client.workflow.getHandle(`adapter-lease/rw/${ben.hotkey}`).signal('release', { holder: half.workflowId, fence });
    sealed.push('…');
    const again = await mine(ben, 2, '/again');
    await handIn(2, first, late, again);
    expect(await stateOf(carl, 2)).toBe(closedBy(1).after);
    expect(await stateOf(anna, 2)).toBe(closedBy(1).after);
    expect([new Set(sealed).size, trainings(ben).length]).toEqual([2, 3]);

    // anna's is ended between the upload and the disclosure; whoever asks for the window again takes it up
    await first.terminate('as an operator does');
    const takenUp = await mine(anna, 2, '/again');
    const commit = (await keysIn(anna.privateBucket, 'manifests/')).map((key) => key.slice('manifests/'.length, -'.key.json'.length));
    const [skipped, ...others] = await over(2, closing, takenUp, late, again);
    expect(skipped).toEqual({ kind: 'skipped', reason: 'already sent in window 2' });
    expect(others.map(({ kind }) => kind)).toEqual(['sent', 'sent']);
    expect((await keysIn(anna.bucket, 'manifests/')).filter((key) => commit.some((one) => key === keyFileOf(one)))).toHaveLength(3);
    expect(closedBy(2).peers.toSorted()).toEqual([anna, ben, carl].map(({ hotkey }) => hotkey).toSorted());
  });

  it('that were handed in too late are sent again, once', async () => {
    await street.reach(3 * WINDOW_BLOCKS);
    const closing = await close(3);
    let isAt = false;
    let go = (): void => undefined;
    const released = new Promise<void>((resolve) => { go = resolve; });
    street.before.put = async (bucket, key) => {
      if (bucket !== carl.bucket || key !== windowKey('rw', 3)) return;
      isAt = true;
      await released;
    };
    const [first, late] = await Promise.all([mine(anna, 3), mine(carl, 3)]);
    await handIn(3, first);
    await until('carl to be at the door', async () => isAt);
    await street.reach(bounds(3).deadline + 1);
    await until('the receipts', async () => (await closing.query<{ phase: string }>('progress')).phase !== 'receive');
    go();
    const [sent, abandoned] = await over(3, closing, first, late);
    expect([sent!.kind, abandoned]).toEqual(['sent', { kind: 'abandoned', reason: expect.stringMatching(/^handed in for window 3 when block \d+ was final, updates were due before block 155/) as string }]);
    expect(closedBy(3).peers).toEqual([anna.hotkey]);

    await street.reach(4 * WINDOW_BLOCKS);
    const next = await mine(carl, 4);
    await handIn(4, next);
    expect(trainings(carl).map(({ leftover }) => leftover?.kind ?? null)).toEqual([null, 'left-out', 'all']);
    await next.terminate('the test is over');
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
