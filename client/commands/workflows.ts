import { WorkflowFailedError } from '@temporalio/client';
import { InvalidInput } from '../../genki/errors.ts';
import { looksSecret } from '../../genki/chain/looks-secret.ts';
import type { Participant } from '../../activities/participants.ts';
import { windowOf } from '../../genki/protocol/window.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { roundSummary } from '../../workflows/round-page.ts';
import { windowSummary } from '../../workflows/window-page.ts';
import { connect, type Connected } from '../connect.ts';

type Options = { readonly hotkey?: string; readonly wait: boolean; readonly json: boolean };
type Start = {
  readonly type: 'trainingWindow' | 'validationRound';
  readonly input: { readonly hotkey?: string };
  /** Its line in the list of workflows. */
  readonly summary: (connected: Connected) => Promise<string>;
};

export async function startWindow({ hotkey, steps, ...options }: Options & { steps?: number }, env: NodeJS.ProcessEnv): Promise<void> {
  const summary: Start['summary'] = async (connected) => {
    const { netuid, timing: { windowBlocks } } = connected.deployment.competition;
    return windowSummary({ netuid, window: windowOf((await connected.chain.head()).number, windowBlocks), miner: nameOf(connected, 'miner', hotkey) });
  };
  await run({ type: 'trainingWindow', input: { ...(hotkey !== undefined && { hotkey }), ...(steps !== undefined && { steps }) }, summary }, options, env);
}

export async function startRound({ hotkey, dryRun, ...options }: Options & { dryRun: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  const summary: Start['summary'] = async (connected) => {
    const { netuid } = connected.deployment.competition;
    const { epoch } = await connected.chain.metagraph(netuid, (await connected.chain.head()).hash);
    return roundSummary({ netuid, epoch, validator: nameOf(connected, 'validator', hotkey) });
  };
  await run({ type: 'validationRound', input: { ...(hotkey !== undefined && { hotkey }), ...(dryRun && { dryRun }) }, summary }, options, env);
}

const nameOf = ({ participants, settings }: Connected, role: Participant['role'], wanted = settings.hotkey): string =>
  participants.find((one) => one.role === role && (wanted === undefined || one.hotkey === wanted || one.name === wanted))?.name ?? role;

async function run({ type, input, summary }: Start, { wait, json }: Omit<Options, 'hotkey'>, env: NodeJS.ProcessEnv): Promise<void> {
  // what a workflow is given stays in its history
  if (looksSecret(input.hotkey ?? '')) throw new InvalidInput('Expected a hotkey or a name of this machine, got what may be a secret');
  const connected = await connect(env);
  try {
    const workflowId = `${type}/${new Date().toISOString()}`;
    const handle = await connected.temporal.workflow.start(type, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input], staticSummary: await summary(connected) });
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
