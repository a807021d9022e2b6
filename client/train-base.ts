import { cpus } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { composeDataset, manifestOf } from '../genki/data/dataset.ts';
import { createOnnxEngine } from '../genki/engine/onnx/onnx-engine.ts';
import { initialWeights, size } from '../genki/music/weights.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { Random } from '../genki/protocol/random.ts';
import { contentDigest, encodeSafetensors, type TensorMap } from '../genki/protocol/safetensors.ts';
import { lossCurve } from './base-training/loss-curve.ts';
import { modelCard } from './base-training/model-card.ts';
import { CORPUS, floors, HELD_OUT, hyperOf, MUSIC, NAME, round4, SEEDS } from './base-training/recipe.ts';
import { trainBase, type Report } from './base-training/train.ts';
import type { TrainingRecord } from './base-training/training-record.ts';
import { type Progress, WorkFolder, writeWhole } from './base-training/work-folder.ts';

/** Trains the shipped Dama from nothing; the same steps give the same files on the same engine. */

const CURVE_STEPS = 25;
const INTERRUPTED = 130;

const { out, steps, work } = new Command('train:base')
  .description(`Train ${NAME} from nothing. Interrupted, it goes on from its last checkpoint, and ends with the same bytes.`)
  .option('--out <folder>', 'where the finished Dama goes', join('dama', NAME))
  .option('--steps <count>', 'steps of training', wholeNumber, 3000)
  .option('--work <folder>', 'where checkpoints are kept', join('.genki', 'train-base'))
  .parse()
  .opts<{ out: string; steps: number; work: string }>();

let stop = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stop = true));

const engine = await createOnnxEngine({ threads: cpus().length });
const dataset = composeDataset(CORPUS);
const start = initialWeights(MUSIC, new Random(SEEDS.weights));
try {
  const done = await trainBase({ engine, dataset, start, steps, work: new WorkFolder(join(work, runName())), report: reporter(), stopped: () => stop });
  if (done === undefined) {
    console.error('stopped; the same command goes on from here');
    process.exitCode = INTERRUPTED;
  } else {
    await writeDama(recordOf(done.weights, done.progress), done.weights);
    console.error(`${NAME} lies in ${out}`);
  }
} finally {
  await engine.dispose();
}

/** A run goes on only with what it began with: another corpus, start, recipe or engine is another run. */
function runName(): string {
  const begun = JSON.stringify([MUSIC, manifestOf(dataset), contentDigest(start), SEEDS, hyperOf(steps), engine.build]);
  return `${steps}-steps-${sha256Hex(new TextEncoder().encode(begun)).slice(0, 12)}`;
}

async function writeDama(record: TrainingRecord, weights: TensorMap): Promise<void> {
  await writeWhole(join(out, 'config.json'), `${JSON.stringify(MUSIC, null, 2)}\n`);
  await writeWhole(join(out, 'training.json'), `${JSON.stringify(record, null, 2)}\n`);
  await writeWhole(join(out, 'loss-curve.svg'), lossCurve(record));
  await writeWhole(join(out, 'README.md'), modelCard(record));
  await writeWhole(join(out, 'model.safetensors'), encodeSafetensors(weights, { format: 'pt' }));
}

function recordOf(weights: TensorMap, { losses, heldOut }: Progress): TrainingRecord {
  return {
    name: NAME,
    licence: CORPUS.licence,
    parameters: [...weights.values()].reduce((count, { shape }) => count + size(shape), 0),
    digest: contentDigest(weights),
    data: { ...manifestOf(dataset), styles: CORPUS.styles, clipsOfEachStyle: CORPUS.clips },
    seeds: SEEDS,
    hyper: hyperOf(steps),
    engine: engine.build,
    lossCurve: curveOf(losses),
    heldOut,
    heldOutClipsOfEachStyle: Math.max(...Object.values(HELD_OUT.clips)),
    floors: floors(),
  };
}

function curveOf(losses: readonly number[]): [number, number][] {
  return Array.from({ length: Math.ceil(losses.length / CURVE_STEPS) }, (_, i) => {
    const part = losses.slice(i * CURVE_STEPS, (i + 1) * CURVE_STEPS);
    return [i * CURVE_STEPS + part.length, round4(part.reduce((sum, loss) => sum + loss, 0) / part.length)];
  });
}

/** A line that is rewritten on a terminal; elsewhere a line every 100 steps. */
function reporter(): Report {
  let first: { step: number; at: number } | undefined;
  return ({ step, loss }) => {
    first ??= { step, at: Date.now() };
    if (!process.stderr.isTTY && step % 100 !== 0 && step !== steps) return;
    const ms = (Date.now() - first.at) / Math.max(1, step - first.step);
    const line = `step ${step} of ${steps} · loss ${loss.toFixed(3)} · ${ms.toFixed(0)} ms a step · ${((ms * (steps - step)) / 60_000).toFixed(1)} min left`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}${step === steps ? '\n' : ''}` : `${line}\n`);
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
