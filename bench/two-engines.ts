import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { heldOut } from '../genki/data/held-out.ts';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import type { Engine } from '../genki/engine/engine.ts';
import { accept, type Acceptance } from '../genki/evaluation/acceptance.ts';
import { junk } from '../genki/attacks/junk.ts';
import { noisyCopy } from '../genki/attacks/noisy-copy.ts';
import type { Losses } from '../genki/evaluation/held-out.ts';
import { Judge } from '../genki/evaluation/judge.ts';
import { gramMatrix } from '../genki/evaluation/similarity.ts';
import { UNDECIDED } from '../genki/evaluation/verdict.ts';
import { adapterDelta } from '../genki/federation/merge.ts';
import { readMusicConfig } from '../genki/music/config.ts';
import { Scorer } from '../genki/music/scorer.ts';
import { heldOutClips, type Competition } from '../genki/protocol/competition.ts';
import { Random } from '../genki/protocol/random.ts';
import { RUBY } from '../genki/protocol/ruby.ts';
import { decodeSafetensors } from '../genki/protocol/safetensors.ts';
import { trainHonest, type Actor, type Stage } from './federation/cast.ts';
import { figureOf, type Figure } from './figure.ts';

export type Options = {
  /** Hold-outs, each with an order and a cast of its own. */
  readonly seeds?: number;
  /** Steps that the miners train for; default: the competition's. */
  readonly steps?: number;
  readonly note?: (line: string) => void;
  readonly dama?: string;
  readonly cacheDir?: string;
};

/** What engines are said to agree to, in nats a code. */
export const LOSS_WITHIN = 1e-4;
const OTHER = 'tfjs-wasm';
/** Few clips: their verdicts are close, and what one engine rounds otherwise has the most to say. As many as one run takes. */
const PART = { perPrivateStyle: 2, perBaseStyle: 2 };
const STYLES = { base: ['town'], private: ['dungeon', 'swing', 'march'] };
/** Of an update mixed with noise: its cosine with the update is .41, so it adds a little, or nothing. */
const NOISE = 1.2;

/**
 * Whether onnx and TensorFlow.js on wasm come to the same: losses clip by clip of every merge that both look at, and the
 * verdicts of acceptance on small hold-outs.
 */
export async function twoEngines({ seeds = 20, steps = RUBY.training.hyper.steps, note = () => undefined, dama = join('dama', 'ruby-nano'), cacheDir = join('.genki', 'bench', 'adapters') }: Options = {}): Promise<Figure[]> {
  const engines = [await chooseEngine({ prefer: 'onnx', threads: cpus().length }), await chooseEngine({ prefer: OTHER, threads: 1 })];
  try {
    const music = readMusicConfig(JSON.parse(await readFile(join(dama, 'config.json'), 'utf8')));
    const base = decodeSafetensors(await readFile(join(dama, 'model.safetensors'))).tensors;
    const stage: Stage = { engine: engines[0]!, music, base, competition: withSteps(steps), cacheDir, onTrained: (name) => note(`trained ${name}`) };
    const honest = await trainHonest(stage, 'two-engines');
    const rounds: Agreement[] = [];
    for (let seed = 0; seed < seeds; seed++) {
      const cast = castOf(honest, `${seed}`);
      const [ours, theirs] = [await acceptWith(engines[0]!, stage, { cast, seed: `${seed}` }), await acceptWith(engines[1]!, stage, { cast, seed: `${seed}` })];
      const round = agreementOf(ours, theirs);
      rounds.push(round);
      note(`seed ${seed}: ${round.losses} losses within ${round.loss.toExponential(1)}, margins within ${round.margin.toExponential(1)}; ${round.differing.length === 0 ? 'the same verdicts' : round.differing.map(({ index, margin }) => `${cast[index]!.name} differs, margin ${margin.toFixed(4)}`).join(', ')}`);
    }
    return figuresOf(rounds);
  } finally {
    for (const engine of engines) await engine.dispose();
  }
}

const withSteps = (steps: number): Competition => ({ ...RUBY, styles: { ...RUBY.styles, ...STYLES }, training: { ...RUBY.training, hyper: { ...RUBY.training.hyper, steps, warmup: Math.min(RUBY.training.hyper.warmup, steps) } }, holdOut: { ...RUBY.holdOut, A: PART } });

/** The honest, one of them under noise, and junk, in an order of their own. */
function castOf(honest: readonly Actor[], seed: string): Actor[] {
  const random = new Random(`two-engines/${seed}`);
  const [some, other] = random.shuffle(honest) as [Actor, Actor];
  return random.shuffle([
    ...honest,
    { name: `noisy ${some.name}`, adapter: noisyCopy(some.adapter, random, NOISE), expected: 'not-accepted' },
    { name: `junk of ${other.name}`, adapter: junk(other.adapter, random), expected: 'not-accepted' },
  ]);
}

type Seen = { readonly acceptance: Acceptance; /** by merge, clip by clip */ readonly losses: ReadonlyMap<string, Losses> };

async function acceptWith(engine: Engine, { music, base, competition }: Stage, { cast, seed }: { cast: readonly Actor[]; seed: string }): Promise<Seen> {
  const { styles, scales, thresholds } = competition;
  const clips = heldOut({ clips: heldOutClips(competition, 'A'), seed: `two-engines/${seed}` });
  const holdOut = { styles: clips.map(({ style }) => style), floors: Object.fromEntries(styles.private.map((style) => [style, styles.floors[style]!])), guards: styles.base };
  const deltas = cast.map(({ adapter }) => adapterDelta(adapter));
  const scorer = await Scorer.create(engine, music);
  try {
    const judge = new Judge({ scorer, base, candidates: deltas.map((delta) => ({ delta: async () => delta, factor: 1 })), clips });
    const losses = new Map<string, Losses>();
    const evaluate: Parameters<typeof accept>[0]['evaluate'] = async (terms) => {
      const found = await judge.lossesOf(terms);
      losses.set(JSON.stringify(terms), found);
      return found;
    };
    const acceptance = await accept({ candidates: [...cast.keys()], gram: gramMatrix(cast.map(({ adapter }) => adapter)), evaluate, holdOut, scales, thresholds });
    return { acceptance, losses };
  } finally {
    await scorer.dispose();
  }
}

type Agreement = {
  /** Losses that both engines have measured. */
  readonly losses: number;
  /** Largest difference of two of them, nats a code. */
  readonly loss: number;
  /** Largest difference of two margins, where all verdicts are the same. */
  readonly margin: number;
  readonly verdicts: number;
  /** Each with the margin that is farther from 0. */
  readonly differing: readonly { readonly index: number; readonly margin: number }[];
};

function agreementOf(ours: Seen, theirs: Seen): Agreement {
  const pairs = [...ours.losses].flatMap(([merge, losses]) => losses.map((loss, i) => [loss, theirs.losses.get(merge)?.[i]] as const)).filter((pair): pair is [number, number] => pair[1] !== undefined);
  const verdicts = ours.acceptance.verdicts.map((one, i) => ({ one, other: theirs.acceptance.verdicts[i]! }));
  const differing = verdicts.filter(({ one, other }) => one.accepted !== other.accepted).map(({ one, other }) => ({ index: one.index, margin: Math.max(Math.abs(one.margin ?? Infinity), Math.abs(other.margin ?? Infinity)) }));
  const margins = differing.length > 0 ? [] : verdicts.flatMap(({ one, other }) => (one.margin === null || other.margin === null ? [] : [Math.abs(one.margin - other.margin)]));
  return { losses: pairs.length, loss: largest(pairs.map(([a, b]) => Math.abs(a - b))), margin: largest(margins), verdicts: verdicts.length, differing };
}

function figuresOf(rounds: readonly Agreement[]): Figure[] {
  const figure = (name: string, unit: string, ours: number, claim: number): Figure => figureOf({ name: `two-engines/${name}`, unit, ours, peer: claim, peerName: 'claim' });
  const all = rounds.reduce((sum, { verdicts }) => sum + verdicts, 0);
  const clear = rounds.flatMap(({ differing }) => differing).filter(({ margin }) => margin > UNDECIDED).length;
  return [
    figure('largest-loss-difference', 'nats a code', largest(rounds.map(({ loss }) => loss)), LOSS_WITHIN),
    figure('largest-margin-difference', 'of what can be learned', largest(rounds.map(({ margin }) => margin)), UNDECIDED),
    figure('verdicts-agree-outside-the-undecided-band', 'share of verdicts', 1 - clear / all, 1),
    figure('verdicts-agree', 'share of verdicts', 1 - rounds.reduce((sum, { differing }) => sum + differing.length, 0) / all, 1),
  ];
}

const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);
