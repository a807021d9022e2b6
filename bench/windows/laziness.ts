import { heldOut } from '../../genki/data/held-out.ts';
import { judgeWindow, type Peer } from '../../genki/evaluation/window-judge.ts';
import { type ScoredWindow, windowScores } from '../../genki/evaluation/window-records.ts';
import { errorsOf } from '../../genki/evaluation/window-score.ts';
import { aggregate } from '../../genki/federation/aggregation/aggregate.ts';
import { encodeUpdate } from '../../genki/federation/compression/update-codec.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { Random } from '../../genki/protocol/random.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import type { Arm } from './arms.ts';
import { hotkeyOf, MINERS, runWindows, Sender, type Told } from './federation.ts';
import { assigned, localUpdate } from './miner.ts';
import type { Stage } from './stage.ts';

const delta = RUBY_WINDOWS.delta!;
const { scoring, norm } = delta;
const MEAN = { rule: { kind: 'mean' } } as const;

/** As the competition runs, with the pages that it assigns. */
const ARM: Arm = { name: 'lazy', music: 'pages', codec: delta.codec, outer: delta.outer, rule: delta.aggregation.rule };
/** What those who do not do their work hand in instead; of these the model takes nothing, each window of it goes beside the honest ones. */
export const LAZY = ['two steps of ten', 'other pages', 'last update again', 'mixture of the last', 'sign flipped'] as const;

type Lazy = (typeof LAZY)[number];

/** Every peer's scores by window, honest ones first. */
export async function scoreLazy(stage: Stage, { windows, seed, note }: { windows: number; seed: string; note: (line: string) => void }): Promise<ScoredWindow[]> {
  const history: ScoredWindow[] = [];
  const senders = new Map(LAZY.map((lazy) => [lazy, new Sender(stage, ARM)]));
  let last: Told | undefined;
  const onWindow = async (told: Told): Promise<void> => {
    const before = last;
    last = told;
    if (before === undefined) return await warmUp(stage, { senders, told, seed });
    const updates = new Map<string, Float32Array>(told.sent.map(({ update }, miner) => [hotkeyOf(miner, seed), update]));
    for (const lazy of LAZY) updates.set(lazy, await instead(stage, lazy, { sender: senders.get(lazy)!, told, before, seed }));
    const scores = await judge(stage, { told, updates, seed });
    history.push({ window: told.window, scores });
    note(`window ${told.window}: ${scores.map(({ hotkey, gap }) => `${hotkey} ${errorsOf(gap!).toFixed(1)}`).join(', ')}`);
  };
  await runWindows(stage, { arm: ARM, windows, seed, onWindow });
  return history;
}

async function judge(stage: Stage, { told, updates, seed }: { told: Told; updates: ReadonlyMap<string, Float32Array>; seed: string }): Promise<ScoredWindow['scores']> {
  const peers = [...updates].map(([hotkey, update]): Peer => ({ hotkey, update: async () => update, own: measured(hotkey, told.window, seed) }));
  const holdout = heldOut({ clips: Object.fromEntries(delta.pages!.styles.map((style) => [style, scoring.perStyle])), seed: `${seed}/${told.window}` });
  const scores = await judgeWindow({ ...stage, weights: told.weights }, { peers, holdout, norm, goOn: async () => true });
  return scores!.map((score) => ({ ...score, registeredAt: 0 }));
}

/** Some of the clips of the pages that it should have trained on. */
const measured = (hotkey: string, window: number, seed: string): Clip[] => new Random(`${seed}/own/${hotkey}`).shuffle(assigned(hotkey, window)).slice(0, scoring.own);

type Instead = { readonly sender: Sender; readonly told: Told; readonly before: Told; readonly seed: string };

async function instead(stage: Stage, lazy: Lazy, { sender, told, before, seed }: Instead): Promise<Float32Array> {
  const { window, weights } = told;
  const work = { seed: `${seed}/${lazy}/${window}` };
  const send = (update: Float32Array): Float32Array => sender.send(update, { miner: 0, window, seed }).update;
  const mixed = (of: Told): Float32Array => aggregate(MEAN, of.sent.map(({ update }) => update));
  switch (lazy) {
    case 'two steps of ten':
      return send(await localUpdate(stage, weights, { ...work, clips: assigned(lazy, window), steps: 2 }));
    case 'other pages':
      return send(await localUpdate(stage, weights, { ...work, clips: assigned('somebody else', window) }));
    case 'last update again':
      return before.sent[0]!.update;
    case 'mixture of the last':
      return encodeUpdate(delta.codec, mixed(before)).sent;
    case 'sign flipped':
      return encodeUpdate(delta.codec, mixed(told).map((value) => -value)).sent;
  }
}

/** The lazy ones that train begin with the others, so that what they leave out has as long to come in. */
async function warmUp(stage: Stage, { senders, told, seed }: { senders: ReadonlyMap<Lazy, Sender>; told: Told; seed: string }): Promise<void> {
  for (const lazy of ['two steps of ten', 'other pages'] as const) await instead(stage, lazy, { sender: senders.get(lazy)!, told, before: told, seed });
}

/** What the windows show of each kind of peer: mean and spread of the gap in standard errors, and the verdict of them all. */
export function lazyTable(history: readonly ScoredWindow[]): string[] {
  const records = new Map(windowScores(history).map((record) => [record.hotkey, record]));
  const rows = [...records].map(([hotkey, { agreement, verdict }]) => {
    const scores = history.map(({ scores: those }) => those.find((one) => one.hotkey === hotkey)!);
    const gaps = scores.map(({ gap }) => errorsOf(gap!));
    const holdout = scores.map((one) => one.holdout!.gain);
    return [hotkey, agreement.toFixed(4), mean(holdout).toFixed(4), mean(scores.map(({ gap }) => gap!.gain)).toFixed(4), `${mean(gaps).toFixed(2)} ± ${spread(gaps).toFixed(2)}`, verdict];
  });
  return [['peer', 'cosine', 'holdout gain', 'gap', 'gap / s.e.', 'verdict'], ...rows].map((cells) => cells.map((cell, i) => cell.padEnd([24, 9, 14, 10, 16, 10][i]!)).join('').trimEnd());
}

/** How many peers got the verdict they should. */
export function asExpected(history: readonly ScoredWindow[]): { readonly held: number; readonly of: number } {
  const records = windowScores(history);
  const expected = (hotkey: string): string => (hotkey === 'sign flipped' ? 'harmful' : (LAZY as readonly string[]).includes(hotkey) ? 'lazy' : 'sound');
  return { held: records.filter(({ hotkey, verdict }) => verdict === expected(hotkey)).length, of: MINERS + LAZY.length };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]): number => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
