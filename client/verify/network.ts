import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Deployment } from '../../activities/deployment.ts';
import { readParticipants, type Participant } from '../../activities/participants.ts';
import type { BlockRef, Chain } from '../../genki/chain/chain.ts';
import { openChain } from '../../genki/chain/open-chain.ts';
import { ChainUnavailable } from '../../genki/errors.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { deploymentFile, readDeployment } from '../../workers/deployment.ts';
import { chainOf, homeOf, readSettings, storeSettingsOf, type ClapSettings, type Settings } from '../../workers/settings.ts';
import { createStore } from '../../workers/store.ts';

/** What a report is held against: the network of this home, whether it runs or not. */
export type Known = {
  readonly store: ObjectStore;
  readonly deployment: Deployment;
  readonly participants: readonly Participant[];
  /** Where it answers, with its newest final block. */
  readonly chain: { readonly chain: Chain; readonly head: BlockRef } | undefined;
  /** Of this machine, where one is chosen. */
  readonly engine: string | undefined;
  readonly threads: number;
  readonly clap: ClapSettings;
  close(): Promise<void>;
};

/** @returns undefined where no network was ever made */
export async function knownNetwork(env: NodeJS.ProcessEnv): Promise<Known | undefined> {
  const home = homeOf(env);
  if (!existsSync(deploymentFile(home))) return undefined;
  const settings = isRunning(home, env) ? readSettings(env) : undefined;
  const chain = settings && (await openChain(chainOf(settings.network)));
  return {
    store: createStore(storeSettingsOf(env, home)),
    deployment: await readDeployment(home),
    participants: await readParticipants(home),
    chain: chain && (await answering(chain)),
    ...machineOf(settings, home, env),
    close: async () => await chain?.close(),
  };
}

const isRunning = (home: string, env: NodeJS.ProcessEnv): boolean => existsSync(join(home, 'network.json')) || env.GENKI_CHAIN !== undefined;

function machineOf(settings: Settings | undefined, home: string, env: NodeJS.ProcessEnv): Pick<Known, 'engine' | 'threads' | 'clap'> {
  if (settings) return { engine: settings.engine, clap: settings.clap, threads: settings.threads };
  return { engine: env.GENKI_ENGINE, threads: availableParallelism(), clap: { cacheDir: join(home, 'cache', 'clap'), ...(env.GENKI_CLAP_FOLDER && { folder: env.GENKI_CLAP_FOLDER }) } };
}

async function answering(chain: Chain): Promise<Known['chain']> {
  try {
    return { chain, head: await chain.head() };
  } catch (error) {
    if (!(error instanceof ChainUnavailable)) throw error;
    return undefined;
  }
}
