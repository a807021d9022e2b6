import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { type Distances, frechetDistances } from '../genki/evaluation/frechet-distances.ts';
import { fitGaussian } from '../genki/evaluation/gaussian.ts';
import { Random } from '../genki/protocol/random.ts';
import { encodeSafetensors } from '../genki/protocol/safetensors.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { median, timed } from './in-turns.ts';

const SCRIPT = fileURLToPath(new URL('scipy/fad-peer.py', import.meta.url));
/** A round: so many miners, the clips of each, and the width of a LAION-CLAP embedding. */
const [MINERS, CLIPS, DIMENSIONS] = [64, 100, 512];
const PAIRS = (MINERS * (MINERS - 1)) / 2;
/** Pairs that the peer measures, its median standing for all. */
const SAMPLE = 24;
/** As many as ours. OpenBLAS with two takes 5 to 20 times as long here, since its threads wait for each other by spinning. */
const ONE_THREAD = { OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
/** Relative: the root of a singular product, which 100 clips in 512 dimensions have, loses half of its digits. */
const SAME_DISTANCE = 1e-6;

const Answer = z.union([
  z.strictObject({ scipy: z.string(), distances: z.array(z.number()).length(SAMPLE), seconds: z.array(z.number()).length(SAMPLE) }),
  z.strictObject({ missing: z.string() }),
]);

/**
 * The Fréchet distances of all pairs of a round, fits included, beside SciPy's `sqrtm`, fits not counted; one thread each.
 * @throws {Error} when the two find other distances
 */
export async function fad({ folder, python, note }: Context): Promise<Figure[]> {
  const heard = Array.from({ length: MINERS }, (_, miner) => windowsOf(miner));
  let distances: Distances = [];
  const measure = (): Promise<number[]> => timed(1, async () => void (distances = frechetDistances(heard.map((windows) => fitGaussian(windows)))));
  const before = await measure();
  const random = new Random('bench/pairs');
  const pairs = random.shuffle(distances.flatMap((_, j) => Array.from({ length: j }, (__, i): [number, number] => [i, j]))).slice(0, SAMPLE);
  const answer = await askSciPy(python, await written(join(folder, 'embeddings.safetensors'), heard), pairs);
  const ours = median([...before, ...(await measure())]) / 1000;
  if ('missing' in answer) {
    note(`No SciPy to compare with (${answer.missing}). Install it with "pip install scipy"; GENKI_PYTHON names another Python than ${python}.`);
    return [figureOf({ name: 'fad', unit: 's', ours, peer: null, peerName: 'SciPy' })];
  }
  const differences = pairs.map(([i, j], k) => Math.abs(answer.distances[k]! / distances[i]![j]! - 1));
  note(`fad: the largest relative difference of ${SAMPLE} pairs is ${Math.max(...differences).toExponential(1)}`);
  const differs = differences.findIndex((difference) => !(difference <= SAME_DISTANCE));
  if (differs !== -1) throw new Error(`fad: expected SciPy at distance ${distances[pairs[differs]![0]]![pairs[differs]![1]]}, got ${answer.distances[differs]}`);
  return [figureOf({ name: 'fad', unit: 's', ours, peer: median(answer.seconds) * PAIRS, peerName: `SciPy ${answer.scipy} sqrtm, 1 thread, ${SAMPLE} of ${PAIRS} pairs scaled up` })];
}

/** Of one miner: its own mean and its own main direction, in a space whose dimensions vary less and less. Shape [clips][d] */
function windowsOf(miner: number): Float32Array[] {
  const random = new Random(`bench/${miner}`);
  const [mean, direction] = [0, 1].map(() => Float32Array.from({ length: DIMENSIONS }, () => 0.2 * random.normal()));
  return Array.from({ length: CLIPS }, () => {
    const along = random.normal();
    return mean!.map((mu, k) => mu + along * direction![k]! + Math.exp((-2 * k) / DIMENSIONS) * random.normal());
  });
}

async function written(file: string, heard: readonly Float32Array[][]): Promise<string> {
  const data = new Float32Array(MINERS * CLIPS * DIMENSIONS);
  heard.flat().forEach((row, i) => data.set(row, i * DIMENSIONS));
  await writeFile(file, encodeSafetensors(new Map([['embeddings', { shape: [MINERS, CLIPS, DIMENSIONS], dtype: 'F32', data }]])));
  return file;
}

async function askSciPy(python: string, file: string, pairs: readonly (readonly [number, number])[]): Promise<z.infer<typeof Answer>> {
  try {
    const { stdout } = await promisify(execFile)(python, [SCRIPT, file, JSON.stringify(pairs)], { env: { ...process.env, ...ONE_THREAD } });
    return Answer.parse(JSON.parse(stdout));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { missing: error.message };
    throw error;
  }
}
