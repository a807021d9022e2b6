import { ScheduleNotFoundError, WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { PretrainingInput } from '../../activities/pretraining.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { basesName } from '../../genki/protocol/relay.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { PretrainingOutcome } from '../../workflows/pretrain-base.ts';
import { connect, type Connected } from '../connect.ts';
import { table } from '../first-light/screen.ts';
import { applySchedule } from '../schedules/apply.ts';
import { pretrainingSchedule, RHYTHMS, type PretrainingRhythm } from '../schedules/pretraining.ts';

type Training = { readonly run?: string; readonly budget?: number; readonly steps?: number; readonly learningRate?: number };

const inputOf = ({ run, budget, steps, learningRate }: Training): PretrainingInput => ({
  ...(run !== undefined && { run }),
  ...(budget !== undefined && { budgetMs: budget }),
  ...(steps !== undefined && { steps }),
  ...(learningRate !== undefined && { learningRate }),
});

/** `genki pretrain start`: one call, now. */
export async function startPretraining({ wait, json, ...training }: Training & { wait: boolean; json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await relayed(env, async ({ temporal }, adapterId) => {
    const workflowId = basesName(adapterId);
    const handle = await temporal.workflow.start('pretrainBase', { workflowId, taskQueue: WORKFLOW_QUEUE, args: [inputOf(training)], staticSummary: `base of ${adapterId} · run ${training.run ?? 'base'}` }).catch((error: unknown) => {
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw new InvalidInput(`Expected no pre-training of ${adapterId} to be at work, ${workflowId} is`, { cause: error });
      throw error;
    });
    if (!wait) return print(json, { workflowId }, [workflowId]);
    const outcome = (await handle.result().catch(rethrowInWords)) as PretrainingOutcome;
    print(json, outcome, linesOf(outcome));
  });
}

/** `genki pretrain schedule`: daily, monthly, or when a cron expression says. */
export async function schedulePretraining({ every, cron, remove, json, ...training }: Training & { every: PretrainingRhythm; cron?: string; remove: boolean; json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await relayed(env, async ({ temporal }, adapterId) => {
    const id = basesName(adapterId);
    if (remove) {
      await temporal.schedule.getHandle(id).delete().catch((error: unknown) => {
        throw error instanceof ScheduleNotFoundError ? new InvalidInput(`Expected the schedule ${id}, there is none`) : error;
      });
      return print(json, { id, what: 'deleted' }, [`${id}  deleted`]);
    }
    const { what, changes, description } = await applySchedule(temporal.schedule, pretrainingSchedule(adapterId, { cron: cron ?? RHYTHMS[every], input: inputOf(training) }));
    const next = description.info.nextActionTimes[0]?.toISOString() ?? null;
    print(json, { id, what, changes, next }, [`${id}  ${what}${changes.length > 0 ? `  ${changes.join('; ')}` : ''}  next ${next ?? 'never'}`]);
  });
}

/** A workflow that failed says no more than that; what failed in it does. */
export function rethrowInWords(error: unknown): never {
  let at = error;
  while (error instanceof WorkflowFailedError && at instanceof Error && at.cause instanceof Error) at = at.cause;
  throw at instanceof ApplicationFailure && at.type === 'InvalidInput' ? new InvalidInput(at.message, { cause: error }) : at;
}

/** With the network, where its adapter is relayed. */
export async function relayed(env: NodeJS.ProcessEnv, task: (network: Connected, adapterId: string) => Promise<void>): Promise<void> {
  const network = await connect(env);
  try {
    const { id, exchange } = network.deployment.competition;
    if (exchange !== 'relay') throw new InvalidInput(`Expected a network whose adapter is relayed, the exchange of this one is ${exchange}: genki up --exchange relay starts one`);
    await task(network, id);
  } finally {
    await network.close();
  }
}

function linesOf(outcome: PretrainingOutcome): string[] {
  if (outcome.kind !== 'published') return [`${outcome.kind}: ${outcome.reason}`];
  const { sequence, step, steps, adapters, losses, rebased, reason } = outcome;
  return [
    `base ${sequence} published: step ${step} of ${steps}, ${adapters} adapters merged; ${reason}`,
    ...table(['style', 'before', 'after'], Object.entries(losses).map(([style, { before, after }]) => [style, before?.toFixed(3) ?? '–', after?.toFixed(3) ?? '–'])),
    ...rebased.map((one) => `late ${one.adapter.slice(0, 12)}: ${one.kind === 'exact' ? `written anew for this base, rank ${one.rank}` : `to be trained again, ${one.reason}`}`),
  ];
}

export const print = (json: boolean, value: unknown, lines: readonly string[]): void => void process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
