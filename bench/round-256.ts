import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { findTemporal } from '../client/embedded/find-temporal.ts';
import { SIDE_BY_SIDE } from '../workflows/evaluate-all.ts';
import { CPU_QUEUE, GPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../workflows/queues.ts';
import type { Context } from './context.ts';
import { figureOf, type Figure } from './figure.ts';
import { onServer } from './own-server.ts';
import { measureHistory, type HistoryFacts } from './round-256/history-facts.ts';
import { noOps, roundOver } from './round-256/no-ops.ts';

/** Of a subnet; the first two show what grows with it. */
const SIZES = [64, 128, 256] as const;
/** What Temporal suggests a workflow to begin anew at, and what a payload of ours never reaches. */
const [MAX_EVENTS, MAX_BYTES, MAX_PAYLOAD] = [4096, 4 * 2 ** 20, 2 ** 19];

type Measured = { readonly miners: number; readonly seconds: number; readonly flatSeconds: number; readonly round: HistoryFacts; readonly miner: HistoryFacts };

/**
 * A round whose steps do nothing: the workflows of a validator through a worker, on the server that `npm start` has; beside
 * the same steps of all miners from one workflow. The difference is what a page, a time limit and an outcome a miner cost,
 * and what holds the miners against each other.
 */
export async function round256({ folder, note }: Context): Promise<Figure[]> {
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('./round-256/workflows.ts', import.meta.url)), logger });
  const temporal = await findTemporal({ env: process.env, say: note });
  let last: Measured | undefined;
  for (const miners of SIZES) {
    last = await onServer(join(folder, `round-${miners}`), temporal, (address) => measure(address, { workflowBundle, miners }));
    note(describe(last));
  }
  const { miners, seconds, flatSeconds, round } = last!;
  const limit = (name: string, unit: string, [ours, peer, peerName]: readonly [number, number, string]): Figure => figureOf({ name: `round-${miners}-${name}`, unit, ours, peer, peerName });
  return [
    figureOf({ name: `round-${miners}`, unit: 's', ours: seconds, peer: flatSeconds, peerName: 'a workflow for all miners' }),
    limit('events', 'events', [round.events, MAX_EVENTS, 'where Temporal would begin anew']),
    limit('history', 'MiB', [round.bytes / 2 ** 20, MAX_BYTES / 2 ** 20, 'where Temporal would begin anew']),
    limit('payload', 'KiB', [round.largestPayload / 1024, MAX_PAYLOAD / 1024, 'where the server warns']),
  ];
}

async function measure(address: string, { workflowBundle, miners }: { workflowBundle: { code: string }; miners: number }): Promise<Measured> {
  const round = roundOver(miners);
  const activities = noOps(round);
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection: await Connection.connect({ address }) });
  // as the cpu and the gpu worker are
  const workers = await Promise.all([
    Worker.create({ connection, taskQueue: WORKFLOW_QUEUE, workflowBundle, maxCachedWorkflows: 200 }),
    Worker.create({ connection, taskQueue: CPU_QUEUE, activities, maxConcurrentActivityTaskExecutions: 16 }),
    Worker.create({ connection, taskQueue: GPU_QUEUE, activities, maxConcurrentActivityTaskExecutions: 2 }),
    Worker.create({ connection, taskQueue: walletQueue(round.plan.hotkey), activities, maxConcurrentActivityTaskExecutions: 1 }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  const secondsOf = async (type: string, args: unknown[]): Promise<number> => {
    const started = performance.now();
    await client.workflow.execute(type, { workflowId: type, taskQueue: WORKFLOW_QUEUE, args });
    return (performance.now() - started) / 1000;
  };
  try {
    const seconds = await secondsOf('validationRound', []);
    const flatSeconds = await secondsOf('flatRound', [{ plan: round.plan, submissions: round.submissions }, SIDE_BY_SIDE]);
    const facts = (workflowId: string): Promise<HistoryFacts> => measureHistory(client.workflow.getHandle(workflowId));
    return { miners, seconds, flatSeconds, round: await facts('validationRound'), miner: await facts(`validationRound/${round.submissions.at(-1)!.hotkey}`) };
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
    await client.connection.close();
    await connection.close();
  }
}

function describe({ miners, seconds, flatSeconds, round, miner }: Measured): string {
  const sizes = ({ events, bytes, largestPayload }: HistoryFacts): string => `${events} events, ${(bytes / 1024).toFixed(0)} KiB, largest payload ${(largestPayload / 1024).toFixed(1)} KiB`;
  return `${miners} miners: ${seconds.toFixed(1)} s, flat ${flatSeconds.toFixed(1)} s; the round has ${sizes(round)}; a miner ${sizes(miner)}`;
}
