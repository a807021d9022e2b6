import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';
import { freePort, temporalService, typescript } from '../../../client/embedded/network.ts';
import { Supervised, type Service } from '../../../client/embedded/supervised.ts';
import type { Chain } from '../../../genki/chain/chain.ts';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { createLocalChain } from '../../../genki/chain/local/local-chain.ts';
import { WORKFLOW_QUEUE } from '../../../workflows/queues.ts';
import { saveHistory } from '../../replay/record.ts';
import { quiet } from './quiet.ts';

export const BLOCK_MS = 50;

const NAMESPACE = 'default';

export type TestNetworkOptions = {
  /** Of the server, `limit.historyCount.suggestContinueAsNew` and the like. */
  readonly limits?: Readonly<Record<string, number>>;
};

/** A Temporal server and what a test starts beside it, each process on a free port and in one temporary folder. */
export class TestNetwork {
  readonly home: string;
  readonly address: string;
  readonly client: Client;
  readonly #native: NativeConnection;
  readonly #undo: (() => Promise<unknown>)[];
  readonly #services = new Map<string, Supervised>();

  private constructor(home: string, address: string, { client, native, undo }: { client: Client; native: NativeConnection; undo: (() => Promise<unknown>)[] }) {
    this.home = home;
    this.address = address;
    this.client = client;
    this.#native = native;
    this.#undo = undo;
  }

  /** A server with a worker for workflows. Whatever had started is stopped when something fails. */
  static async start({ limits = {} }: TestNetworkOptions = {}): Promise<TestNetwork> {
    quiet();
    const undo: (() => Promise<unknown>)[] = [];
    try {
      const home = await mkdtemp(join(tmpdir(), 'genki-network-'));
      undo.push(() => rm(home, { recursive: true, force: true }));
      await mkdir(join(home, 'logs'));
      const [port, uiPort] = await Promise.all([freePort(0), freePort(0)]);
      const address = `127.0.0.1:${port}`;
      const service = temporalService(inject('temporal'), { home, address, port, uiPort, namespace: NAMESPACE });
      const settings = Object.entries(limits).flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${value}`]);
      const server = await startService({ ...service, args: [...service.args, ...settings] }, undo);
      const connection = await Connection.connect({ address });
      undo.push(() => connection.close());
      const native = await NativeConnection.connect({ address });
      undo.push(() => native.close());
      const network = new TestNetwork(home, address, { client: new Client({ connection, namespace: NAMESPACE }), native, undo });
      network.#services.set(server.name, server);
      await network.work({ taskQueue: WORKFLOW_QUEUE, workflowBundle: { codePath: inject('workflowBundle') } });
      return network;
    } catch (error) {
      await unwind(undo);
      throw error;
    }
  }

  /** A worker of this process; what is returned stops it. */
  async work(options: Omit<WorkerOptions, 'connection' | 'namespace'>): Promise<() => Promise<void>> {
    const worker = await Worker.create({ connection: this.#native, namespace: NAMESPACE, ...options });
    const running = worker.run();
    running.catch(() => undefined); // whoever stops it hears of it
    const stop = async (): Promise<void> => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    };
    this.#undo.push(stop);
    return stop;
  }

  /** An activity's result, called as if by a workflow, with a client of this server. */
  async call<In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out> {
    return await new MockActivityEnvironment({}, { client: this.client, logger: new DefaultLogger('ERROR') }).run<[In], Out, (input: In) => Promise<Out>>(activity, input);
  }

  /** The local chain as a process of its own that does what a test asks, and where it lies. */
  async startChain(genesis: Genesis, { blockMs = BLOCK_MS }: { /** 0: only when asked */ readonly blockMs?: number } = {}): Promise<{ chain: Chain; url: string; journal: string }> {
    const file = join(this.home, 'genesis.json');
    await writeFile(file, JSON.stringify(genesis));
    const port = await freePort(0);
    const dir = join(this.home, 'chain');
    const node = await startService(typescript('chain', 'genki/chain/local/main.ts', this.home, ['--dir', dir, '--genesis', file, '--port', String(port), '--block-ms', String(blockMs), '--dev']), this.#undo);
    this.#services.set(node.name, node);
    const url = `http://127.0.0.1:${port}`;
    const chain = createLocalChain({ url });
    this.#undo.push(() => chain.close());
    return { chain, url, journal: join(dir, 'journal.jsonl') };
  }

  /** Kills a process that is then started again on the same port, from what it had on the disk. */
  crash(name: 'temporal' | 'chain'): void {
    process.kill(this.#services.get(name)!.pid!, 'SIGKILL');
  }

  /** Has `stop` also end what a test started on its own. */
  also(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** Ids of all runs that a workflow has had, oldest first. */
  async runsOf(workflowId: string): Promise<string[]> {
    const runs: { runId: string; startTime: Date }[] = [];
    for await (const run of this.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) runs.push(run);
    return runs.sort((a, b) => a.startTime.getTime() - b.startTime.getTime()).map(({ runId }) => runId);
  }

  /** Replays everything that has happened on this server; those runs that no worker could repeat, and why. */
  async notReplayable(): Promise<string[]> {
    const histories = async function* (client: Client) {
      for await (const { workflowId, runId } of client.workflow.list()) yield { workflowId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() };
    };
    const failures: string[] = [];
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: { codePath: inject('workflowBundle') } }, histories(this.client))) {
      if (error) failures.push(`${workflowId}: ${error.message}`);
    }
    return failures;
  }

  /** Keeps a history for the replay tests, when RECORD_HISTORIES is set. */
  async record(name: string, workflowId: string, runId?: string): Promise<void> {
    if (process.env.RECORD_HISTORIES) await saveHistory(this.client.workflow.getHandle(workflowId, runId), name);
  }

  async stop(): Promise<void> {
    await unwind(this.#undo);
  }
}

/** Waits until `found` gives something other than undefined or false. */
export async function until<T>(what: string, found: () => Promise<T | undefined | false>, patienceMs = 20_000): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const value = await found();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`Expected ${what} within ${patienceMs} ms`);
    await wait(20);
  }
}

async function startService(service: Service, undo: (() => Promise<unknown>)[]): Promise<Supervised> {
  const supervised = new Supervised(service);
  undo.push(() => supervised.stop());
  await supervised.start();
  return supervised;
}

/** Undoes the last thing first, all of it, and then says what went wrong. */
async function unwind(undo: (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of undo.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, 'The test network did not stop cleanly');
}
