import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobs } from '../../activities/model/jobs.ts';
import type { Trained } from '../../activities/model/train.ts';
import type { Resolved } from '../../activities/window.ts';
import { connect, type Connected } from '../../client/connect.ts';
import { EmbeddedNetwork } from '../../client/embedded/network.ts';
import { trainingProgress } from '../../client/first-light/training-watch.ts';
import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { trainingWindow } from '../../workflows/training-window.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-killed-'));
let network: EmbeddedNetwork;
let connected: Connected;

beforeAll(async () => {
  network = await EmbeddedNetwork.start({ home, env: { ...process.env, TEMPORAL_ADDRESS: undefined }, blockMs: 100, say: () => undefined, anyPorts: true });
  connected = await connect({ ...process.env, GENKI_HOME: home, TEMPORAL_ADDRESS: undefined });
});

afterAll(async () => {
  await connected?.close();
  await network?.stop();
  rmSync(home, { recursive: true, force: true });
});

const STEPS = 45;
type Handle = WorkflowHandle<typeof trainingWindow>;

const open = (hotkey: string): Promise<Handle> =>
  connected.temporal.workflow.start<typeof trainingWindow>('trainingWindow', { workflowId: `killed/${hotkey}`, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey, steps: STEPS }] });

/** Once a checkpoint has been reported. */
async function untilCheckpoint(handle: Handle): Promise<void> {
  for (;;) {
    const progress = await trainingProgress(handle);
    if (progress?.checkpoint && progress.step < STEPS - 10) return;
    if ((await handle.describe()).status.name !== 'RUNNING') throw new Error('the window ended before it could be killed');
    await wait(50);
  }
}

/** What the window's own recorded training gives in one process, never interrupted. */
async function uninterrupted(handle: Handle): Promise<Trained> {
  const { events } = await handle.fetchHistory();
  const results = (events ?? []).flatMap((event) => event.activityTaskCompletedEventAttributes?.result?.payloads ?? []);
  // it is resolved once more when the lease is held, maybe in the next window
  const resolved = results.flatMap(({ data }) => (data?.length ? [JSON.parse(new TextDecoder().decode(data)) as Partial<Extract<Resolved, { kind: 'ready' }>> | null] : []));
  const { window } = resolved.findLast((result) => result?.kind === 'ready') as Extract<Resolved, { kind: 'ready' }>;
  if (window.work.kind !== 'train') throw new Error('Expected a window that trains');
  const engine = await createOnnxEngine({ threads: 2 });
  const input = { ...window.work.input, prefix: `again/${handle.workflowId}` };
  return (await createJobs({ engine, store: createFolderStore(join(home, 'store')) }).train(input, { progress: async () => true }))!;
}

describe('a training window', () => {
  it('completes from its checkpoint when the gpu worker is killed', async () => {
    const handle = await open('dungeon');
    await untilCheckpoint(handle);
    const pid = network.pid('gpu worker')!;
    process.kill(pid, 'SIGKILL');
    const outcome = await handle.result();
    expect(network.pid('gpu worker')).not.toBe(pid);
    expect(outcome).toMatchObject({ kind: 'committed', adapter: { sha256: (await uninterrupted(handle)).adapter.sha256 } });
    expect(await attemptsOf(handle)).toBeGreaterThan(1);
  });

  it('completes from its checkpoint when a runner is killed', async () => {
    const handle = await open('swing');
    await untilCheckpoint(handle);
    for (const pid of childrenOf(network.pid('gpu worker')!)) process.kill(pid, 'SIGKILL');
    const outcome = await handle.result();
    expect(outcome).toMatchObject({ kind: 'committed', adapter: { sha256: (await uninterrupted(handle)).adapter.sha256 } });
    expect(await attemptsOf(handle)).toBeGreaterThan(1);
  });

  it('stops its runner and gives the lease back when it is cancelled', async () => {
    const handle = await open('march');
    await untilCheckpoint(handle);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow('Workflow execution cancelled');
    const lease = await connected.temporal.workflow.getHandle(`adapter-lease/rn/${connected.participants.find((p) => p.name === 'march')!.hotkey}`).query<{ current: { kind: string } }>('state');
    expect(lease.current.kind).toBe('free');
  });
});

const childrenOf = (pid: number): number[] => execFileSync('ps', ['--ppid', String(pid), '-o', 'pid='], { encoding: 'utf8' }).split('\n').map(Number).filter((child) => child > 0);

/** Of the training activity. */
async function attemptsOf(handle: Handle): Promise<number> {
  const { events } = await handle.fetchHistory();
  const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'trainAdapter')?.eventId;
  return events?.find((event) => event.activityTaskStartedEventAttributes?.scheduledEventId?.toString() === scheduled?.toString())?.activityTaskStartedEventAttributes?.attempt ?? 0;
}
