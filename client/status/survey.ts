import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { currentDama, newestFirst, newestReport, standingsAt } from '../../activities/current-dama.ts';
import type { Deployment } from '../../activities/deployment.ts';
import { parseJson } from '../../activities/parse-json.ts';
import { readParticipants, type Participant } from '../../activities/participants.ts';
import { MAX_REPORT_BYTES } from '../../activities/reference.ts';
import { parseWindowsReport } from '../../genki/evaluation/parse-windows-report.ts';
import type { Chain, Metagraph } from '../../genki/chain/chain.ts';
import { openChain } from '../../genki/chain/open-chain.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { readDeployment } from '../../workers/deployment.ts';
import { chainOf, homeOf, readSettings, type Settings } from '../../workers/settings.ts';
import { createStore } from '../../workers/store.ts';
import { CPU_QUEUE, GPU_QUEUE, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { ask, PATIENCE_MS, valueOf, type Answer } from './answer.ts';
import { askDoor, clockFault, clockText, relays, type Door, type Relay } from './hub.ts';
import { diskUse, isNearlyFull, type DiskUse } from './disk.ts';
import { surveyQueues, type Queue } from './pollers.ts';
import { surveyWindows, type WindowsStatus } from './windows.ts';
import { ended, leases, running, schedules, type Ended, type Lease, type Running, type Schedule } from './work.ts';

export type Service = { readonly name: string; readonly isUp: boolean; /** version, address and pids, or what is wrong */ readonly detail: string };

/** Everything that `genki status` says; null where nobody answers. */
export type Status = {
  readonly home: string;
  readonly isUp: boolean;
  readonly services: readonly Service[];
  /** By the newest finalized block. */
  readonly chain: { readonly finalized: number; readonly epoch: number; readonly epochStart: number; readonly nextEpoch: number; readonly blocksLeft: number; readonly msLeft: number | null } | null;
  readonly queues: readonly Queue[] | null;
  readonly running: readonly Running[] | null;
  readonly ended: readonly Ended[] | null;
  readonly leases: readonly Lease[] | null;
  /** Adapters that this machine's hub passes on. */
  readonly relays: readonly Relay[] | null;
  readonly schedules: readonly Schedule[] | null;
  /** Of the door that this machine's miners go to. */
  readonly hub: (Door & { readonly url: string }) | null;
  /** Where updates of windows are exchanged. */
  readonly windows: WindowsStatus | null;
  readonly dama: { readonly digest: string; readonly isFirst: boolean } | null;
  readonly report: { readonly epoch: number; readonly accepted: number; readonly miners: number } | null;
  readonly disk: DiskUse | null;
  readonly participants: readonly Pick<Participant, 'name' | 'role' | 'hotkey'>[];
  readonly warnings: readonly string[];
};

/** Asks everybody at once, and waits for nobody longer than 2 s. */
export async function surveyStatus(env: NodeJS.ProcessEnv): Promise<Status> {
  const home = homeOf(env);
  const isThere = existsSync(home);
  const [settings, deployment, participants, disk] = await Promise.all([
    ask(async () => readSettings(env)),
    ask(() => readDeployment(home)),
    ask(() => readParticipants(home)),
    ask(() => diskUse(home)),
  ]);
  const known = valueOf(participants) ?? [];
  const [temporal, chain, hub] = await Promise.all([
    settings.ok ? surveyTemporal(settings.value, known) : undefined,
    settings.ok ? surveyChain(settings.value, valueOf(deployment), known) : undefined,
    settings.ok && settings.value.network.hub !== undefined ? surveyHub(settings.value.network.hub, valueOf(deployment)) : undefined,
  ]);
  const services = [...(temporal?.services ?? []), ...(chain?.services ?? []), ...(hub?.services ?? [])];
  const warnings = [
    ...(settings.ok ? [] : [settings.reason]),
    ...(isThere && !deployment.ok ? [deployment.reason] : []),
    ...services.filter(({ isUp }) => !isUp).map(({ name, detail }) => `${name}: ${detail}`),
    ...(temporal?.warnings ?? []),
    ...(hub?.warnings ?? []),
    ...(disk.ok && isNearlyFull(disk.value) ? ['the disk is nearly full: chain, Temporal and store stop when it is'] : []),
    ...(disk.ok || !isThere ? [] : [`disk: ${disk.reason}`]),
  ];
  return {
    home,
    isUp: services.length > 0 && services.every((service) => service.isUp),
    services,
    chain: chain?.chain ?? null,
    queues: temporal?.queues ?? null,
    running: temporal?.running ?? null,
    ended: temporal?.ended ?? null,
    leases: temporal?.leases ?? null,
    relays: temporal?.relays ?? null,
    schedules: temporal?.schedules ?? null,
    hub: hub?.hub ?? null,
    windows: chain?.windows ?? null,
    dama: chain?.dama ?? null,
    report: chain?.report ?? null,
    disk: valueOf(disk) ?? null,
    participants: known.map(({ name, role, hotkey }) => ({ name, role, hotkey })),
    warnings,
  };
}

type TemporalStatus = Pick<Status, 'services' | 'queues' | 'running' | 'ended' | 'leases' | 'relays' | 'schedules' | 'warnings'>;

async function surveyTemporal({ home, network }: Settings, participants: readonly Participant[]): Promise<TemporalStatus> {
  const opened = await ask(() => Connection.connect({ address: network.temporal, connectTimeout: PATIENCE_MS }));
  const down = (reason: string): TemporalStatus => ({ services: [{ name: 'temporal', isUp: false, detail: `nothing answers at ${network.temporal}: ${reason}` }], queues: null, running: null, ended: null, leases: null, relays: null, schedules: null, warnings: [] });
  if (!opened.ok) return down(opened.reason);
  const connection = opened.value;
  try {
    const client = new Client({ connection, namespace: network.namespace });
    const inTime = <T>(question: () => Promise<T>): Promise<Answer<T>> => ask(() => connection.withDeadline(Date.now() + PATIENCE_MS, question));
    const [version, queues, ...work] = await Promise.all([
      inTime(() => connection.workflowService.getSystemInfo({})),
      inTime(() => surveyQueues(client, participants.map(({ hotkey }) => hotkey))),
      inTime(() => running(client)),
      inTime(() => ended(client)),
      inTime(() => schedules(client)),
    ]);
    if (!version.ok) return down(version.reason);
    const polled = valueOf(queues);
    // a question to a workflow waits for a worker
    const isWorked = pollersOf(polled, WORKFLOW_QUEUE).length > 0;
    const [held, relayed] = isWorked ? (await Promise.all([inTime(() => leases(client)), inTime(() => relays(client))])) : [];
    const serverPid = pidIn(join(home, 'temporal.pid'));
    const server: Service = { name: 'temporal', isUp: true, detail: `${version.value.serverVersion} at ${network.temporal}${serverPid}${network.ui === undefined ? '' : `, Web UI ${network.ui}`}` };
    const [isRunning, hasEnded, scheduled] = work;
    return {
      services: [server, ...(polled === undefined ? [] : [worker('cpu worker', pollersOf(polled, CPU_QUEUE)), worker('gpu worker', pollersOf(polled, GPU_QUEUE))])],
      queues: polled ?? null,
      running: valueOf(isRunning) ?? null,
      ended: valueOf(hasEnded) ?? null,
      leases: valueOf(held) ?? null,
      relays: valueOf(relayed) ?? null,
      schedules: valueOf(scheduled) ?? null,
      warnings: [...(queues.ok ? [] : [`queues: ${queues.reason}`]), ...unpolled(polled ?? [], participants)],
    };
  } finally {
    await connection.close().catch(() => undefined);
  }
}

const pollersOf = (queues: readonly Queue[] | undefined, name: string): readonly string[] => queues?.find((queue) => queue.name === name)?.pollers ?? [];

const worker = (name: string, pollers: readonly string[]): Service => ({ name, isUp: pollers.length > 0, detail: pollers.length > 0 ? `pid ${pollers.join(', ')}` : `nobody takes its tasks; see npm run genki -- logs ${name.replace(' ', '-')}` });

function unpolled(queues: readonly Queue[], participants: readonly Participant[]): string[] {
  const lonely = queues.filter(({ pollers }) => pollers.length === 0);
  const names = lonely.flatMap(({ hotkey }) => participants.find((p) => p.hotkey === hotkey)?.name ?? []);
  return [
    ...(lonely.some(({ name }) => name === WORKFLOW_QUEUE) ? ['no worker takes workflows: windows, rounds and leases stand still'] : []),
    ...(names.length > 0 ? [`nobody signs for ${names.join(', ')}: no worker has unlocked ${names.length === 1 ? 'that wallet' : 'those wallets'}`] : []),
  ];
}

type ChainStatus = Pick<Status, 'services' | 'chain' | 'windows' | 'dama' | 'report'>;

async function surveyChain({ store: kept, network }: Settings, deployment: Deployment | undefined, participants: readonly Participant[]): Promise<ChainStatus> {
  const chain = await openChain({ ...chainOf(network), timeoutMs: PATIENCE_MS });
  const store = createStore(kept);
  try {
    const [metagraph, isStored] = await Promise.all([
      ask(async () => ({ head: await chain.head(), metagraph: deployment === undefined ? undefined : await chain.metagraph(deployment.competition.netuid, (await chain.head()).hash) })),
      deployment === undefined ? undefined : ask(() => store.head(deployment.genesisDama.weights.bucket, deployment.genesisDama.weights.key, { signal: AbortSignal.timeout(PATIENCE_MS) })),
    ]);
    const services: Service[] = [
      metagraph.ok ? { name: 'chain', isUp: true, detail: `at ${network.chain}` } : { name: 'chain', isUp: false, detail: `nothing answers at ${network.chain}: ${metagraph.reason}` },
      ...(isStored === undefined ? [] : [storeService(isStored, kept.kind === 'folder' ? kept.root : kept.endpoint)]),
    ];
    const found = metagraph.ok ? metagraph.value.metagraph : undefined;
    const windows = found && deployment && isStored?.ok ? await ask(() => surveyWindows({ chain, store, deployment, participants })) : undefined;
    return { services, chain: found === undefined ? null : epochOf(found, deployment), windows: valueOf(windows) ?? null, ...(isStored?.ok ? await surveyDama({ chain, store, deployment, metagraph: found }) : { dama: null, report: null }) };
  } finally {
    await chain.close();
  }
}

function storeService(stored: Answer<{ bytes: number } | undefined>, where: string): Service {
  if (!stored.ok) return { name: 'store', isUp: false, detail: `${where}: ${stored.reason}` };
  return { name: 'store', isUp: stored.value !== undefined, detail: stored.value === undefined ? `the first Dama is missing in ${where}` : where };
}

function epochOf({ at, epoch, epochStart, nextEpoch }: Metagraph, deployment: Deployment | undefined): Status['chain'] {
  const blocksLeft = Math.max(0, nextEpoch - at.number);
  return { finalized: at.number, epoch, epochStart, nextEpoch, blocksLeft, msLeft: deployment === undefined ? null : blocksLeft * deployment.blockMs };
}

async function surveyDama({ chain, store, deployment, metagraph }: { chain: Chain; store: ObjectStore; deployment: Deployment | undefined; metagraph: Metagraph | undefined }): Promise<Pick<Status, 'dama' | 'report'>> {
  if (deployment === undefined || metagraph === undefined) return { dama: null, report: null };
  const deps = { chain, store, deployment };
  const [dama, report] = await Promise.all([ask(() => currentDama(deps, metagraph)), ask(() => (deployment.competition.exchange === 'delta' ? windowsReport(deps, metagraph) : roundReport(deps, metagraph)))]);
  return {
    dama: dama.ok ? { digest: dama.value.dama.digest, isFirst: dama.value.from === undefined } : null,
    report: valueOf(report) ?? null,
  };
}

type Deps = Parameters<typeof newestReport>[0];

async function roundReport(deps: Deps, metagraph: Metagraph): Promise<Status['report']> {
  const newest = await newestReport(deps, metagraph);
  return newest === undefined ? null : { epoch: newest.epoch, accepted: newest.acceptance.accepted.length, miners: newest.miners.length };
}

/** Of windows those count as accepted who are paid. */
async function windowsReport(deps: Deps, metagraph: Metagraph): Promise<Status['report']> {
  const [newest] = newestFirst(await standingsAt(deps, metagraph));
  if (!newest) return null;
  const { epoch, miners } = parseWindowsReport(parseJson(await deps.store.get(newest.manifest.report, { maxBytes: MAX_REPORT_BYTES })));
  return { epoch, accepted: miners.filter(({ weight }) => weight > 0).length, miners: miners.length };
}

/** A hub that is another one than was agreed on is none. */
async function surveyHub(url: string, deployment: Deployment | undefined): Promise<Pick<Status, 'services' | 'hub' | 'warnings'>> {
  const door = await ask(() => askDoor(url));
  if (!door.ok) return { services: [{ name: 'hub', isUp: false, detail: `no hub answers at ${url}: ${door.reason}` }], hub: null, warnings: [] };
  const agreed = deployment?.hub?.hotkey;
  const isAgreed = agreed === undefined || door.value.hub === agreed;
  const detail = isAgreed ? `at ${url}, ${clockText(door.value.clock)}` : `at ${url} is the hub ${door.value.hub}, this network's is ${agreed}`;
  const fault = clockFault(door.value.clock);
  return { services: [{ name: 'hub', isUp: isAgreed, detail }], hub: { ...door.value, url }, warnings: fault === undefined ? [] : [`hub: ${fault}`] };
}

function pidIn(file: string): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return /^\d+$/.test(text) ? `, pid ${text}` : '';
}
