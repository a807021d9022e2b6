/**
 * Records histories for the replay test from the network of `GENKI_HOME`, one of each workflow type and status, the
 * longest: `npx tsx test/replay/record.ts`. Those of the network tests: `RECORD_HISTORIES=1 npx vitest run --project network --project drills`.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WorkflowExecutionInfo, WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { connect } from '../../client/connect.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url));

/** Every workflow there is. */
export const TYPES = ['adapterLease', 'chainSubmitter', 'closeWindow', 'epochTick', 'evaluateSubmission', 'pretrainBase', 'pretrainTick', 'promoteAdapter', 'relayAdapter', 'rollBackBase', 'trainingWindow', 'validationRound', 'windowTick'];

/** Writes a history in the form that `temporal workflow show --output json` has, which is the one that replays; stack traces name no folder of this machine. */
export async function saveHistory(handle: Pick<WorkflowHandle, 'fetchHistory'>, name: string): Promise<void> {
  const json = historyToJSON(await handle.fetchHistory());
  await writeFile(`${HISTORIES}${name}.json`, `${JSON.stringify(JSON.parse(json)).replaceAll(ROOT, '/genki-dama/')}\n`);
}

async function recordAll(): Promise<void> {
  const { temporal, close } = await connect(process.env);
  try {
    const longest = new Map<string, WorkflowExecutionInfo>();
    for await (const found of temporal.workflow.list({ query: TYPES.map((type) => `WorkflowType = "${type}"`).join(' OR ') })) {
      const name = `${found.type}-${found.status.name.replaceAll('_', '-')}`.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase();
      if (found.historyLength > (longest.get(name)?.historyLength ?? 0)) longest.set(name, found);
    }
    for (const [name, { workflowId, runId }] of longest) {
      await saveHistory(temporal.workflow.getHandle(workflowId, runId), name);
      process.stdout.write(`${name}: ${workflowId}\n`);
    }
  } finally {
    await close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await recordAll();
