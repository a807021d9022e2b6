import { setTimeout as wait } from 'node:timers/promises';
import type { Metagraph, WeightRow } from '../../genki/chain/chain.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { windowOf } from '../../genki/protocol/window.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { loadWallet, walletFile } from '../../workers/wallets.ts';
import type { WindowOutcome } from '../../workflows/training-window.ts';
import { roundSummary, type RoundProgress } from '../../workflows/round-page.ts';
import type { RoundMissed, RoundSummary } from '../../workflows/validation-round.ts';
import type { WindowsSummary } from '../../workflows/windows-round.ts';
import { windowSummary } from '../../workflows/window-page.ts';
import type { Connected } from '../connect.ts';
import { DISHONEST, OWNER, VALIDATORS } from '../embedded/provision.ts';
import { reachEpoch } from '../owner.ts';
import { forge, VICTIMS } from './dishonest.ts';
import { bar, seconds, type Screen } from './screen.ts';
import { trainingProgress } from './training-watch.ts';
import { startOnce } from './workflows.ts';
import { MAX_REPORT_BYTES } from '../../activities/reference.ts';

/** One epoch of the federation, as it went; plain JSON. */
export type Epoch = {
  readonly round: number;
  readonly phases: readonly { readonly name: string; readonly ms: number }[];
  readonly windows: Readonly<Record<string, WindowOutcome>>;
  readonly rounds: readonly RoundSummary[];
  readonly report: RoundReport;
  /** Whether the validators' reports are the same to the last byte. */
  readonly reportsAgree: boolean;
  readonly metagraph: Metagraph;
  readonly weights: readonly WeightRow[];
};

export type EpochOptions = {
  readonly connected: Connected;
  readonly screen: Screen;
  /** From 1. */
  readonly round: number;
  /** The chain's epoch when this round began: its commits fall in it, they are evaluated in the next one. */
  readonly firstEpoch: number;
  readonly signal: AbortSignal;
};

const LOOK_EVERY_MS = 400;

/** Everybody trains, hands in and is evaluated; the chain pays. Started again, it finds what is done and goes on from there. */
export async function runEpoch(options: EpochOptions): Promise<Epoch> {
  const { connected, screen, round, firstEpoch, signal } = options;
  const { chain, store, deployment, settings } = connected;
  const { netuid } = deployment.competition;
  const phases: { name: string; ms: number }[] = [];
  const phase = async <T>(name: string, task: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await task();
    const ms = performance.now() - started;
    phases.push({ name, ms });
    screen.say(`  ${name.padEnd(10)} ${seconds(ms)}`);
    return result;
  };
  const owner = await loadWallet(walletFile(settings.walletsDir, OWNER), settings.passphraseFile);
  const turnTo = (epoch: number) => reachEpoch(chain, { owner, netuid, blockMs: deployment.blockMs, epoch, signal });

  const windows = await phase('train', () => train(options));
  await phase('epoch', () => turnTo(firstEpoch + 1));
  const rounds = await phase('validate', () => validate(options));
  const metagraph = await phase('pay', () => turnTo(firstEpoch + 2));

  const reports = await Promise.all(rounds.map(({ report }) => store.get(report, { maxBytes: MAX_REPORT_BYTES })));
  return {
    round,
    phases,
    windows,
    rounds,
    report: JSON.parse(new TextDecoder().decode(reports[0])) as RoundReport,
    reportsAgree: reports.every((other) => Buffer.compare(other, reports[0]!) === 0),
    metagraph,
    weights: await chain.weights(netuid, metagraph.at.hash),
  };
}

/** The honest miners side by side; the dishonest ones as soon as there is something to copy. */
async function train({ connected, screen, round, signal }: EpochOptions): Promise<Record<string, WindowOutcome>> {
  const { temporal, deployment } = connected;
  const { netuid, styles: { private: honest }, timing: { windowBlocks } } = deployment.competition;
  const window = windowOf((await connected.chain.head()).number, windowBlocks);
  const open = (name: string, input: { hotkey: string; adapter?: ObjectRef }) =>
    startOnce(temporal, 'trainingWindow', { workflowId: `window/${name}/${round}`, input, summary: windowSummary({ netuid, window, miner: name }) });
  const outcomes: Record<string, WindowOutcome> = {};
  const handles = new Map(await Promise.all(honest.map(async (name) => [name, await open(name, { hotkey: name })] as const)));
  const finished = new Map([...handles].map(([name, handle]) => [name, handle.result().then((outcome) => keep(name, outcome))]));
  const keep = (name: string, outcome: WindowOutcome): WindowOutcome => {
    outcomes[name] = outcome;
    screen.say(`  ${name.padEnd(13)} ${inWords(outcome)}`);
    return outcome;
  };
  const dishonest = DISHONEST.map(async (name) => {
    const victim = await finished.get(VICTIMS[name]);
    if (victim?.kind !== 'committed') return;
    const adapter = await forge(connected, { name, victim });
    keep(name, await (await open(name, { hotkey: name, adapter })).result());
  });
  const everything = Promise.all([...finished.values(), ...dishonest]);
  const draw = async (): Promise<void> => {
    const lines = [];
    for (const [name, handle] of handles) if (!outcomes[name]) lines.push(`  ${name.padEnd(13)} ${await progressLine(handle)}`);
    screen.live(lines);
  };
  await watched(everything, screen, draw, signal);
  return outcomes;
}

async function progressLine(handle: Parameters<typeof trainingProgress>[0]): Promise<string> {
  const progress = await trainingProgress(handle);
  if (!progress) return 'waiting';
  const { step, steps, loss, msPerStep } = progress;
  return `${bar(step / steps)} step ${String(step).padStart(3)}/${steps}  loss ${loss.toFixed(3)}  ${seconds((steps - step) * msPerStep)} left`;
}

/** Both validators at once, each on its own. */
async function validate({ connected, screen, round, firstEpoch, signal }: EpochOptions): Promise<RoundSummary[]> {
  const handles = await Promise.all(VALIDATORS.map((name) => startOnce(connected.temporal, 'validationRound', { workflowId: `round/${name}/${round}`, input: { hotkey: name }, summary: roundSummary({ netuid: connected.deployment.competition.netuid, epoch: firstEpoch + 1, validator: name }) })));
  const seen = new Map<string, string>();
  const draw = async (): Promise<void> => {
    const lines = [];
    for (const [i, handle] of handles.entries()) {
      const name = VALIDATORS[i]!;
      const { phase, evaluated, of } = await handle.query<RoundProgress>('progress').catch((): RoundProgress => ({ phase: seen.get(name) ?? 'snapshot', evaluated: 0, of: 0, scored: 0 }));
      if (seen.get(name) !== phase) screen.say(`  ${name.padEnd(13)} ${phase}`);
      seen.set(name, phase);
      lines.push(`  ${name.padEnd(13)} ${phase}${phase === 'evaluate' ? ` ${evaluated}/${of}` : ''}`);
    }
    screen.live(lines);
  };
  return await watched(Promise.all(handles.map(async (handle) => settledOf(await handle.result()))), screen, draw, signal);
}

/** @throws {Error} of a round whose epoch somebody ended before it had begun */
export function settledOf(outcome: RoundSummary | RoundMissed | WindowsSummary): RoundSummary {
  if (outcome.kind === 'windows') throw new Error('Expected a round of adapters, got one of windows');
  if (outcome.kind === 'missed') throw new Error(`Expected a round of the current epoch: ${outcome.reason}`);
  return outcome;
}

/** Draws again and again until the work is done, or somebody wants to stop. */
async function watched<T>(work: Promise<T>, screen: Screen, draw: () => Promise<void>, signal: AbortSignal): Promise<T> {
  let isDone = false;
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    if (signal.aborted) reject(signal.reason as Error);
  });
  const drawing = (async () => {
    while (!isDone && !signal.aborted) {
      await draw();
      await wait(LOOK_EVERY_MS);
    }
  })();
  try {
    return await Promise.race([work, stopped]);
  } finally {
    isDone = true;
    await drawing.catch(() => undefined);
    screen.done();
  }
}

function inWords(outcome: WindowOutcome): string {
  if (outcome.kind === 'handed-on') return `handed on as version ${outcome.sequence}, loss ${outcome.loss.first.toFixed(3)} → ${outcome.loss.last.toFixed(3)}`;
  if (outcome.kind !== 'committed') return 'reason' in outcome ? `${outcome.kind}: ${outcome.reason}` : outcome.kind;
  const loss = outcome.loss ? `, loss ${outcome.loss.first.toFixed(3)} → ${outcome.loss.last.toFixed(3)}` : '';
  return `committed at block ${outcome.block}${loss}`;
}
