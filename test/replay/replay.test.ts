import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, type ReplayResult, type WorkflowBundleOption } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { quiet } from '../network/support/quiet.ts';
import { HISTORIES, TYPES } from './record.ts';

const names = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));
type Started = { readonly workflowType: { readonly name: string }; readonly workflowId: string; readonly originalExecutionRunId: string };
const read = (name: string): { events: [{ workflowExecutionStartedEventAttributes: Started }] } => JSON.parse(readFileSync(`${HISTORIES}${name}`, 'utf8'));
const startOf = (name: string): Started => read(name).events[0].workflowExecutionStartedEventAttributes;

let bundle: WorkflowBundleOption;
/** What came of each run's replay: one worker replays them all. */
const replayed = new Map<string, ReplayResult>();
beforeAll(async () => {
  quiet();
  bundle = await workflowBundle();
  const histories = names.map((name) => ({ workflowId: startOf(name).workflowId, history: read(name) }));
  for await (const result of Worker.runReplayHistories({ workflowBundle: bundle }, histories)) replayed.set(result.runId, result);
});

describe('recorded histories', () => {
  it('are there for every workflow', () => {
    const types = new Set(names.map((name) => startOf(name).workflowType.name));
    expect([...types]).toEqual(expect.arrayContaining(TYPES));
  });

  it.each(names)('%s replays', (name) => {
    const { workflowId, originalExecutionRunId } = startOf(name);
    const result = replayed.get(originalExecutionRunId);
    expect(result?.workflowId).toBe(workflowId);
    if (result?.error) throw result.error;
  });

  it('do not replay where a step has another name', async () => {
    const text = readFileSync(`${HISTORIES}chain-submitter-once.json`, 'utf8').replaceAll('"prepareExtrinsic"', '"prepare"');
    await expect(Worker.runReplayHistory({ workflowBundle: bundle }, JSON.parse(text))).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  });
});

describe('the installed packages', () => {
  it('hold one copy of protobufjs, since a history read by one is strange to another', () => {
    const { packages } = JSON.parse(readFileSync(fileURLToPath(new URL('../../node_modules/.package-lock.json', import.meta.url)), 'utf8')) as { packages: object };
    // that of the browser's onnxruntime, which nobody loads here, is its own
    const copies = Object.keys(packages).filter((path) => path.endsWith('node_modules/protobufjs') && !path.startsWith('node_modules/onnxruntime-web/'));
    expect(copies).toEqual(['node_modules/protobufjs']);
  });
});
