import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { CPU_QUEUE, GPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';

const { TASK_QUEUE_TYPE_WORKFLOW: WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY: ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;
/** The server remembers a poller for five minutes; one that lives asks anew every minute. */
const FRESH_MS = 75_000;

type QueueType = proto.temporal.api.enums.v1.TaskQueueType;

/** Who takes tasks of a queue. */
export type Queue = { readonly name: string; readonly hotkey?: string; /** `pid@host` */ readonly pollers: readonly string[] };

/** The pollers of every queue that this machine's participants need. */
export async function surveyQueues(client: Client, hotkeys: readonly string[]): Promise<Queue[]> {
  const queues: readonly { name: string; type: QueueType; hotkey?: string }[] = [
    { name: WORKFLOW_QUEUE, type: WORKFLOW },
    { name: CPU_QUEUE, type: ACTIVITY },
    { name: GPU_QUEUE, type: ACTIVITY },
    ...hotkeys.map((hotkey) => ({ name: walletQueue(hotkey), type: ACTIVITY, hotkey })),
  ];
  return await Promise.all(queues.map(async ({ name, type, hotkey }) => ({ name, ...(hotkey !== undefined && { hotkey }), pollers: await pollersOf(client, name, type) })));
}

async function pollersOf({ connection, options }: Client, name: string, taskQueueType: QueueType): Promise<string[]> {
  const { pollers } = await connection.workflowService.describeTaskQueue({ namespace: options.namespace, taskQueue: { name }, taskQueueType });
  const found = (pollers ?? []).filter(({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < FRESH_MS).map(({ identity }) => identity ?? '');
  return [...new Set(found)].filter(mayLive).sort();
}

/** Of a process on this machine more is known than when it last asked. */
function mayLive(identity: string): boolean {
  const [pid, host] = identity.split('@');
  if (host !== hostname() || !/^\d+$/.test(pid!)) return true;
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
