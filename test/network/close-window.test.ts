import { setTimeout as wait } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf } from '../../activities/window-line.ts';
import { competitionDigest } from '../../genki/protocol/competition.ts';
import { windowKey } from '../../genki/protocol/window-log.ts';
import type { ClosingOutcome } from '../../workflows/close-window.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { Actor } from '../activities/support/federation.ts';
import { BLOCK_MS, TestNetwork, until } from './support/network.ts';
import { people, startWindowStreet, tinyWindows, WINDOW_BLOCKS, type WindowStreet } from './support/window-street.ts';

const [vera, viktor, anna] = people('vera', 'viktor', 'anna') as [Actor, Actor, Actor];
const { uploadBlocks, revealBlocks, successionBlocks } = tinyWindows.delta!.timing;
const PATIENCE = 120_000;

let network: TestNetwork;
let street: WindowStreet;
beforeAll(async () => {
  network = await TestNetwork.start();
  street = await startWindowStreet(network, { validators: [vera, viktor], miners: [anna] });
  await street.produce(3);
});
afterAll(() => network?.stop());

type Closing = WorkflowHandle<() => Promise<ClosingOutcome>>;
const close = (who: Actor, window: number, again = ''): Promise<Closing> => network.client.workflow.start<() => Promise<ClosingOutcome>>('closeWindow', { workflowId: `closing/1/${window}/${who.name}${again}`, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: who.name, window }] as never });
const mine = (window: number): Promise<WorkflowHandle> => network.client.workflow.start('trainingWindow', { workflowId: `window/${window}`, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: 'anna', window }] as never });
const phaseOf = async (handle: WorkflowHandle): Promise<string> => (await handle.query<{ phase: string }>('progress')).phase;
const last = (window: number): number => (window + 1) * WINDOW_BLOCKS - 1;

/** In the order in which they may close a window, which has begun. */
async function lineIn(window: number): Promise<[Actor, Actor]> {
  await street.reach(window * WINDOW_BLOCKS + 4);
  const { leaders } = await lineOf({ chain: street.chain, deployment: { competition: tinyWindows, competitionDigest: competitionDigest(tinyWindows), genesisDama: undefined as never, blockMs: BLOCK_MS } }, window);
  return leaders.map((hotkey) => [vera, viktor].find((one) => one.hotkey === hotkey)!) as [Actor, Actor];
}

/** A miner hands in and discloses, and the validators receive; up to the reveal. */
async function played(window: number, closings: readonly Closing[]): Promise<void> {
  const mining = await mine(window);
  // slowly, since a window has only so many blocks
  await until('all to be on the chain', async () => {
    if ((await street.chain.commitments(1, (await street.chain.head()).hash)).length === 3) return true;
    await street.produce(1);
    await wait(500);
    return false;
  }, PATIENCE);
  await until('anna to hand in', async () => (await phaseOf(mining)) === 'wait for the close', PATIENCE);
  await street.reach(last(window) - uploadBlocks);
  await until('the receipts', async () => (await Promise.all(closings.map(phaseOf))).every((phase) => !['resolve', 'receive'].includes(phase)), PATIENCE);
  await street.reach(last(window));
  await until('anna to disclose', async () => (await mining.describe()).status.name !== 'RUNNING', PATIENCE);
  await street.reach(last(window) + revealBlocks);
}

describe('closeWindow', () => {
  let after = '';

  it('of two validators ends with one entry and one model, with scores of each', async () => {
    const [first, second] = await lineIn(0);
    const closings = await Promise.all([close(first, 0), close(second, 0)]);
    await played(0, closings);
    const [own, other] = await Promise.all(closings.map((one) => one.result()));
    expect(own).toMatchObject({ kind: 'closed', hotkey: first.hotkey, window: 0, leader: first.hotkey, rank: 0, peers: [anna.hotkey], refused: [], notes: [], checkpoint: null, scores: { bucket: first.bucket, key: 'windows/rw/0000000000/scores.json' } });
    expect(other).toEqual({ ...own, kind: 'followed', hotkey: second.hotkey, scores: expect.objectContaining({ bucket: second.bucket }) as unknown });
    after = own!.kind === 'closed' ? own!.after : '';
    // who starts again finds it closed
    expect(await (await close(first, 0, '/again')).result()).toMatchObject({ kind: 'missed', reason: 'window 0 is behind: the newest model here is that of window 1' });
    await network.record('close-window-closed', `closing/1/0/${first.name}`);
    await network.record('close-window-followed', `closing/1/0/${second.name}`);
  });

  it('goes on when the leader dies before its entry is out, and the leader follows when it is back', async () => {
    const [first, second] = await lineIn(1);
    let isDead = false;
    street.before.put = async (bucket, key) => {
      if (bucket !== first.bucket || key !== windowKey('rw', 1)) return;
      isDead = true;
      throw new Error('killed');
    };
    const closings = await Promise.all([close(first, 1), close(second, 1)]);
    await played(1, closings);
    await until('the leader to die', async () => isDead, PATIENCE);
    await closings[0]!.terminate('as an operator does');
    await street.reach(last(1) + revealBlocks + successionBlocks);
    const stoodIn = await closings[1]!.result();
    expect(stoodIn).toMatchObject({ kind: 'closed', hotkey: second.hotkey, rank: 1, before: after, peers: [anna.hotkey], notes: [] });
    expect(await (await close(first, 1, '/again')).result()).toMatchObject({ kind: 'followed', hotkey: first.hotkey, leader: second.hotkey, after: stoodIn.kind === 'closed' ? stoodIn.after : '' });
    after = stoodIn.kind === 'closed' ? stoodIn.after : '';
  });

  it('that begins when the window is long over closes it as missed, and the next one goes on', async () => {
    await street.reach(3 * WINDOW_BLOCKS + revealBlocks + 2 * successionBlocks);
    expect(await (await close(vera, 2)).result()).toMatchObject({ kind: 'missed', window: 2, reason: 'nobody closed window 2 in time: the model stays as it was' });
    const [first] = await lineIn(3);
    const closing = await close(first, 3);
    await played(3, [closing]);
    expect(await closing.result()).toMatchObject({ kind: 'closed', before: after, peers: [anna.hotkey], checkpoint: { bucket: first.bucket } });
  });

  it.each<[unknown, string]>([
    [{ hotkey: 'anna' }, 'Expected a validator of this machine (vera, viktor), got anna'],
    [{ window: 4711 }, 'Expected a window up to the current one'],
    [{ windows: 1 }, 'Unrecognized key: "windows"'],
  ])('is refused at once with the input %j', async (input, reason) => {
    const handle = await network.client.workflow.start('closeWindow', { workflowId: `closing/${JSON.stringify(input)}`, taskQueue: WORKFLOW_QUEUE, args: [input] as never });
    const error = await handle.result().then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as { cause: { cause: Error } });
    expect(error.cause.cause.message).toContain(reason);
  });

  it('replays, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
