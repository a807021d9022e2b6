import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createHubActivities } from '../activities/hub.ts';
import { createLateResultActivities } from '../activities/late-results.ts';
import { createLeaseActivities } from '../activities/lease.ts';
import { createPromotionActivities, createVersionActivities } from '../activities/promotion.ts';
import { createRelayTurnActivities } from '../activities/relay-turn.ts';
import { createRelayWindowActivities, relayWindowOf } from '../activities/relay-window.ts';
import { findTemporal } from '../client/embedded/find-temporal.ts';
import { freePort, temporalService, typescript } from '../client/embedded/network.ts';
import { Supervised, type Service } from '../client/embedded/supervised.ts';
import type { Chain, Signer } from '../genki/chain/chain.ts';
import { createSigner, verifySignature } from '../genki/chain/keys.ts';
import { defaultGenesis } from '../genki/chain/local/genesis.ts';
import { createLocalChain } from '../genki/chain/local/local-chain.ts';
import { createS3Store } from '../genki/store/s3-store.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { CREDENTIALS, Versitygw } from '../test/network/support/versitygw.ts';
import { beating } from '../workers/beating.ts';
import { createHubDesk, type RelayDesk } from '../workers/hub/desk.ts';
import { openDoor } from '../workers/hub/door.ts';
import { createRegistry } from '../workers/hub/registry.ts';
import { CPU_QUEUE, GPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../workflows/queues.ts';
import type { RelayOutcome } from '../workflows/relay-window.ts';
import type { Context } from './context.ts';
import { figureOf, type Figure } from './figure.ts';
import { adapterFile, BLOCK_MS, COMPETITION, deploymentOn, minerOf, modelWork } from './hand-over/federation.ts';

/** So many hand the adapter on to one another; the first has nobody before it. */
const MINERS = 6;
/** What it may take. */
const TARGET_S = 5;

/** One hand-over, in seconds from the verdict. */
type HandOver = { readonly signed: number; readonly published: number; readonly granted: number; readonly noticed: number; readonly planned: number; readonly begun: number };

/**
 * From the verdict that a holder's adapter is taken to the moment when the next holder's training can begin, with an
 * adapter of 8.3 M parameters on a real S3 server and the hub's door between the two: signing, publishing, passing on,
 * noticing it, asking for the version, and fetching it. Beside it the bare transfer: one put and one get of the same bytes.
 */
export async function handOver({ folder, note }: Context): Promise<Figure[]> {
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });
  const s3 = await Versitygw.start();
  const undo: (() => Promise<unknown>)[] = [() => s3.stop()];
  try {
    const store = createS3Store({ endpoint: s3.endpoint, region: 'us-east-1', pathStyle: true, credentials: CREDENTIALS });
    const names = Array.from({ length: MINERS }, (_, i) => `miner-${i + 1}`);
    for (const bucket of ['hub', 'peer', ...names.flatMap((name) => [name, `${name}-private`])]) await store.createBucket(bucket);
    const handed = await relayOf(names, { store, folder, note, undo });
    const peer = await transfers(store);
    for (const [i, one] of handed.entries()) note(`hand-over ${i + 1}: ${describe(one)}`);
    const typical = byBegun(handed)[handed.length >> 1]!;
    const slowest = byBegun(handed).at(-1)!;
    note(`the typical one: ${describe(typical)}; a bare put and get takes ${peer.toFixed(2)} s; at most ${TARGET_S} s are wanted`);
    const figure = (name: string, ours: number): Figure => figureOf({ name, unit: 's', ours, peer, peerName: 'a put and a get' });
    return [figure('hand-over', typical.begun), figure('hand-over-slowest', slowest.begun)];
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

const byBegun = (all: readonly HandOver[]): HandOver[] => [...all].sort((a, b) => a.begun - b.begun);
const describe = ({ signed, published, granted, noticed, planned, begun }: HandOver): string =>
  `${begun.toFixed(2)} s: sign ${signed.toFixed(2)}, publish ${(published - signed).toFixed(2)}, pass on ${(granted - published).toFixed(2)}, notice ${(noticed - granted).toFixed(2)}, ask for the version ${(planned - noticed).toFixed(2)}, fetch and open it ${(begun - planned).toFixed(2)}`;

/** Seconds of one plain put and get of such a file, the median of five. */
async function transfers(store: ObjectStore): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const file = adapterFile(`peer ${i}`);
    const started = performance.now();
    const ref = await store.putOnce('peer', `${i}`, file);
    await store.get(ref, { maxBytes: file.byteLength });
    times.push((performance.now() - started) / 1000);
  }
  return times.sort((a, b) => a - b)[2]!;
}

type Site = { readonly store: ObjectStore; readonly folder: string; readonly note: (line: string) => void; readonly undo: (() => Promise<unknown>)[] };

/** All miners wait at once; each hands the adapter on to the next. */
async function relayOf(names: readonly string[], { store, folder, note, undo }: Site): Promise<HandOver[]> {
  const hub = createSigner('//hub');
  const miners = names.map((name) => ({ name, signer: createSigner(`//${name}`) }));
  const { address, chain } = await services([hub, ...miners.map(({ signer }) => signer)], { folder, note, undo });
  const deployment = await deploymentOn(store, hub.hotkey);
  const temporal = new Client({ connection: await Connection.connect({ address }) });
  const desk = createHubDesk({ temporal, workflowQueue: WORKFLOW_QUEUE, store, deployment, hub: { hotkey: hub.hotkey, bucket: 'hub' } });
  const registry = createRegistry({ chain, netuid: COMPETITION.netuid, retryMs: 1000, now: Date.now });
  const door = await openDoor({ desk, signer: hub, verify: verifySignature, registry, blockMs: BLOCK_MS, adapters: new Set([COMPETITION.id]), now: Date.now, say: note }, { host: '127.0.0.1', port: 0, proxies: 0 });
  undo.push(() => door.close());
  const participants = async () => [{ name: 'hub', role: 'hub' as const, hotkey: hub.hotkey, bucket: 'hub', privateBucket: 'hub' }];
  const deps = { chain, store, deployment, participants };
  const { begun, activities } = modelWork(store);
  const connection = await NativeConnection.connect({ address });
  undo.push(() => connection.close(), () => temporal.connection.close());
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('./hand-over/workflows.ts', import.meta.url)), logger: new DefaultLogger('ERROR') });
  const work = async (options: object): Promise<void> => {
    const worker = await Worker.create({ connection, taskQueue: '', ...options });
    const running = worker.run();
    undo.push(async () => { worker.shutdown(); await running; });
  };
  await work({ taskQueue: WORKFLOW_QUEUE, workflowBundle });
  await work({ taskQueue: CPU_QUEUE, interceptors: { activity: [beating] }, activities: { ...createPromotionActivities(deps), ...createLateResultActivities(deps), ...createRelayWindowActivities(deps), ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }) } });
  await work({ taskQueue: GPU_QUEUE, activities });
  await work({ taskQueue: walletQueue(hub.hotkey), activities: createVersionActivities({ signer: hub }) });
  const turns: WorkflowHandle[] = [];
  for (const { name, signer } of miners) {
    const asks = createHubActivities({ signer, url: door.url, hubHotkey: hub.hotkey });
    await work({ taskQueue: walletQueue(signer.hotkey), maxConcurrentActivityTaskExecutions: 1, activities: { ...asks, ...createRelayTurnActivities(asks) } });
    const window = relayWindowOf(minerOf(name, signer.hotkey), { deployment, window: { index: 0, last: 1 } });
    turns.push(await temporal.workflow.start('relayTurn', { workflowId: `turn/${name}`, taskQueue: WORKFLOW_QUEUE, args: [window] }));
    await waiting(desk, signer.hotkey);
  }
  const outcomes = (await Promise.all(turns.map((turn) => turn.result()))) as RelayOutcome[];
  const failed = outcomes.find(({ kind }) => kind !== 'handed-on');
  if (failed) throw new Error(`Expected ${MINERS} versions, got ${JSON.stringify(failed)}`);
  return await Promise.all(miners.slice(1).map(async ({ signer, name }, i) => await measured(temporal, { fence: i + 1, turn: `turn/${name}`, begun: begun.get(`${deployment.competitionDigest}/${signer.hotkey}/0/${i + 2}`)! })));
}

async function waiting(desk: RelayDesk, hotkey: string): Promise<void> {
  while ((await desk.status({ adapterId: COMPETITION.id, hotkey })).state.kind === 'none') await new Promise((resolve) => setTimeout(resolve, 50));
}

/** By the server's own times of what was done. */
async function measured(temporal: Client, { fence, turn, begun }: { fence: number; turn: string; begun: number }): Promise<HandOver> {
  const promotion = await times(temporal, `promotion/${COMPETITION.id}/${fence}/${fence}`);
  const next = await times(temporal, turn);
  const from = promotion.get('settlePromotion')!;
  const seconds = (at: number): number => (at - from) / 1000;
  return { signed: seconds(promotion.get('signVersion')!), published: seconds(promotion.get('publishVersion')!), granted: seconds(promotion.get('published')!), noticed: seconds(next.get('awaitTurn')!), planned: seconds(next.get('planTurn')!), begun: seconds(begun) };
}

/** When the last activity of each name was done, and the relay was told. */
async function times(temporal: Client, workflowId: string): Promise<Map<string, number>> {
  const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
  const names = new Map((events ?? []).flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) => (scheduled ? [[String(eventId), scheduled.activityType!.name!] as const] : [])));
  const done = new Map<string, number>();
  for (const { eventTime, activityTaskCompletedEventAttributes: completed, externalWorkflowExecutionSignaledEventAttributes: told } of events ?? []) {
    const name = told ? 'published' : completed ? names.get(String(completed.scheduledEventId)) : undefined;
    if (name !== undefined) done.set(name, Number(eventTime!.seconds) * 1000 + eventTime!.nanos! / 1e6);
  }
  return done;
}

/** A Temporal server and a local chain, empty ones. */
async function services(registered: readonly Signer[], { folder, note, undo }: Omit<Site, 'store'>): Promise<{ address: string; chain: Chain }> {
  const home = join(folder, 'hand-over');
  await mkdir(join(home, 'logs'), { recursive: true });
  const [port, uiPort, chainPort] = await Promise.all([freePort(0), freePort(0), freePort(0)]);
  const address = `127.0.0.1:${port}`;
  const genesis = join(home, 'genesis.json');
  const neurons = registered.map(({ hotkey }) => ({ hotkey, coldkey: hotkey, stake: '0', validatorPermit: false }));
  await writeFile(genesis, JSON.stringify(defaultGenesis({ owner: createSigner('//owner').hotkey, tempo: 50_000, commitmentSpace: 100_000, neurons })));
  const run = async (service: Service): Promise<void> => {
    const supervised = new Supervised(service);
    undo.push(() => supervised.stop());
    await supervised.start();
  };
  await run(temporalService(await findTemporal({ env: process.env, say: note }), { home, address, port, uiPort, namespace: 'default' }));
  await run(typescript('chain', 'genki/chain/local/main.ts', home, ['--dir', join(home, 'chain'), '--genesis', genesis, '--port', String(chainPort), '--block-ms', String(BLOCK_MS), '--dev']));
  const chain = createLocalChain({ url: `http://127.0.0.1:${chainPort}` });
  undo.push(() => chain.close());
  return { address, chain };
}
