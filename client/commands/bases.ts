import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { HubAdapter } from '../../activities/adapter-versions.ts';
import { participantOf } from '../../activities/participants.ts';
import { baseRecords } from '../../activities/relay-base.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { BaseRecord } from '../../genki/protocol/base-record.ts';
import { basesName } from '../../genki/protocol/relay.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { rollBackBase } from '../../workflows/roll-back-base.ts';
import type { Connected } from '../connect.ts';
import { table } from '../first-light/screen.ts';
import { print, relayed, rethrowInWords } from './pretrain.ts';

const hubOf = ({ participants }: Connected, adapterId: string): HubAdapter => {
  const { hotkey: hub, bucket } = participantOf(participants, 'hub', undefined);
  return { hub, bucket, adapterId };
};

/** `genki pretrain list`: where the base is of each adapter that this machine's hub passes on. */
export async function listBases({ json }: { json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await relayed(env, async (network, adapterId) => {
    const { temporal, store, deployment: { genesisDama } } = network;
    const newest = (await baseRecords(store, hubOf(network, adapterId))).at(-1);
    const work = await atWork(temporal, adapterId);
    const bases = [{ adapter: adapterId, base: newest?.sequence ?? 0, digest: newest?.dama.digest ?? genesisDama.digest, run: newest?.run ?? null, work }];
    const rows = bases.map(({ adapter, base, digest, run }) => [adapter, String(base), run ? `${run.name}, step ${run.step} of ${run.steps}` : '–', digest.slice(0, 12), work ?? '']);
    print(json, { bases }, table(['adapter', 'base', 'run', 'digest', 'now'], rows));
  });
}

/** `genki pretrain history`: all bases after the one that the competition began with, the newest first. */
export async function baseHistory({ json }: { json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await relayed(env, async (network, adapterId) => {
    const bases = (await baseRecords(network.store, hubOf(network, adapterId))).reverse();
    const rows = bases.map((one) => [String(one.sequence), madeOf(one), lossOf(one, 'before'), lossOf(one, 'after'), lateOf(one), String(one.block), one.dama.digest.slice(0, 12)]);
    print(json, { adapter: adapterId, bases }, bases.length === 0 ? [`No base of ${adapterId} yet but the one that it began with.`] : table(['base', 'made', 'loss before', 'after', 'late', 'block', 'digest'], rows));
  });
}

/** `genki pretrain rollback`: an earlier base becomes the newest one; nothing is taken back. */
export async function rollBack({ to, json }: { to?: number; json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await relayed(env, async ({ temporal }, adapterId) => {
    const workflowId = basesName(adapterId);
    const outcome = await temporal.workflow.execute<typeof rollBackBase>('rollBackBase', { workflowId, taskQueue: WORKFLOW_QUEUE, args: [to === undefined ? {} : { to }], staticSummary: `an earlier base of ${adapterId}` }).catch((error: unknown) => {
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw new InvalidInput(`Expected nothing to be done to the base of ${adapterId}, ${workflowId} is at work`, { cause: error });
      return rethrowInWords(error);
    });
    print(json, { adapter: adapterId, ...outcome }, [`${adapterId}: base ${outcome.sequence} is base ${outcome.rolledBackTo} again; adapters for the one before are made for another base now`]);
  });
}

/** The workflow type that is at the bases. */
async function atWork(temporal: Client, adapterId: string): Promise<string | null> {
  try {
    const { status, type } = await temporal.workflow.getHandle(basesName(adapterId)).describe();
    return status.name === 'RUNNING' ? type : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

function madeOf({ steps, rolledBackTo }: BaseRecord): string {
  if (rolledBackTo !== undefined) return `again ${rolledBackTo}`;
  return steps.map((step) => (step.kind === 'pretrain' ? `${step.steps} steps` : `${step.parts.length} merged`)).join(', ');
}

function lateOf({ rebased }: BaseRecord): string {
  const exact = rebased.filter(({ kind }) => kind === 'exact').length;
  return [exact > 0 && `${exact} anew`, rebased.length > exact && `${rebased.length - exact} to train`].filter(Boolean).join(', ');
}

/** Mean over the styles, nats per code. */
function lossOf({ losses }: BaseRecord, which: 'before' | 'after'): string {
  const all = Object.values(losses).map((style) => style[which] ?? NaN);
  const mean = all.reduce((sum, loss) => sum + loss, 0) / all.length;
  return Number.isFinite(mean) ? mean.toFixed(4) : '–';
}
