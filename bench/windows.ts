import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { epsilonOf } from '../genki/federation/privacy/accountant.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { type Arm, EXCHANGES, POISONED, PRIVATE } from './windows/arms.ts';
import { windowsChart } from './windows/chart.ts';
import { type Point, runWindows } from './windows/federation.ts';
import { asExpected, lazyTable, scoreLazy } from './windows/laziness.ts';
import { closeStage, openStage, type Stage } from './windows/stage.ts';

const WINDOWS = 20;
const SEED = '0';
/** The lazy ones: the first window has no last one. */
const SCORED_WINDOWS = 12;
const DELTA = 1e-5;
const CLAIM = { above: 1.02, smaller: 1 / 240 };
const CHART = join('docs', 'windows.svg');

type Said = Pick<Context, 'note'>;
type Curve = { readonly arm: Arm; readonly points: readonly Point[] };

/** The loss of compressed windows beside that of uncompressed ones; the picture goes to docs/windows.svg. */
export async function windows({ note }: Said): Promise<Figure[]> {
  const curves = await runAll(EXCHANGES, note);
  await mkdir(dirname(CHART), { recursive: true });
  await writeFile(CHART, windowsChart('ruby-nano: loss of private styles by window', curves.map(({ arm, points }) => ({ name: arm.name, losses: points.map(({ mixture }) => mixture), dashed: arm.music === 'pages' }))));
  const last = (name: string): Point => curves.find(({ arm }) => arm.name === name)!.points.at(-1)!;
  const beside = (name: string, other: string): Figure[] => [
    figureOf({ name: `windows/${name}/loss`, unit: `nats a code after ${WINDOWS} windows`, ours: last(name).mixture, peer: last(other).mixture, peerName: `${other}, at most ${CLAIM.above}` }),
    figureOf({ name: `windows/${name}/bytes`, unit: 'bytes of an update', ours: last(name).bytes, peer: last(other).bytes, peerName: `${other}, at most ${CLAIM.smaller.toFixed(5)}` }),
  ];
  return [...beside('top-k', 'uncompressed'), ...beside('top-k pages', 'uncompressed pages'), ...beside('slice', 'uncompressed')];
}

/** What the private mode costs: uncompressed windows with noise, beside none. */
export async function windowsPrivate({ note }: Said): Promise<Figure[]> {
  const [plain, ...noisy] = await runAll([EXCHANGES[0]!, ...PRIVATE], note);
  const peer = plain!.points.at(-1)!.mixture;
  return noisy.map(({ arm, points }) => {
    const { noise } = arm.privacy!;
    const { epsilon } = epsilonOf({ noise, windows: WINDOWS, delta: DELTA });
    return figureOf({ name: `windows/private/noise ${noise}`, unit: `nats a code, ε ${epsilon.toPrecision(3)} at δ ${DELTA}`, ours: points.at(-1)!.mixture, peer, peerName: 'no noise' });
  });
}

/** One poisoner of six, by rule; beside nobody's poison and the mean. */
export async function windowsPoisoned({ note }: Said): Promise<Figure[]> {
  const [clean, ...poisoned] = await runAll(POISONED, note);
  const peer = clean!.points.at(-1)!.mixture;
  return poisoned.map(({ arm, points }) => figureOf({ name: `windows/poisoned/${arm.name}`, unit: `nats a code after ${WINDOWS} windows`, ours: points.at(-1)!.mixture, peer, peerName: clean!.arm.name }));
}

/** Whether those who do not do their work are found, over windows with compression and error feedback. */
export async function lazyMiners({ note }: Said): Promise<Figure[]> {
  return await onStage(async (stage) => {
    const history = await scoreLazy(stage, { windows: SCORED_WINDOWS, seed: SEED, note });
    for (const line of lazyTable(history)) note(line);
    const { held, of } = asExpected(history);
    return [figureOf({ name: 'windows/lazy-miners/verdicts', unit: 'share that holds', ours: held / of, peer: 1, peerName: 'claim' })];
  });
}

async function runAll(arms: readonly Arm[], note: Context['note']): Promise<Curve[]> {
  return await onStage(async (stage) => {
    const curves: Curve[] = [];
    for (const arm of arms) curves.push({ arm, points: await runWindows(stage, { arm, windows: WINDOWS, seed: SEED, note }) });
    for (const line of table(curves)) note(line);
    return curves;
  });
}

async function onStage<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await openStage();
  try {
    return await work(stage);
  } finally {
    await closeStage(stage);
  }
}

const SHOWN = [0, 1, 3, 5, 10, 15, WINDOWS];

/** Loss of the private styles / of the base styles, by window. */
function table(curves: readonly Curve[]): string[] {
  const size = (points: readonly Point[]): string => String(points.at(-1)!.bytes);
  const head = ['arm', 'bytes', ...SHOWN.map(String)];
  const rows = curves.map(({ arm, points }) => [arm.name, size(points), ...SHOWN.map((window) => `${points[window]!.mixture.toFixed(3)}/${points[window]!.base.toFixed(3)}`)]);
  return [head, ...rows].map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(26) : cell.padStart(i === 1 ? 9 : 13))).join(''));
}
