import { cpus } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { NanoEmbedder } from '../genki/evaluation/clap/nano/nano-embedder.ts';
import { NanoTrainer } from '../genki/evaluation/clap/nano/trainer.ts';
import { initialNanoWeights } from '../genki/evaluation/clap/nano/weights.ts';
import { selfTest } from '../genki/evaluation/clap/self-test.ts';
import type { Engine } from '../genki/engine/engine.ts';
import { createOnnxEngine } from '../genki/engine/onnx/onnx-engine.ts';
import { size } from '../genki/music/weights.ts';
import { Random } from '../genki/protocol/random.ts';
import { contentDigest, encodeSafetensors, type TensorMap } from '../genki/protocol/safetensors.ts';
import { round4 } from './base-training/recipe.ts';
import { writeWhole } from './base-training/work-folder.ts';
import { batchAt } from './clap-training/batches.ts';
import { composeCorpus } from './clap-training/corpus.ts';
import { HELD_OUT, measure, type NanoMeasurement } from './clap-training/measure.ts';
import { clapCard } from './clap-training/model-card.ts';
import { BATCH, CONFIG, CORPUS, hyperOf, LICENCE, NAME, SEEDS } from './clap-training/recipe.ts';
import type { ClapRecord } from './clap-training/training-record.ts';

/** Trains the shipped embedder from nothing; the same steps give the same files on the same machine. */

const CURVE_STEPS = 25;

const { out, steps } = new Command('train:clap')
  .description(`Train ${NAME} from nothing, measure it on fresh music, and write its card.`)
  .option('--out <folder>', 'where the finished embedder goes', join('dama', NAME))
  .option('--steps <count>', 'steps of training', wholeNumber, 1500)
  .parse()
  .opts<{ out: string; steps: number }>();

const engine = await createOnnxEngine({ threads: cpus().length });
try {
  const { weights, losses } = await train(engine);
  const embedder = await NanoEmbedder.create(engine, CONFIG, weights);
  await selfTest(embedder);
  console.error('measuring on fresh music');
  const record = recordOf(weights, losses, await measure(embedder));
  await writeWhole(join(out, 'config.json'), `${JSON.stringify(CONFIG, null, 2)}\n`);
  await writeWhole(join(out, 'training.json'), `${JSON.stringify(record, null, 2)}\n`);
  await writeWhole(join(out, 'README.md'), clapCard(record));
  await writeWhole(join(out, 'model.safetensors'), encodeSafetensors(weights, { format: 'pt' }));
  console.error(`${NAME} lies in ${out}`);
  console.log(record.digest);
} finally {
  await engine.dispose();
}

async function train(on: Engine): Promise<{ weights: TensorMap; losses: number[] }> {
  const corpus = composeCorpus((done, all) => progress(`clip ${done} of ${all}`, done === all, done % 200 === 0));
  const trainer = await NanoTrainer.create(on, CONFIG, { weights: initialNanoWeights(CONFIG, new Random(SEEDS.weights)), hyper: hyperOf(steps) });
  try {
    const losses: number[] = [];
    for (let step = 1; step <= steps; step++) {
      losses.push(await trainer.step(batchAt(corpus, step)));
      progress(`step ${step} of ${steps} · loss ${losses.at(-1)!.toFixed(3)}`, step === steps, step % 100 === 0);
    }
    return { weights: trainer.weights(), losses };
  } finally {
    await trainer.dispose();
  }
}

function recordOf(weights: TensorMap, losses: readonly number[], measured: NanoMeasurement): ClapRecord {
  return {
    name: NAME,
    licence: LICENCE,
    parameters: [...weights.values()].reduce((count, { shape }) => count + size(shape), 0),
    digest: contentDigest(weights),
    data: CORPUS,
    batch: BATCH,
    seeds: SEEDS,
    hyper: hyperOf(steps),
    engine: engine.build,
    lossCurve: curveOf(losses),
    heldOut: HELD_OUT,
    measured: rounded(measured),
  };
}

function rounded(measured: NanoMeasurement): NanoMeasurement {
  return JSON.parse(JSON.stringify(measured, (_, value: unknown) => (typeof value === 'number' ? round4(value) : value))) as NanoMeasurement;
}

function curveOf(losses: readonly number[]): [number, number][] {
  return Array.from({ length: Math.ceil(losses.length / CURVE_STEPS) }, (_, i) => {
    const part = losses.slice(i * CURVE_STEPS, (i + 1) * CURVE_STEPS);
    return [i * CURVE_STEPS + part.length, round4(part.reduce((sum, loss) => sum + loss, 0) / part.length)];
  });
}

/** A line that is rewritten on a terminal; elsewhere a line now and then. */
function progress(line: string, last: boolean, isDue: boolean): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}${last ? '\n' : ''}`);
  else if (last || isDue) process.stderr.write(`${line}\n`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
