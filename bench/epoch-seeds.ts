import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import type { RoundReport } from '../genki/evaluation/round-report.ts';
import { readMusicConfig } from '../genki/music/config.ts';
import { Scorer } from '../genki/music/scorer.ts';
import { Random } from '../genki/protocol/random.ts';
import { RUBY } from '../genki/protocol/ruby.ts';
import { decodeSafetensors } from '../genki/protocol/safetensors.ts';
import { figureOf, type Figure } from './figure.ts';
import { copiers, suspects, trainHonest, type Actor, type Stage } from './federation/cast.ts';
import { asExpected, evaluate } from './federation/evaluation.ts';

export type Options = {
  /** Evaluations, each on hold-outs of its own. */
  readonly seeds?: number;
  /** How often the miners train anew, on other shards. */
  readonly trainings?: number;
  /** Says what is going on. */
  readonly note?: (line: string) => void;
  readonly dama?: string;
  readonly cacheDir?: string;
};

/** A verdict's record over all seeds. */
type Tally = { held: number; of: number; gains: number[] };

/**
 * How often each verdict holds: the honest miners, a byte copier, a noisy copier, junk, and in turn one that is harder
 * to tell from honest, in an order of their own for each seed, as a validator evaluates them.
 */
export async function run({ seeds = 20, trainings = 2, note = () => undefined, dama = join('dama', 'ruby-nano'), cacheDir = join('.genki', 'bench', 'adapters') }: Options = {}): Promise<Figure[]> {
  const engine = await chooseEngine({ threads: cpus().length });
  try {
    const music = readMusicConfig(JSON.parse(await readFile(join(dama, 'config.json'), 'utf8')));
    const base = decodeSafetensors(await readFile(join(dama, 'model.safetensors'))).tensors;
    const stage: Stage = { engine, music, base, competition: RUBY, cacheDir, onTrained: (name) => note(`trained ${name}`) };
    const casts: { honest: Actor[]; copiers: Actor[]; suspects: Actor[] }[] = [];
    for (let training = 0; training < trainings; training++) {
      const honest = await trainHonest(stage, `${training}`);
      casts.push({ honest, copiers: copiers(honest, `${training}`), suspects: await suspects(stage, honest, `${training}`) });
    }
    const scorer = await Scorer.create(engine, music);
    const tallies = new Map<string, Tally>();
    const rounds: Outcome[] = [];
    for (let seed = 0; seed < seeds; seed++) {
      const { honest, copiers: copies, suspects: others } = casts[seed % trainings]!;
      const cast = inCommitOrder([...honest, ...copies, others[Math.floor(seed / trainings) % others.length]!], new Random(`order/${seed}`));
      const report = await evaluate(stage, scorer, { cast, seed: `epoch-seeds/${seed}` });
      rounds.push(outcomeOf(report, cast));
      for (const actor of cast) count(tallies, actor, report);
      note(`seed ${seed}: ${describe(report, cast)}`);
    }
    await scorer.dispose();
    for (const line of table(tallies)) note(line);
    return figures(tallies, rounds);
  } finally {
    await engine.dispose();
  }
}

/** In random order, but nobody before whom it copies. */
function inCommitOrder(cast: readonly Actor[], random: Random): Actor[] {
  const order = random.shuffle(cast.filter(({ after }) => after === undefined));
  for (const actor of cast.filter(({ after }) => after !== undefined)) {
    const victim = order.findIndex(({ name }) => name === actor.after);
    order.splice(victim + 1 + random.int(order.length - victim), 0, actor);
  }
  return order;
}

type Outcome = { readonly allHold: boolean; readonly loss: { before: number; after: number }; readonly beatsSingles: boolean; readonly guard: number; readonly scale: number; readonly evaluations: number; readonly published: boolean };

function outcomeOf({ miners, dama, acceptance, coalitions }: RoundReport, cast: readonly Actor[]): Outcome {
  const { before, merged } = dama;
  const after = merged ?? before;
  const bestSingle = Math.max(...miners.map(({ gain }) => gain?.relative ?? 0));
  return {
    allHold: cast.every((actor) => asExpected(miners.find(({ hotkey }) => hotkey === actor.name)!, actor)),
    loss: { before: before.mixture ?? NaN, after: after.mixture ?? NaN },
    beatsSingles: (coalitions.kind === 'exact' ? (coalitions.values.at(-1) ?? 0) : Math.max(...coalitions.measured.map(({ value }) => value))) > bestSingle,
    guard: Math.max(...RUBY.styles.base.map((style) => after.byStyle[style]! - before.byStyle[style]!)),
    scale: acceptance.scale,
    evaluations: acceptance.evaluations,
    published: dama.published,
  };
}

function count(tallies: Map<string, Tally>, actor: Actor, { miners }: RoundReport): void {
  const line = miners.find(({ hotkey }) => hotkey === actor.name)!;
  const tally = tallies.get(actor.name) ?? { held: 0, of: 0, gains: [] };
  tally.of++;
  if (asExpected(line, actor)) tally.held++;
  if (line.gain) tally.gains.push(line.gain.natsPerCode);
  tallies.set(actor.name, tally);
}

function describe(report: RoundReport, cast: readonly Actor[]): string {
  const { loss, guard, scale, evaluations } = outcomeOf(report, cast);
  const wrong = cast.flatMap((actor) => {
    const line = report.miners.find(({ hotkey }) => hotkey === actor.name)!;
    return asExpected(line, actor) ? [] : [`${actor.name} ${line.verdict}, ${line.reason}`];
  });
  return `${loss.before.toFixed(3)} -> ${loss.after.toFixed(3)} nats a code, forgets ${guard.toFixed(3)}, scale ${scale}, ${evaluations} evaluations; ${wrong.length === 0 ? 'all verdicts hold' : wrong.join('; ')}`;
}

/** What the project claims. */
const CLAIM = { verdicts: 1, lower: 0.3, forgets: RUBY.thresholds.guardNats };

function table(tallies: ReadonlyMap<string, Tally>): string[] {
  const rows = [...tallies].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { held, of, gains }]) => `${name.padEnd(16)}${`${held} of ${of}`.padEnd(12)}${mean(gains).toFixed(3)} (${Math.min(...gains).toFixed(3)} to ${Math.max(...gains).toFixed(3)})`);
  return [`${'miner'.padEnd(16)}${'holds'.padEnd(12)}gain alone, nats a code`, ...rows];
}

function figures(tallies: ReadonlyMap<string, Tally>, rounds: readonly Outcome[]): Figure[] {
  const share = (holds: (round: Outcome) => boolean): number => rounds.filter(holds).length / rounds.length;
  const lower = rounds.map(({ loss }) => 1 - loss.after / loss.before);
  const figure = (name: string, unit: string, ours: number, claim: number): Figure => figureOf({ name: `epoch-seeds/${name}`, unit, ours, peer: claim, peerName: 'claim' });
  return [
    figure('all-verdicts-hold', 'share of seeds', share(({ allHold }) => allHold), CLAIM.verdicts),
    figure('merged-below-every-single-miner', 'share of seeds', share(({ beatsSingles }) => beatsSingles), CLAIM.verdicts),
    figure('stands-for-the-merged-dama', 'share of seeds', share(({ published }) => published), CLAIM.verdicts),
    figure('loss-lower-by-at-least', "share of the base's", Math.min(...lower), CLAIM.lower),
    figure('loss-lower-by-mean', "share of the base's", mean(lower), CLAIM.lower),
    figure('base-style-forgets-at-most', 'nats a code', Math.max(...rounds.map(({ guard }) => guard)), CLAIM.forgets),
    ...[...tallies].map(([name, { held, of }]) => figure(`holds/${name}`, 'share of seeds', held / of, CLAIM.verdicts)),
  ];
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
