import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { quiet } from '../network/support/quiet.ts';
import { HISTORIES, TYPES } from './record.ts';

const names = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));
type Started = { readonly workflowType: { readonly name: string }; readonly workflowId: string };
const read = (name: string): { events: [{ workflowExecutionStartedEventAttributes: Started }] } => JSON.parse(readFileSync(`${HISTORIES}${name}`, 'utf8'));
const startOf = (name: string): Started => read(name).events[0].workflowExecutionStartedEventAttributes;

let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  quiet();
  workflowBundle = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)), logger: new DefaultLogger('ERROR') });
});

describe('recorded histories', () => {
  it('are there for every workflow', () => {
    const types = new Set(names.map((name) => startOf(name).workflowType.name));
    expect([...types]).toEqual(expect.arrayContaining(TYPES));
  });

  it.each(names)('%s replays', async (name) => {
    await Worker.runReplayHistory({ workflowBundle }, read(name), startOf(name).workflowId);
  });

  it('do not replay where a step has another name', async () => {
    const text = readFileSync(`${HISTORIES}chain-submitter-once.json`, 'utf8').replaceAll('"prepareExtrinsic"', '"prepare"');
    await expect(Worker.runReplayHistory({ workflowBundle }, JSON.parse(text))).rejects.toMatchObject({ name: 'DeterminismViolationError' });
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
