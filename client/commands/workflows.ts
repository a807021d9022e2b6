import { WorkflowFailedError } from '@temporalio/client';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { connect } from '../connect.ts';

type Options = { readonly hotkey?: string; readonly wait: boolean; readonly json: boolean };

export async function startWindow({ hotkey, steps, ...options }: Options & { steps?: number }, env: NodeJS.ProcessEnv): Promise<void> {
  await run('trainingWindow', { ...(hotkey !== undefined && { hotkey }), ...(steps !== undefined && { steps }) }, options, env);
}

export async function startRound({ hotkey, dryRun, ...options }: Options & { dryRun: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await run('validationRound', { ...(hotkey !== undefined && { hotkey }), ...(dryRun && { dryRun }) }, options, env);
}

async function run(type: 'trainingWindow' | 'validationRound', input: object, { wait, json }: Omit<Options, 'hotkey'>, env: NodeJS.ProcessEnv): Promise<void> {
  const connected = await connect(env);
  try {
    const workflowId = `${type}/${new Date().toISOString()}`;
    const handle = await connected.temporal.workflow.start(type, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input] });
    if (!json) process.stdout.write(`${workflowId}${connected.settings.network.ui === undefined ? '' : `  ${connected.settings.network.ui}/namespaces/${connected.settings.network.namespace}/workflows/${encodeURIComponent(workflowId)}`}\n`);
    const result: unknown = wait ? await handle.result() : { workflowId };
    process.stdout.write(`${JSON.stringify(result, null, json ? undefined : 2)}\n`);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new Error(rootOf(error), { cause: error });
  } finally {
    await connected.close();
  }
}

function rootOf(error: Error): string {
  return error.cause instanceof Error ? rootOf(error.cause) : error.message;
}
