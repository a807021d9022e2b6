import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Connected } from '../../client/connect.ts';
import { findVersitygw } from '../../client/embedded/find-versitygw.ts';
import { EmbeddedNetwork, type NetworkOptions } from '../../client/embedded/network.ts';
import { OWNER } from '../../client/embedded/provision.ts';
import { Supervised } from '../../client/embedded/supervised.ts';
import type { BlockRef } from '../../genki/chain/chain.ts';
import { Random } from '../../genki/protocol/random.ts';
import { loadWallet, walletFile } from '../../workers/wallets.ts';
import { SMALL } from './competition.ts';
import { chaoticEpoch, type EpochRecord } from './epochs.ts';
import { everyHistory } from './histories.ts';
import { differingReports, lostObjects, sharedLeases, unfinished, wrongExtrinsics } from './invariants.ts';
import { landedOf } from './landed.ts';
import { objectServer } from './object-server.ts';
import { SmallDisk } from './small-disk.ts';
import { childOf, Strikes, type Struck, type Victims } from './strikes.ts';
import { underWay } from './under-way.ts';
import { differingAdapters } from './undisturbed.ts';

export type ChaosOptions = {
  /** An empty folder for everything. */
  readonly home: string;
  readonly kills: number;
  readonly seed: string;
  /** Objects in S3, by a versitygw that is killed too, or in a folder. */
  readonly store: 's3' | 'folder';
  readonly say: (line: string) => void;
  /** Aborting ends it, and leaves nothing behind. */
  readonly signal: AbortSignal;
};

export type ChaosReport = Struck & {
  readonly epochs: number;
  readonly seconds: number;
  /** What was looked at. */
  readonly checked: { readonly workflows: number; readonly objects: number; readonly extrinsics: number; readonly leases: number; readonly reports: number; readonly adapters: number; readonly committed: number; readonly paid: number };
  /** What should not be; nothing, when all is well. */
  readonly violations: readonly string[];
  /** Why the disk was never full; null when it was. */
  readonly withoutDisk: string | null;
};

const BLOCK_MS = 250;
const DISK_MIB = 4096;
/** Between two kills: a worker takes some seconds to come back. */
const PAUSE_MS = [1500, 6000] as const;
const MAX_BACKOFF_MS = 1000;

/** Epochs of a small federation whose processes are killed at seeded random moments, and then all that must hold. */
export async function runChaos({ home, kills, seed, store, say, signal }: ChaosOptions): Promise<ChaosReport> {
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
    const options = { home, env, blockMs: BLOCK_MS, competition: SMALL, say, anyPorts: true, maxBackoffMs: MAX_BACKOFF_MS };
    const network = await EmbeddedNetwork.start(options);
    undo.push(() => network.stop());
    const connected = await connect(env);
    undo.push(() => connected.close());

    const strikes = new Strikes({ victims: victimsOf(network, objects, random), kills, random, pauseMs: PAUSE_MS, disk, clockFile, say });
    undo.push(() => strikes.stop());
    const stopped = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    const epochs = await Promise.race([liveThrough(connected, { strikes, random, say }), stopped]).catch(async (error: unknown) => {
      await strikes.stop();
      for (const line of await underWay(connected.temporal).catch(() => [])) say(line);
      throw error;
    });
    const struck = await strikes.stop();
    writeFileSync(clockFile, '0');

    say('nobody is killed any more: looking at what is left');
    const { report, violations } = await look(connected, epochs, join(home, 'chain', 'journal.jsonl'));
    const head = await connected.chain.head();
    await network.stop();
    if (disk) violations.push(...(await startReadOnly(disk, options)));
    violations.push(...(await startAgain(options, head)));
    return { ...struck, epochs: epochs.length, seconds: Math.round((performance.now() - started) / 1000), checked: report, violations, withoutDisk: typeof mounted === 'string' ? mounted : null };
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
  };
}

/** Epoch after epoch until all kills are done; the last one is lived to its end. */
async function liveThrough(connected: Connected, { strikes, random, say }: { strikes: Strikes; random: Random; say: (line: string) => void }): Promise<EpochRecord[]> {
  const { settings, deployment } = connected;
  const owner = await loadWallet(walletFile(settings.walletsDir, OWNER), settings.passphraseFile);
  const miners = deployment.competition.styles.private;
  const epochs: EpochRecord[] = [];
  do {
    const number = epochs.length + 1;
    say(`epoch ${number}, ${strikes.left} kills to come`);
    epochs.push(await chaoticEpoch({ connected, owner, number, rival: miners[random.int(miners.length)]!, calm: (task) => strikes.calm(task) }));
  } while (strikes.left > 0);
  return epochs;
}

async function look(connected: Connected, epochs: readonly EpochRecord[], journal: string): Promise<{ report: ChaosReport['checked']; violations: string[] }> {
  const { temporal, chain, store, deployment } = connected;
  const pasts = await everyHistory(temporal);
  const { read, lost } = await lostObjects(pasts, store);
  const { held, shared } = sharedLeases(pasts);
  const landed = await landedOf(journal, chain, deployment.competition.netuid);
  const { trained, differing } = await differingAdapters(pasts, store);
  const rounds = epochs.flatMap((epoch) => epoch.rounds);
  const committed = epochs.flatMap(({ windows }) => Object.values(windows)).filter(({ kind }) => kind === 'committed').length;
  return {
    report: { workflows: pasts.length, objects: read, extrinsics: landed.length, leases: held, reports: rounds.length, adapters: trained, committed, paid: rounds.filter(({ weights }) => weights.length > 0).length },
    violations: [...unfinished(pasts), ...lost, ...shared, ...differingReports(epochs), ...wrongExtrinsics(landed, epochs), ...differing],
  };
}
