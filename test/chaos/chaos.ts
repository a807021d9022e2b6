import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../client/connect.ts';
import { findVersitygw } from '../../client/embedded/find-versitygw.ts';
import { EmbeddedNetwork, type NetworkOptions } from '../../client/embedded/network.ts';
import { Supervised } from '../../client/embedded/supervised.ts';
import type { BlockRef } from '../../genki/chain/chain.ts';
import { Random } from '../../genki/protocol/random.ts';
import { adapterScenario } from './adapters.ts';
import { objectServer } from './object-server.ts';
import { relayScenario } from './relay.ts';
import type { Scenario } from './scenario.ts';
import { SmallDisk } from './small-disk.ts';
import { childOf, Strikes, type Struck, type Victims } from './strikes.ts';
import { underWay } from './under-way.ts';
import { windowScenario } from './windows.ts';

export type ChaosOptions = {
  /** An empty folder for everything. */
  readonly home: string;
  readonly kills: number;
  readonly seed: string;
  /** What the federation is at. */
  readonly scenario: keyof typeof SCENARIOS;
  /** Objects in S3, by a versitygw that is killed too, or in a folder. */
  readonly store: 's3' | 'folder';
  readonly say: (line: string) => void;
  /** Aborting ends it, and leaves nothing behind. */
  readonly signal: AbortSignal;
};

export type ChaosReport = Struck & {
  readonly scenario: string;
  readonly seconds: number;
  /** How much was done, and what was looked at. */
  readonly checked: Readonly<Record<string, number>>;
  /** What should not be; nothing, when all is well. */
  readonly violations: readonly string[];
  /** Why the disk was never full; null when it was. */
  readonly withoutDisk: string | null;
};

export const SCENARIOS = { adapters: adapterScenario, windows: windowScenario, relay: relayScenario } as const satisfies Record<string, Scenario<unknown>>;

const BLOCK_MS = 250;
const DISK_MIB = 4096;
/** Between two kills: a worker takes some seconds to come back. */
const PAUSE_MS = [1500, 6000] as const;
const MAX_BACKOFF_MS = 1000;

/** A small federation whose processes are killed at seeded random moments, and then all that must hold. */
export async function runChaos({ home, kills, seed, scenario: name, store, say, signal }: ChaosOptions): Promise<ChaosReport> {
  const scenario: Scenario<unknown> = SCENARIOS[name];
  const started = performance.now();
  const random = new Random(`chaos/${seed}`);
  const mounted = SmallDisk.mount(home, DISK_MIB);
  const disk = mounted instanceof SmallDisk ? mounted : undefined;
  const undo: (() => Promise<unknown> | void)[] = [() => disk?.unmount()];
  try {
    mkdirSync(join(home, 'logs'));
    const clockFile = join(home, 'clock');
    writeFileSync(clockFile, '0');
    process.env.GENKI_CHAOS_CLOCK = clockFile;
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import ${new URL('./clock.mjs', import.meta.url).href}`.trim();
    const objects = store === 's3' ? await objectServer(home, await findVersitygw({ env: process.env, say })) : undefined;
    if (objects) undo.push(() => objects.stop());
    const env = { ...process.env, GENKI_HOME: home, TEMPORAL_ADDRESS: undefined };
    const options = { home, env, blockMs: BLOCK_MS, competition: scenario.competition, say, anyPorts: true, maxBackoffMs: MAX_BACKOFF_MS };
    const network = await EmbeddedNetwork.start(options);
    undo.push(() => network.stop());
    const connected = await connect(env);
    undo.push(() => connected.close());

    const strikes = new Strikes({ victims: victimsOf(network, objects, random), kills, random, pauseMs: PAUSE_MS, disk, clockFile, say });
    undo.push(() => strikes.stop());
    const stopped = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    const lived = await Promise.race([scenario.live(connected, { strikes, random, say }), stopped]).catch(async (error: unknown) => {
      await strikes.stop();
      for (const line of await underWay(connected.temporal).catch(() => [])) say(line);
      throw error;
    });
    const struck = await strikes.stop();
    writeFileSync(clockFile, '0');

    say('nobody is killed any more: looking at what is left');
    const { checked, violations } = await scenario.look(connected, lived, join(home, 'chain', 'journal.jsonl'));
    const head = await connected.chain.head();
    await network.stop();
    if (disk) violations.push(...(await startReadOnly(disk, options)));
    violations.push(...(await startAgain(options, head)));
    return { ...struck, scenario: name, seconds: Math.round((performance.now() - started) / 1000), checked, violations, withoutDisk: typeof mounted === 'string' ? mounted : null };
  } finally {
    for (const step of undo.reverse()) await Promise.resolve(step()).catch((error: unknown) => say(`stopping: ${String(error)}`));
  }
}

/** On a disk that takes nothing a network does not come up, and says which file it could not write. */
async function startReadOnly(disk: SmallDisk, options: NetworkOptions): Promise<string[]> {
  disk.readOnly(true);
  try {
    const network = await EmbeddedNetwork.start(options);
    await network.stop();
    return ['a network came up on a disk that cannot be written'];
  } catch (error) {
    const { message } = error as Error;
    options.say(`on a read-only disk: ${message.split('\n')[0]}`);
    return message.includes('read-only') && message.includes(options.home) ? [] : [`expected words about a read-only ${options.home}, got ${message}`];
  } finally {
    disk.readOnly(false);
  }
}

/** What a network that was stopped had, it has again. */
async function startAgain(options: NetworkOptions, head: BlockRef): Promise<string[]> {
  const network = await EmbeddedNetwork.start(options);
  try {
    const connected = await connect(options.env);
    const hash = await connected.chain.blockHash(head.number).finally(() => connected.close());
    return hash === head.hash ? [] : [`expected block ${head.number} to be ${head.hash} after a restart, got ${hash}`];
  } finally {
    await network.stop();
  }
}

/** Every process of the network, and the model runners below the gpu worker. */
function victimsOf(network: EmbeddedNetwork, objects: Supervised | undefined, random: Random): Victims {
  return {
    temporal: () => network.pid('temporal'),
    chain: () => network.pid('chain'),
    'cpu worker': () => network.pid('cpu worker'),
    'gpu worker': () => network.pid('gpu worker'),
    runner: () => childOf(network.pid('gpu worker'), random),
    ...(objects && { versitygw: () => objects.pid }),
    ...(network.pid('hub') !== undefined && { hub: () => network.pid('hub') }),
  };
}
