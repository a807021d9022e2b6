import { setTimeout as wait } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { readVersion, sequencesOf } from '../../activities/adapter-versions.ts';
import { createHubActivities } from '../../activities/hub.ts';
import { participantOf } from '../../activities/participants.ts';
import { readBaseRecord } from '../../activities/relay-base.ts';
import { decodeDataset } from '../../genki/data/dataset.ts';
import { batchSampler } from '../../genki/data/batch-sampler.ts';
import { nameBase } from '../../genki/federation/relayed-adapter.ts';
import { adapterDelta, mergeWeights } from '../../genki/federation/merge.ts';
import { fineTune } from '../../genki/music/fine-tune.ts';
import { decodeAdapter, encodeAdapter } from '../../genki/music/lora.ts';
import { openConditioner } from '../../genki/music/open-model.ts';
import type { AdapterVersion } from '../../genki/protocol/adapter-version.ts';
import { readCompetition } from '../../genki/protocol/competition.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { basesName, relayName, type RelayState } from '../../genki/protocol/relay.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { loadWallet, walletFile } from '../../workers/wallets.ts';
import type { PretrainingOutcome } from '../../workflows/pretrain-base.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { trainingWindow, WindowOutcome } from '../../workflows/training-window.ts';
import type { WindowProgress } from '../../workflows/window-page.ts';
import { startOnce } from '../first-light/workflows.ts';
import { bold, dim, table } from '../first-light/screen.ts';
import type { Reading } from './meter.ts';
import { plainAdapters, type PlainAdapters } from './plain-adapters.ts';
import { onStage, unlessStopped, type ScenarioOptions, type Stage } from './stage.ts';

/** A miner of the scenario: who dies while it holds the lease, and who sleeps through its end and comes back. */
export const DIES = 'swing';
export const SLEEPS = 'ambient';

/** Leases of three hours and checks of five minutes, made short enough to watch. */
export const COMPETITION = readCompetition({ ...RUBY_RELAY, relay: { ...RUBY_RELAY.relay, timing: { leaseMs: 120_000, checkMs: 2000, lapseWaitMs: 5000 } } });
/** Of continual pre-training, at the end. */
const BUDGET_MS = 10_000;
const POLL_MS = 200;

export type Hop = { readonly version: number; readonly miner: string; readonly fence: number; readonly bytes: number; /** of the whole Dama with it */ readonly reading: Reading };
export type RelayResult = {
  readonly start: Reading;
  readonly hops: readonly Hop[];
  readonly miners: Readonly<Record<string, { readonly kind: string; readonly why: string }>>;
  readonly pretraining: PretrainingOutcome;
  /** After the adapter and the late result are merged into a new base. */
  readonly merged: Reading | null;
  readonly plain: PlainAdapters;
};

/** `npm start -- --scenario relay`: one adapter goes through five miners, of whom one dies while it holds the lease and one comes back late. */
export async function relayScenario(options: ScenarioOptions): Promise<RelayResult> {
  return await onStage(COMPETITION, options, async (stage) => {
    const { screen, connected, meter, weights, signal } = stage;
    const start = await meter.read(weights);
    screen.say(`${bold('\nOne adapter')}, five miners in a queue: ${DIES} dies while it holds the lease, ${SLEEPS} sleeps through the end of its own and comes back late`);
    screen.say(dim(`  leases of ${COMPETITION.relay!.timing.leaseMs / 1000} s instead of 3 h, checked every ${COMPETITION.relay!.timing.checkMs / 1000} s instead of 5 min`));
    const miners = await unlessStopped(everybody(stage), signal);
    const hops = await hopsOf(stage);
    screen.say(`\n${bold('Continual pre-training')} for ${BUDGET_MS / 1000} s; then the adapter and the late result are merged into a new base`);
    const { temporal, deployment } = connected;
    const workflowId = basesName(deployment.competition.id);
    const pretraining = (await unlessStopped((await temporal.workflow.start('pretrainBase', { workflowId, taskQueue: WORKFLOW_QUEUE, args: [{ budgetMs: BUDGET_MS, steps: 500 }], staticSummary: 'base of the relayed adapter' })).result(), signal)) as PretrainingOutcome;
    const merged = pretraining.kind === 'published' ? await meter.read(await damaWeights(stage, pretraining.sequence)) : null;
    screen.say(dim('  the plain adapter scenario, for comparison'));
    const plain = await plainAdapters(stage);
    const result: RelayResult = { start, hops, miners, pretraining, merged, plain };
    for (const line of linesOf(result)) screen.say(line);
    return result;
  });
}

type Handle = WorkflowHandle<typeof trainingWindow>;

/** Everybody asks at once, in the order of the styles; each says what became of it. */
async function everybody(stage: Stage): Promise<RelayResult['miners']> {
  const { connected, screen } = stage;
  const miners: Record<string, { kind: string; why: string }> = {};
  const tell = (name: string, outcome: WindowOutcome | { kind: string; reason: string }): void => {
    miners[name] = { kind: outcome.kind, why: whyOf(outcome) };
    screen.say(`  ${name.padEnd(10)} ${outcome.kind}: ${miners[name].why}`);
  };
  const open = (name: string, turn: number): Promise<Handle> => startOnce(connected.temporal, 'trainingWindow', { workflowId: `relay/${name}/${turn}`, input: { hotkey: name }, summary: `${name} · turn ${turn}` });
  const turns: Promise<void>[] = [];
  for (const name of connected.deployment.competition.styles.private) {
    if (name === SLEEPS) turns.push(sleepThrough(stage, (outcome) => tell(name, outcome)));
    else {
      const handle = await open(name, 1);
      turns.push(name === DIES ? dieAndComeBack(stage, { handle, again: () => open(name, 2), tell: (outcome) => tell(name, outcome) }) : handle.result().then((outcome) => tell(name, outcome)));
    }
    await queued(stage, name);
  }
  await Promise.all(turns);
  return miners;
}

/** So that they stand in the queue in the order of the list. */
async function queued({ connected, signal }: Stage, name: string): Promise<void> {
  const { deployment: { competition: { id: adapterId } } } = connected;
  const door = await doorOf(connected, name);
  while ((await answered(() => door.hubStatus({ adapterId }), signal)).state.kind === 'none') {
    if (signal.aborted) throw signal.reason;
    await wait(POLL_MS);
  }
}

/** Its machine is switched off in the middle of its training; later it is back, and waits in the queue as everybody. */
async function dieAndComeBack({ connected, signal, screen }: Stage, { handle, again, tell }: { handle: Handle; again: () => Promise<Handle>; tell: (outcome: WindowOutcome) => void }): Promise<void> {
  for (let phase = ''; phase !== 'train'; ) {
    if (signal.aborted) throw signal.reason;
    await wait(POLL_MS);
    phase = (await handle.query<WindowProgress>('progress').catch(() => ({ phase: '' }))).phase;
  }
  await handle.terminate('switched off, as the scenario says');
  screen.say(`  ${DIES.padEnd(10)} dies in its training; nobody hears of it`);
  while (await holds(connected, DIES)) {
    if (signal.aborted) throw signal.reason;
    await wait(POLL_MS);
  }
  screen.say(`  ${DIES.padEnd(10)} is back; its lease is somebody else's, and it asks for another`);
  tell(await (await again()).result());
}

/** Whether the lease is a miner's, by the hub's own state: whoever asks at the door in the miner's name is a sign of its life. */
async function holds({ temporal, deployment, participants }: Stage['connected'], name: string): Promise<boolean> {
  const { lease: { current } } = await temporal.workflow.getHandle(relayName(deployment.competition.id)).query<RelayState>('state');
  return current.kind === 'held' && current.holder === participantOf(participants, 'miner', name).hotkey;
}

/** Takes the lease, trains, sleeps until it is somebody else's, and hands in what it made. */
async function sleepThrough(stage: Stage, tell: (outcome: { kind: string; reason: string }) => void): Promise<void> {
  const { connected, signal } = stage;
  const { store, deployment: { competition: { id: adapterId } } } = connected;
  const door = await doorOf(connected, SLEEPS);
  let lease = await answered(() => door.requestLease({ adapterId }), signal);
  while (lease.kind !== 'granted') {
    if (signal.aborted) throw signal.reason;
    await wait(POLL_MS);
    lease = await answered(() => door.requestLease({ adapterId }), signal);
  }
  const { fence } = lease;
  const { dama, version } = await answered(() => door.currentAdapter({ adapterId }), signal);
  const adapter = await trainFrom(stage, version?.adapter ?? null);
  const file = nameBase(adapter, dama.digest);
  while ((await answered(() => door.hubStatus({ adapterId }), signal)).state.kind === 'granted') await wait(POLL_MS);
  stage.screen.say(`  ${SLEEPS.padEnd(10)} wakes up; its lease is somebody else's`);
  const ref = await store.putOnce(participantOf(connected.participants, 'miner', SLEEPS).bucket, `adapters/${sha256Hex(file)}.safetensors`, file);
  const answer = await answered(() => door.pushAdapter({ adapterId, fence, parent: version?.sequence ?? 0, adapter: ref }), signal);
  tell({ kind: answer.kind, reason: 'reason' in answer ? answer.reason : 'evaluating' });
}

type Door = ReturnType<typeof createHubActivities>;

/** What a miner's key asks of the hub, as its own machine would. */
async function doorOf({ settings, deployment }: Stage['connected'], name: string): Promise<Door> {
  const signer = await loadWallet(walletFile(settings.walletsDir, name), settings.passphraseFile);
  return createHubActivities({ signer, url: settings.network.hub!, hubHotkey: deployment.hub!.hotkey });
}

/** A hub that has just opened, or is busy, says when to ask again. */
async function answered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.type !== 'HubUnavailable') throw error;
      await wait(POLL_MS, undefined, { signal });
    }
  }
}

async function trainFrom({ connected, engine, model, weights, signal }: Stage, from: ObjectRef | null): Promise<Uint8Array> {
  const { store, participants, deployment: { competition } } = connected;
  const { lora, limits, training: { hyper, replay, replayRows } } = competition;
  const { dataset } = participantOf(participants, 'miner', SLEEPS);
  const music = decodeDataset(await store.get(dataset!.ref, { maxBytes: dataset!.ref.bytes }));
  const sample = batchSampler(music, replay, { privateRows: hyper.batch - replayRows, replayRows, seed: SLEEPS });
  const adapter = from && decodeAdapter(await store.get(from, { maxBytes: limits.adapterBytes }), { music: model.music, lora });
  const trained = await fineTune({ engine, music: model.music, weights, conditioner: openConditioner(engine, model), sample, lora, hyper, seed: SLEEPS, ...(adapter && { adapter }) }, { onStep: async () => !signal.aborted });
  if (!trained?.done) throw signal.reason;
  return encodeAdapter(trained.adapter);
}

/** Each version by the hub's own records, measured on the scenario's music. */
async function hopsOf(stage: Stage): Promise<Hop[]> {
  const { connected: { store, deployment, participants }, meter, model, weights } = stage;
  const { id: adapterId, lora, limits } = deployment.competition;
  const { hotkey: hub, bucket } = participantOf(participants, 'hub', undefined);
  const of = { hub, bucket, adapterId };
  const hops: Hop[] = [];
  for (const sequence of await sequencesOf(store, of)) {
    const { version } = await readVersion(store, of, sequence);
    const adapter = decodeAdapter(await store.get(version.adapter, { maxBytes: limits.adapterBytes }), { music: model.music, lora });
    const reading = await meter.read(new Map([...weights, ...mergeWeights(weights, [{ delta: adapterDelta(adapter), weight: 1 }])]));
    hops.push({ version: sequence, miner: nameOf(participants, version), fence: version.author.fence, bytes: version.adapter.bytes, reading });
  }
  return hops;
}

const nameOf = (participants: Stage['connected']['participants'], { author }: AdapterVersion): string => participants.find(({ hotkey }) => hotkey === author.hotkey)?.name ?? author.hotkey;

async function damaWeights({ connected: { store, deployment, participants } }: Stage, sequence: number): Promise<Stage['weights']> {
  const { hotkey: hub, bucket } = participantOf(participants, 'hub', undefined);
  const { dama } = await readBaseRecord(store, { hub, bucket, adapterId: deployment.competition.id }, sequence);
  return decodeSafetensors(await store.get(dama.weights, { maxBytes: dama.weights.bytes })).tensors;
}

function whyOf(outcome: WindowOutcome | { kind: string; reason: string }): string {
  if ('reason' in outcome) return outcome.reason;
  return outcome.kind === 'handed-on' ? `version ${outcome.sequence}, under fence ${outcome.fence}` : '';
}

function linesOf({ start, hops, pretraining, merged, plain }: RelayResult): string[] {
  const row = (what: string, { mixture, base }: Reading, more: readonly string[] = []): string[] => [what, ...more, mixture.toFixed(3), base.toFixed(3)];
  const last = hops.at(-1);
  return [
    '',
    `${bold('The adapter')} ${dim('held-out loss, nats a code: the five styles, and those that the Dama knew')}`,
    ...table(['version', 'by', 'fence', 'KiB', 'mixture', 'base'], [row('the Dama', start, ['', '', '']), ...hops.map(({ version, miner, fence, bytes, reading }) => row(String(version), reading, [miner, String(fence), (bytes / 1024).toFixed(0)])), ...(merged ? [row('new base', merged, ['merged', '', ''])] : [])]),
    `${pretraining.kind}: ${pretraining.reason}`,
    `The plain adapter scenario: ${plain.miners} adapters of ${plain.steps} steps, merged once at scale ${plain.scale}: mixture ${plain.reading.mixture.toFixed(3)}, base ${plain.reading.base.toFixed(3)}${last ? `; the relay's ${hops.length} hops one after the other: ${last.reading.mixture.toFixed(3)}` : ''}`,
  ];
}
