import { setTimeout as wait } from 'node:timers/promises';
import { participantOf } from '../../activities/participants.ts';
import { MAX_REPORT_BYTES } from '../../activities/reference.ts';
import { newestState } from '../../activities/window-states.ts';
import type { WindowsReport } from '../../genki/evaluation/windows-report.ts';
import { layoutOf } from '../../genki/federation/layout.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { windowBounds, windowOf } from '../../genki/protocol/window.ts';
import { loadWallet, walletFile } from '../../workers/wallets.ts';
import type { closeWindow, ClosingOutcome } from '../../workflows/close-window.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { trainingWindow, WindowOutcome } from '../../workflows/training-window.ts';
import type { WindowsSummary } from '../../workflows/windows-round.ts';
import { OWNER, VALIDATORS } from '../embedded/provision.ts';
import { namesOf, type Names } from '../first-light/result.ts';
import { bold, dim, table } from '../first-light/screen.ts';
import { reachEpoch } from '../owner.ts';
import type { Reading } from './meter.ts';
import { plainAdapters, type PlainAdapters } from './plain-adapters.ts';
import { poison, readEntry } from './poisoner.ts';
import { onStage, unlessStopped, type ScenarioOptions, type Stage } from './stage.ts';

export const POISONER = 'poisoner';
export const LAZY = 'lazy';
export const LATE = 'latecomer';

const WINDOWS = 10;
const LAZY_STEPS = 2;
/** The window from which on the latecomer is there. */
const LATE_FROM = 6;

export type WindowLine = {
  /** From 1. */
  readonly number: number;
  readonly window: number;
  readonly outcome: ClosingOutcome;
  /** What the miners sent, and what that would be in float32. */
  readonly bytes: number;
  readonly dense: number;
  readonly agree: boolean;
  readonly reading: Reading | null;
};
export type WindowsResult = {
  readonly start: Reading;
  readonly windows: readonly WindowLine[];
  /** By who did not send, window by window. */
  readonly missed: readonly { readonly number: number; readonly miner: string; readonly why: string }[];
  readonly report: WindowsReport;
  readonly incentive: Readonly<Record<string, number>>;
  readonly plain: PlainAdapters;
};

/** `npm start -- --scenario windows`: ten windows of compressed updates, with a poisoner, a lazy miner and a late joiner. */
export async function windowsScenario(options: ScenarioOptions): Promise<WindowsResult> {
  return await onStage(RUBY_WINDOWS, options, async (stage) => {
    const { screen, connected, meter, weights, signal } = stage;
    const names = namesOf(connected.participants);
    const start = await meter.read(weights);
    screen.say(`${bold(`\n${WINDOWS} windows`)} of ${RUBY_WINDOWS.training.hyper.steps} steps: five honest miners; ${POISONER} turns ten times against everybody, ${LAZY} makes ${LAZY_STEPS} steps, ${LATE} comes to window ${LATE_FROM}`);
    screen.say(dim(`  before   mixture ${start.mixture.toFixed(3)}  base ${start.base.toFixed(3)}`));
    const { windows, missed } = await unlessStopped(liveThrough(stage, names), signal);
    screen.say('  the epoch: weights from the scores of the windows');
    const { report, incentive } = await unlessStopped(pay(stage, names), signal);
    screen.say(dim('  the plain adapter scenario, for comparison'));
    const plain = await plainAdapters(stage);
    const result: WindowsResult = { start, windows, missed, report, incentive, plain };
    for (const line of linesOf(result, names)) screen.say(line);
    return result;
  });
}

type Lived = Pick<WindowsResult, 'windows' | 'missed'>;

/** One window after the other, by the chain's blocks; what one closes late goes on beside the next. */
async function liveThrough(stage: Stage, names: Names): Promise<Lived> {
  const { connected: { chain, deployment }, signal } = stage;
  const { windowBlocks } = deployment.competition.timing;
  const first = windowOf((await chain.head()).number, windowBlocks) + 1;
  const missed: Lived['missed'][number][] = [];
  const lines: Promise<WindowLine>[] = [];
  for (let number = 1; number <= WINDOWS; number++) {
    const window = first + number - 1;
    await reach(stage, windowBounds(window, windowBlocks).first);
    lines.push(oneWindow(stage, { number, window, before: lines.at(-1), missed, names }));
    if (signal.aborted) throw signal.reason;
  }
  return { windows: await Promise.all(lines), missed };
}

async function reach({ connected: { chain, deployment }, signal }: Stage, block: number): Promise<void> {
  while ((await chain.head()).number < block) await wait(deployment.blockMs, undefined, { signal });
}

type Of = { readonly number: number; readonly window: number; readonly before: Promise<WindowLine> | undefined; readonly missed: Lived['missed'][number][]; readonly names: Names };

async function oneWindow(stage: Stage, of: Of): Promise<WindowLine> {
  const { connected: { temporal, deployment }, screen } = stage;
  const { number, window, before, missed, names } = of;
  const { competition } = deployment;
  const cast = [...competition.styles.private, ...(number === 1 ? [POISONER] : []), LAZY, ...(number >= LATE_FROM ? [LATE] : [])];
  const open = async <T>(type: 'trainingWindow' | 'closeWindow', name: string, more: object): Promise<T> => {
    const workflowId = `${type === 'closeWindow' ? 'closing' : 'window'}/${name}/${window}`;
    const handle = await temporal.workflow.start<typeof trainingWindow | typeof closeWindow>(type, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: name, window, ...more }], staticSummary: `window ${window} · ${name}` });
    return (await handle.result()) as T;
  };
  const closings = VALIDATORS.map((name) => open<ClosingOutcome>('closeWindow', name, {}));
  const poisoned = number > 1 && before ? turnAgainst(stage, { window, before }) : undefined;
  const sent = await Promise.all(cast.map(async (name) => {
    const outcome = await open<WindowOutcome>('trainingWindow', name, name === LAZY ? { steps: LAZY_STEPS } : {});
    if (outcome.kind !== 'sent') missed.push({ number, miner: name, why: 'reason' in outcome ? outcome.reason : outcome.kind });
    return outcome.kind === 'sent' ? outcome : undefined;
  }));
  const [outcome, ...others] = await Promise.all(closings);
  await poisoned;
  const updates = sent.filter((one) => one !== undefined);
  const agree = others.every((other) => 'after' in other && 'after' in outcome! && other.after === outcome.after);
  const line: WindowLine = { number, window, outcome: outcome!, bytes: updates.reduce((sum, { bytes }) => sum + bytes, 0), dense: updates.reduce((sum, { bytes, ratio }) => sum + bytes * ratio, 0), agree, reading: await readModel(stage, window + 1) };
  screen.say(lineOf(line, names));
  return line;
}

/** The poisoner's update of a window, once the one before is closed. */
async function turnAgainst(stage: Stage, { window, before }: { window: number; before: Promise<WindowLine> }): Promise<void> {
  const { connected, model } = stage;
  const { settings, deployment, participants } = connected;
  const { outcome } = await before;
  if (!('entry' in outcome)) return;
  const entry = await readEntry(connected, { window: outcome.window, leader: outcome.leader, ref: outcome.entry });
  const signer = await loadWallet(walletFile(settings.walletsDir, POISONER), settings.passphraseFile);
  const disclose = await poison({ connected, layout: layoutOf(model.music), poisoner: participantOf(participants, 'miner', POISONER), signer }, window, entry);
  await reach(stage, windowBounds(window + 1, deployment.competition.timing.windowBlocks).first);
  await disclose();
}

/** What the first validator has after a window. */
async function readModel({ connected: { store, deployment, participants }, meter }: Stage, begins: number): Promise<Reading | null> {
  const { competition, competitionDigest } = deployment;
  const { privateBucket } = participantOf(participants, 'validator', VALIDATORS[0]);
  const newest = await newestState(store, { bucket: privateBucket, competition: competition.id }, competitionDigest);
  if (newest?.window !== begins) return null;
  const { weights } = newest.state.dama;
  return await meter.read(decodeSafetensors(await store.get(weights, { maxBytes: weights.bytes })).tensors);
}

/** Both validators turn their scores into weights; then the chain pays. */
async function pay({ connected, signal }: Stage, names: Names): Promise<Pick<WindowsResult, 'report' | 'incentive'>> {
  const { temporal, chain, store, settings, deployment } = connected;
  const { netuid } = deployment.competition;
  const rounds = await Promise.all(VALIDATORS.map(async (name) => (await (await temporal.workflow.start('validationRound', { workflowId: `round/${name}/1`, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: name }], staticSummary: `windows · ${name}` })).result()) as WindowsSummary));
  const owner = await loadWallet(walletFile(settings.walletsDir, OWNER), settings.passphraseFile);
  const { neurons } = await reachEpoch(chain, { owner, netuid, blockMs: deployment.blockMs, epoch: rounds[0]!.epoch + 1, signal });
  const total = neurons.reduce((sum, { incentive }) => sum + incentive, 0);
  const report = JSON.parse(new TextDecoder().decode(await store.get(rounds[0]!.report, { maxBytes: MAX_REPORT_BYTES }))) as WindowsReport;
  return { report, incentive: Object.fromEntries(neurons.flatMap(({ hotkey, incentive }) => (incentive > 0 ? [[names(hotkey), incentive / total]] : []))) };
}

function lineOf({ number, outcome, bytes, dense, agree, reading }: WindowLine, names: Names): string {
  const loss = reading ? `mixture ${reading.mixture.toFixed(3)}  base ${reading.base.toFixed(3)}` : 'model not read';
  if (!('peers' in outcome)) return `  window ${String(number).padStart(2)}  ${outcome.kind}: ${outcome.reason}`;
  const { peers, refused, leader } = outcome;
  const out = refused.map(({ hotkey, reason }) => `${names(hotkey)} refused: ${reason}`);
  return [`  window ${String(number).padStart(2)}  ${loss}  ${peers.length} peers  ${(bytes / 1024).toFixed(0)} KiB sent${bytes === 0 ? '' : `, ${(dense / bytes).toFixed(0)} times smaller`}  closed by ${names(leader)}${agree ? '' : ', the validators DIFFER'}`, ...out].join('\n             ');
}

function linesOf({ start, windows, missed, report, incentive, plain }: WindowsResult, names: Names): string[] {
  const last = windows.findLast(({ reading }) => reading !== null)?.reading;
  const number = (value: number | null, digits = 2): string => value?.toFixed(digits) ?? '–';
  const { steps } = RUBY_WINDOWS.training.hyper;
  const senders = windows.reduce((sum, { outcome }) => sum + ('peers' in outcome ? outcome.peers.length : 0), 0);
  const sentBy = (windows.length * windows.reduce((sum, { bytes }) => sum + bytes, 0)) / Math.max(1, senders);
  return [
    '',
    `${bold('Who earns what')} ${dim('proof: how much better on its own pages than without having trained on them, in standard errors of a window')}`,
    ...table(['miner', 'windows', 'agreement', 'proof', 'holdout', 'weight', 'incentive', 'verdict', 'why'], report.miners.map(({ hotkey, windows: count, agreement, proof, holdout, weight, verdict, reason }) => [names(hotkey), String(count), number(agreement), number(proof), number(holdout), `${(100 * weight).toFixed(1)}%`, `${(100 * (incentive[names(hotkey)] ?? 0)).toFixed(1)}%`, verdict, reason])),
    ...missed.toSorted((a, b) => a.number - b.number).map(({ number: at, miner, why }) => `window ${at}: ${miner} did not send: ${why}`),
    '',
    `${bold('The Dama')} ${dim('held-out loss, nats a code: the five styles, and those that it knew')}`,
    ...table(['', 'mixture', 'base', 'steps one after the other', 'sent by a miner'], [
      ['before', start.mixture.toFixed(3), start.base.toFixed(3), '', ''],
      ...(last ? [[`after ${windows.length} windows`, last.mixture.toFixed(3), last.base.toFixed(3), String(steps * windows.length), `${(sentBy / 1024).toFixed(0)} KiB`]] : []),
      ['plain adapters, merged once', plain.reading.mixture.toFixed(3), plain.reading.base.toFixed(3), String(plain.steps), `${(plain.bytes / 1024).toFixed(0)} KiB`],
    ]),
  ];
}
