/** The hub's door: HTTP for miners, behind it the relay of the competition's adapter on Temporal. It holds the hub's key, to sign its answers. */
import { Client, Connection } from '@temporalio/client';
import { plainText } from '../../activities/plain-text.ts';
import { participantOf, readParticipants } from '../../activities/participants.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { openChain } from '../../genki/chain/open-chain.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { checkOwner, readDeployment } from '../deployment.ts';
import { chainOf, readSettings } from '../settings.ts';
import { createStore } from '../store.ts';
import { listWallets, loadWallet } from '../wallets.ts';
import { createHubDesk } from './desk.ts';
import { DOOR_LIMITS, openDoor } from './door.ts';
import { readDoorSettings } from './door-settings.ts';
import { inTime } from './in-time.ts';
import { createRegistry } from './registry.ts';

/** For the chain to answer; the desk waits a little longer. */
const CHAIN_MS = 4_000;

const settings = readSettings(process.env);
const { network, home } = settings;
const deployment = await readDeployment(home);
const { competition, blockMs } = deployment;
const hub = participantOf(await readParticipants(home), 'hub', deployment.hub?.hotkey);
const wallet = (await listWallets(settings.walletsDir)).find(({ hotkey }) => hotkey === hub.hotkey);
if (!wallet) throw new InvalidInput(`Expected the wallet of the hub ${hub.hotkey} in ${settings.walletsDir}, got none of its hotkey`);
// nobody else's key is in a process that strangers talk to
const signer = await loadWallet(wallet.file, settings.passphraseFile);
const chain = await openChain({ ...chainOf(network), timeoutMs: CHAIN_MS });
await checkOwner(deployment, chain);

// a Temporal that is not there yet is one that cannot answer just now
const connection = Connection.lazy({ address: network.temporal });
const temporal = new Client({ connection, namespace: network.namespace });
const desk = inTime(createHubDesk({ temporal, workflowQueue: WORKFLOW_QUEUE, store: createStore(settings.store), deployment, hub }), connection, DOOR_LIMITS.deskMs);
/** Goes on evenly, whatever somebody does to the clock. */
const elapsed = (): number => performance.now();
const registry = createRegistry({ chain, netuid: competition.netuid, retryMs: blockMs, now: elapsed });
const say = (line: string): void => void process.stderr.write(`hub: ${plainText(line)}\n`);
const door = await openDoor({ desk, signer, verify: verifySignature, registry, blockMs, adapters: new Set([competition.id]), now: Date.now, elapsed, say }, readDoorSettings(process.env));

const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, () => resolve());
});
process.channel?.unref();
process.send?.('ready');
process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify({ worker: 'hub', state: 'ready', url: door.url })}\n` : `hub is ready at ${door.url}\n`);
await ended;
await door.close();
await connection.close();
await chain.close();
