import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createLeaseActivities } from '../activities/lease.ts';
import { findTemporal } from '../client/embedded/find-temporal.ts';
import { mapBounded } from '../genki/map-bounded.ts';
import { CPU_QUEUE, GPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../workflows/queues.ts';
import type { Context } from './context.ts';
import { figureOf, type Figure } from './figure.ts';
import { onServer } from './own-server.ts';
import { measureHistory, type HistoryFacts } from './round-256/history-facts.ts';
import { miningNoOps } from './window-256/miner-no-ops.ts';
import { closingNoOps } from './window-256/validator-no-ops.ts';
import { deltaWindowOf, FOLLOWER, LEADER, MINER } from './window-256/window.ts';

/** Of a subnet; the first two show what grows with it. */
const SIZES = [64, 128, 256] as const;
/** Miners' windows at once: what their histories need is kept in the worker's memory, of 200 workflows; each has its lease beside it. */
const SIDE_BY_SIDE = 16;
/** What Temporal suggests a workflow to begin anew at, and from where on the server warns of a payload; at four times that it refuses one. */
const [MAX_BYTES, MAX_PAYLOAD] = [4 * 2 ** 20, 2 ** 19];
/** A round of adapters over 256 miners, as the README has it. */
const ROUND_256 = { seconds: 17, events: 1811, name: 'a round over 256 miners' } as const;

type Total = { readonly seconds: number; readonly events: number; readonly bytes: number };
type Close = { readonly seconds: number } & HistoryFacts;
type Measured = {
  readonly peers: number;
  /** By the validator who writes the window's entry, and by one who checks it. */
  readonly closed: Close;
  readonly followed: Close;
  /** All miners' windows and their leases, some at once. */
  readonly miners: Total;
  /** One of them. */
  readonly miner: HistoryFacts;
};

/**
 * A window whose steps do nothing: its close, and the windows of all its miners, on the server that `npm start` has.
 * The leases are real ones. Miners have a Temporal of their own each; here one does the work of
 * all, some at once.
 */
export async function window256({ folder, note }: Context): Promise<Figure[]> {
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)), logger });
  const temporal = await findTemporal({ env: process.env, say: note });
  const measured: Measured[] = [];
  for (const peers of SIZES) {
    const last = await onServer(join(folder, `window-${peers}`), temporal, (address) => measure(address, { workflowBundle, peers }));
    note(describe(last));
    measured.push(last);
  }
  return [...figuresOf(measured.at(-1)!), ...growthOf(measured)];
}

function figuresOf({ peers, closed, followed, miners, miner }: Measured): Figure[] {
  const figure = (name: string, unit: string, [ours, peer, peerName]: readonly [number, number | null, string]): Figure => figureOf({ name: `window-${peers}${name}`, unit, ours, peer, peerName });
  const largest = Math.max(closed.largestPayload, followed.largestPayload);
  return [
    figure('', 's', [closed.seconds, ROUND_256.seconds, ROUND_256.name]),
    figure('-events', 'events', [closed.events, ROUND_256.events, ROUND_256.name]),
    figure('-history', 'MiB', [Math.max(closed.bytes, followed.bytes) / 2 ** 20, MAX_BYTES / 2 ** 20, 'where Temporal would begin anew']),
    figure('-payload', 'KiB', [largest / 1024, MAX_PAYLOAD / 1024, 'where the server warns']),
    figure('-miners', 's', [miners.seconds, null, `all miners' windows, ${SIDE_BY_SIDE} at once`]),
    figure('-miner-events', 'events', [miner.events, null, 'a miner\'s window']),
    figure('-miner-history', 'KiB', [miner.bytes / 1024, null, 'a miner\'s window']),
  ];
}

/** How many times more a window costs than one of the first size, beside how many times more miners it has. */
function growthOf(measured: readonly Measured[]): Figure[] {
  const [first, last] = [measured[0]!, measured.at(-1)!];
  const figure = (name: string, ours: number): Figure => figureOf({ name: `window-${last.peers}-growth-${name}`, unit: 'times', ours, peer: last.peers / first.peers, peerName: `as many miners as ${first.peers}` });
  const growth = (part: 'closed' | 'miners', what: keyof Total): Figure => figure(`${part}-${what}`, last[part][what] / first[part][what]);
  return (['closed', 'miners'] as const).flatMap((part) => (['seconds', 'events', 'bytes'] as const).map((what) => growth(part, what)));
}

async function measure(address: string, { workflowBundle, peers }: { workflowBundle: { code: string }; peers: number }): Promise<Measured> {
  const activities = { ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }), ...miningNoOps(), ...closingNoOps(peers) };
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection: await Connection.connect({ address }) });
  // as the cpu and the gpu worker are
  const workers = await Promise.all([
    Worker.create({ connection, taskQueue: WORKFLOW_QUEUE, workflowBundle, maxCachedWorkflows: 200 }),
    Worker.create({ connection, taskQueue: CPU_QUEUE, activities, maxConcurrentActivityTaskExecutions: 16 }),
    Worker.create({ connection, taskQueue: GPU_QUEUE, activities, maxConcurrentActivityTaskExecutions: 2 }),
    ...[LEADER, MINER].map((hotkey) => Worker.create({ connection, taskQueue: walletQueue(hotkey), activities, maxConcurrentActivityTaskExecutions: 1, maxConcurrentActivityTaskPolls: 1 })),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  try {
    // the first close finds everything cold: it is the one that is looked at for its size alone
    const followed = await close(client, FOLLOWER);
    const closed = await close(client, LEADER);
    return { peers, closed, followed, ...(await mine(client, peers)) };
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
    await client.connection.close();
    await connection.close();
  }
}

async function close({ workflow }: Client, hotkey: string): Promise<Close> {
  const workflowId = `closeWindow/${hotkey}`;
  const started = performance.now();
  await workflow.execute('closeWindow', { workflowId, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey }] });
  const seconds = (performance.now() - started) / 1000;
  return { seconds, ...(await measureHistory(workflow.getHandle(workflowId))) };
}

async function mine({ workflow }: Client, peers: number): Promise<Pick<Measured, 'miners' | 'miner'>> {
  const names = Array.from({ length: peers }, (_, i) => `miner-${i}`);
  const idOf = (name: string): string => `trainingWindow/${name}`;
  const started = performance.now();
  const outcomes = await mapBounded(names, SIDE_BY_SIDE, (name) => workflow.execute('trainingWindow', { workflowId: idOf(name), taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: name }] }));
  const seconds = (performance.now() - started) / 1000;
  const notSent = (outcomes as { kind: string }[]).find(({ kind }) => kind !== 'sent');
  if (notSent) throw new Error(`Expected every miner to hand in, got ${JSON.stringify(notSent)}`);
  const sizes = await Promise.all(names.flatMap((name) => [idOf(name), `adapter-lease/${deltaWindowOf(name).adapterId}`]).map(async (id) => await workflow.getHandle(id).describe()));
  const sum = (of: (one: (typeof sizes)[number]) => number): number => sizes.reduce((total, one) => total + of(one), 0);
  const miners = { seconds, events: sum(({ historyLength }) => historyLength), bytes: sum(({ historySize }) => historySize ?? 0) };
  return { miners, miner: await measureHistory(workflow.getHandle(idOf(names.at(-1)!))) };
}

function describe({ peers, closed, followed, miners, miner }: Measured): string {
  const sizes = ({ events, bytes, largestPayload }: HistoryFacts): string => `${events} events, ${(bytes / 1024).toFixed(0)} KiB, largest payload ${(largestPayload / 1024).toFixed(1)} KiB`;
  const all = `${miners.seconds.toFixed(1)} s, with their leases ${miners.events} events, ${(miners.bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${peers} peers: closed in ${closed.seconds.toFixed(2)} s, ${sizes(closed)}; checked in ${followed.seconds.toFixed(2)} s, ${sizes(followed)}; all miners ${all}; one ${sizes(miner)}`;
}
