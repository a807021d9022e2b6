import { Client, Connection } from '@temporalio/client';
import { wasKilled } from './embedded/one-network.ts';
import type { Deployment } from '../activities/deployment.ts';
import { readParticipants, type Participant } from '../activities/participants.ts';
import type { Chain } from '../genki/chain/chain.ts';
import { openChain } from '../genki/chain/open-chain.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { InvalidInput } from '../genki/errors.ts';
import { readDeployment } from '../workers/deployment.ts';
import { chainOf, readSettings, type Settings } from '../workers/settings.ts';
import { createStore } from '../workers/store.ts';

/** What a command talks to: the network that is running for this home. */
export type Connected = {
  readonly settings: Settings;
  readonly temporal: Client;
  readonly chain: Chain;
  readonly store: ObjectStore;
  readonly deployment: Deployment;
  readonly participants: readonly Participant[];
  close(): Promise<void>;
};

/** @throws {InvalidInput} when no network is known; {Error} when it does not answer */
export async function connect(env: NodeJS.ProcessEnv): Promise<Connected> {
  const settings = readSettings(env);
  const { home, network } = settings;
  if (wasKilled(home)) throw new InvalidInput(`Expected a running network in ${home}, it was killed; start it again with: npm run genki -- up`);
  const deployment = await readDeployment(home);
  const participants = await readParticipants(home);
  const connection = await Connection.connect({ address: network.temporal, connectTimeout: 5000 }).catch((cause: unknown) => {
    throw new Error(`Expected Temporal at ${network.temporal}, nothing answers; is the network up? (npm run genki -- up)`, { cause });
  });
  const chain = await openChain(chainOf(network));
  return {
    settings,
    temporal: new Client({ connection, namespace: network.namespace }),
    chain,
    store: createStore(settings.store),
    deployment,
    participants,
    async close() {
      await chain.close();
      await connection.close();
    },
  };
}
