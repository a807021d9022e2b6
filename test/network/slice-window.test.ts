import { setTimeout as wait } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCompetition } from '../../genki/protocol/competition.ts';
import { holdOutBlocks } from '../../genki/protocol/window.ts';
import type { ClosingOutcome } from '../../workflows/close-window.ts';
import type { DeltaOutcome } from '../../workflows/delta-window.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { Actor } from '../activities/support/federation.ts';
import { TestNetwork, until } from './support/network.ts';
import { people, startWindowStreet, tinyWindows, WINDOW_BLOCKS, type WindowStreet } from './support/window-street.ts';

const [validator, anna] = people('validator', 'anna') as [Actor, Actor];
const slices = readCompetition({ ...tinyWindows, delta: { ...tinyWindows.delta!, codec: { kind: 'slice', compression: 10, feedback: 1 } } });
const { uploadBlocks, revealBlocks } = slices.delta!.timing;
const LAST = WINDOW_BLOCKS - 1;
const PATIENCE = 120_000;

let network: TestNetwork;
let street: WindowStreet;
beforeAll(async () => {
  network = await TestNetwork.start();
  street = await startWindowStreet(network, { validators: [validator], miners: [anna], competition: slices });
  await street.produce(3);
});
afterAll(() => network?.stop());

const start = <T>(type: string, workflowId: string, input: unknown): Promise<WorkflowHandle<() => Promise<T>>> => network.client.workflow.start<() => Promise<T>>(type, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input] as never });
const phaseOf = async (handle: WorkflowHandle): Promise<string> => (await handle.query<{ phase: string }>('progress')).phase;
const isOver = async (handle: WorkflowHandle): Promise<boolean> => (await handle.describe()).status.name !== 'RUNNING';

it('a window of slices counts what its miner signed once the chain had chosen it', async () => {
  const closing = await start<ClosingOutcome>('closeWindow', 'closing/0', { window: 0 });
  const mining = await start<DeltaOutcome>('trainingWindow', 'window/0', { hotkey: 'anna', window: 0 });
  // slowly, since a window has only so many
  await until('both to be on the chain', async () => {
    if ((await street.chain.commitments(1, (await street.chain.head()).hash)).length === 2) return true;
    await street.produce(1);
    await wait(500);
    return false;
  }, PATIENCE);
  await until('anna to hand in', async () => (await phaseOf(mining)) === 'wait for the close', PATIENCE);
  await street.reach(LAST - uploadBlocks);
  await until('the receipts', async () => !['resolve', 'receive'].includes(await phaseOf(closing)), PATIENCE);
  await street.reach(holdOutBlocks({ last: LAST }, slices.timing.seedBlocks).at(-1)!);
  await until('anna to disclose', () => isOver(mining), PATIENCE);
  await street.reach(LAST + revealBlocks);
  expect(await closing.result()).toMatchObject({ kind: 'closed', peers: [anna.hotkey], refused: [], notes: [] });
  expect(await mining.result()).toMatchObject({ kind: 'sent', window: 0 });
  await network.record('delta-window-slice', 'window/0');
  expect(await network.notReplayable()).toEqual([]);
});
