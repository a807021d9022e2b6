import { randomInt } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import { readDeployment } from '../../workers/deployment.ts';
import { readDoorSettings } from '../../workers/hub/door-settings.ts';
import type { Network } from '../../workers/settings.ts';
import { findTemporal } from './find-temporal.ts';
import { claimHome, databaseOf, forgetServer, lockHome, rememberServer } from './one-network.ts';
import { genesisFile, provision, type ProvisionOptions } from './provision.ts';
import { Supervised, type Service } from './supervised.ts';

export type NetworkOptions = ProvisionOptions & {
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  /** Take any free ports, also for Temporal, whose usual one is 7233, and the hub's door, whose is 8400. */
  readonly anyPorts?: boolean;
  /** Longest wait before a service that died is started again. */
  readonly maxBackoffMs?: number;
};

/** The services, in the order in which they start. */
export type ServiceName = 'temporal' | 'chain' | 'cpu worker' | 'gpu worker' | 'hub';

const TEMPORAL_PORT = 7233;
const UI_PORT = 8233;
/** For a server that others run. */
const EXTERNAL_MS = 60_000;

/** A whole network on this machine: Temporal, the chain, the folder store, a cpu and a gpu worker; and a hub, where one adapter is passed on. */
export class EmbeddedNetwork {
  readonly home: string;
  readonly addresses: Network;
  readonly #services: Supervised[];
  readonly #lock: { release(): void };

  private constructor(home: string, addresses: Network, own: { services: Supervised[]; lock: { release(): void } }) {
    this.home = home;
    this.addresses = addresses;
    this.#services = own.services;
    this.#lock = own.lock;
  }

  /** Starts everything, and stops what had started when something does not come up. */
  static async start(options: NetworkOptions): Promise<EmbeddedNetwork> {
    const { home, env, say } = options;
    await mkdir(home, { recursive: true });
    // private buckets, sealing secrets and Temporal's database are nobody else's on this machine
    await chmod(home, 0o700);
    const lock = lockHome(home);
    const agreed = await claimHome(home).then(() => provision(options)).then(() => readDeployment(home)).catch((error: unknown) => { lock.release(); throw error; });
    await mkdir(join(home, 'logs'), { recursive: true });
    const external = env.TEMPORAL_ADDRESS;
    const temporalPort = external === undefined ? await freePort(options.anyPorts ? 0 : TEMPORAL_PORT) : 0;
    const uiPort = external === undefined ? await freePort(options.anyPorts ? 0 : UI_PORT) : 0;
    const chainPort = await freePort(0);
    const hubPort = agreed.hub && (await doorPort(options));
    if (external === undefined && !options.anyPorts && temporalPort !== TEMPORAL_PORT) {
      say(`Port ${TEMPORAL_PORT} is taken: Temporal answers at 127.0.0.1:${temporalPort}. Give the temporal command --address 127.0.0.1:${temporalPort}, or use: npm run genki -- temporal …`);
    }
    const addresses: Network = {
      temporal: external ?? `127.0.0.1:${temporalPort}`,
      namespace: env.TEMPORAL_NAMESPACE ?? 'default',
      chain: `http://127.0.0.1:${chainPort}`,
      ...(external === undefined && { ui: `http://127.0.0.1:${uiPort}` }),
      ...(hubPort !== undefined && { hub: `http://127.0.0.1:${hubPort}` }),
    };
    await writeFile(join(home, 'network.json'), `${JSON.stringify(addresses, null, 2)}\n`);
    const services: Supervised[] = [];
    const network = new EmbeddedNetwork(home, addresses, { services, lock });
    const up = async (service: Service): Promise<void> => {
      const supervised = new Supervised({ ...service, ...(options.maxBackoffMs !== undefined && { maxBackoffMs: options.maxBackoffMs }) });
      services.push(supervised);
      await supervised.start();
    };
    try {
      const temporal = external === undefined ? await findTemporal({ env, say }) : undefined;
      await Promise.all([
        temporal === undefined ? answers(addresses.temporal, AbortSignal.timeout(EXTERNAL_MS)) : up({ ...temporalService(temporal, { home, address: addresses.temporal, port: temporalPort, uiPort, namespace: addresses.namespace }), started: (pid) => rememberServer(home, pid) }),
        up(typescript('chain', 'genki/chain/local/main.ts', home, ['--dir', join(home, 'chain'), '--genesis', genesisFile(home), '--port', String(chainPort), '--block-ms', String(options.blockMs)])),
      ]);
      await Promise.all([up(typescript('cpu worker', 'workers/cpu/main.ts', home)), up(typescript('gpu worker', 'workers/gpu/main.ts', home))]);
      if (hubPort !== undefined) {
        const hub = typescript('hub', 'workers/hub/main.ts', home);
        await up({ ...hub, env: { ...hub.env, GENKI_HUB_PORT: String(hubPort) } });
      }
      return network;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  /** Process id of a service, for whoever wants to watch or kill one. */
  pid(name: ServiceName): number | undefined {
    return this.#services.find((service) => service.name === name)?.pid;
  }

  /** Ends the workers first, so that they can hand back what they hold, then what they talk to. */
  async stop(): Promise<void> {
    const isServer = ({ name }: Supervised): boolean => name === 'temporal' || name === 'chain';
    const [servers, workers] = [this.#services.filter(isServer), this.#services.filter((service) => !isServer(service))];
    await Promise.all(workers.map((service) => service.stop()));
    await Promise.all(servers.map((service) => service.stop()));
    forgetServer(this.home);
    await rm(join(this.home, 'network.json'), { force: true });
    this.#lock.release();
  }
}

/** A queue in one part: with four of them, as by default, a single server only hands tasks to and fro between them. */
const ONE_PARTITION = ['Read', 'Write'].flatMap((side) => ['--dynamic-config-value', `matching.numTaskqueue${side}Partitions=1`]);

/** Two pragmas make it five times faster and still safe against being killed. */
export function temporalService(command: string, { home, address, port, uiPort, namespace }: { home: string; address: string; port: number; uiPort: number; namespace: string }): Service {
  const attributes = SEARCH_ATTRIBUTES.flatMap(({ name, type }) => ['--search-attribute', `${name}=${type === 'INT' ? 'Int' : 'Keyword'}`]);
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort), '--namespace', namespace, '--db-filename', databaseOf(home)];
  args.push('--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1', '--log-level', 'error', ...ONE_PARTITION, ...attributes);
  return { name: 'temporal', command, args, logFile: join(home, 'logs', 'temporal.log'), ready: (signal) => answers(address, signal), readyMs: 60_000, stopMs: 10_000 };
}

/** One of our own processes, from its TypeScript file. */
export function typescript(name: ServiceName, file: string, home: string, args: readonly string[] = []): Service {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  return {
    name,
    command: process.execPath,
    args: ['--import', import.meta.resolve('tsx'), path, ...args],
    env: { GENKI_HOME: home, TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined, GENKI_CHAIN: undefined, GENKI_HUB: undefined },
    logFile: join(home, 'logs', `${name.replace(' ', '-')}.log`),
    ready: 'message',
    readyMs: 120_000,
    stopMs: 40_000,
  };
}

async function answers(address: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1000 });
      await connection.close();
      return;
    } catch {
      await wait(100);
    }
  }
  throw new Error(`Expected Temporal at ${address}, nothing answers`);
}

/** Below those that systems give to outgoing connections: one of them would take it while its server is being started again. */
const PORTS = [20_000, 32_768] as const;
const TRIES = 100;
/** Told to somebody of this process who may not have taken them yet. */
const promised = new Set<number>();

/**
 * The port of the hub's door, the same at every start, as a proxy and miners elsewhere know it: `GENKI_HUB_PORT`, or 8400
 * unless any will do. Another one, where somebody has that.
 * @throws {InvalidInput} where `GENKI_HUB_PORT` is no port
 */
export async function doorPort({ env, anyPorts = false, say }: Pick<NetworkOptions, 'env' | 'anyPorts' | 'say'>): Promise<number> {
  const wanted = anyPorts && env.GENKI_HUB_PORT === undefined ? 0 : readDoorSettings(env).port;
  const port = await freePort(wanted);
  if (wanted !== 0 && port !== wanted) say(`Port ${wanted} is taken: the hub's door is at 127.0.0.1:${port}.`);
  return port;
}

/** That port if nobody has it, else any free one, each time another. */
export async function freePort(wanted: number): Promise<number> {
  if (wanted !== 0 && (await isFree(wanted))) return wanted;
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(...PORTS);
    if (promised.has(port) || !(await isFree(port))) continue;
    promised.add(port);
    return port;
  }
  throw new Error(`Expected a free port on 127.0.0.1 from ${PORTS[0]} to ${PORTS[1] - 1}, got none in ${TRIES} tries`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
