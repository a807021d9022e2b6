import { execFile } from 'node:child_process';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { LaionNetwork, WINDOW } from '../genki/evaluation/clap/laion-network.ts';
import { Random } from '../genki/protocol/random.ts';
import { encodeSafetensors } from '../genki/protocol/safetensors.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { median, timed } from './in-turns.ts';
import { THREADS } from './workload.ts';

const SCRIPT = fileURLToPath(new URL('pytorch/clap-peer.py', import.meta.url));
/** Has the files that say nothing of the audio network's size. */
const TINY = fileURLToPath(new URL('../test/goldens/clap', import.meta.url));
const TIMES = 8;
/** Of the largest number of the embedding: as close as float32 sums in another order come through twelve layers. */
const SAME = 1e-4;
/** Every so many frames are compared, in dB. */
const STRIDE = 25;
const SAME_DB = 1e-3;

const Missing = z.strictObject({ missing: z.string() });
const Exported = z.union([Missing, z.strictObject({ parameters: z.int() })]);
const Times = z.array(z.number()).length(TIMES);
const Answer = z.union([Missing, z.strictObject({ torch: z.string(), ms: Times, features_ms: Times, network_ms: Times, features: z.array(z.number()), embedding: z.array(z.number()) })]);
type Heard = Exclude<z.infer<typeof Answer>, z.infer<typeof Missing>>;

/** Milliseconds for ten seconds of sound: in all, of its features, of the network. */
type Took = { readonly ms: number[]; readonly features: number[]; readonly network: number[] };

/**
 * Ten seconds of sound through a LAION-CLAP of full size, random weights, beside PyTorch: in all, and its two parts. Ours is
 * measured before and after the peer. There is nothing to measure without PyTorch, which makes the network.
 * @throws {Error} when the two hear another thing
 */
export async function clap({ folder, python, note }: Context): Promise<Figure[]> {
  const exported = await ask(python, ['export', folder], Exported);
  if ('missing' in exported) {
    note(`No PyTorch with transformers (${exported.missing}) to make the network. Install them with "pip install torch 'transformers<5'"; GENKI_PYTHON names another Python than ${python}.`);
    return [];
  }
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'onnx/text_model.onnx']) await cp(join(TINY, file), join(folder, file));
  const wave = sound();
  const network = await LaionNetwork.open(folder, THREADS);
  try {
    const features = await network.features(wave);
    const embedding = await network.soundEmbedding(features);
    const before = await measure(network, wave);
    const peer = await ask(python, ['hear', await written(join(folder, 'wave.safetensors'), wave), `${THREADS}`, `${TIMES}`], Answer);
    if ('missing' in peer) throw new Error(`clap: expected PyTorch as before, got ${peer.missing}`);
    note(`clap: ${(exported.parameters / 1e6).toFixed(1)} M parameters; ${differences(peer, features, embedding)}`);
    const after = await measure(network, wave);
    const figure = (name: string, times: keyof Took, peers: readonly number[]): Figure =>
      figureOf({ name, unit: 'ms', ours: median([...before[times], ...after[times]]), peer: median(peers), peerName: `PyTorch ${peer.torch}, ${THREADS} threads` });
    return [figure('clap', 'ms', peer.ms), figure('clap-features', 'features', peer.features_ms), figure('clap-network', 'network', peer.network_ms)];
  } finally {
    await network.dispose();
  }
}

async function measure(network: LaionNetwork, wave: Float32Array): Promise<Took> {
  const prepared = await network.features(wave);
  return {
    ms: await timed(TIMES, async () => network.soundEmbedding(await network.features(wave))),
    features: await timed(TIMES, () => network.features(wave)),
    network: await timed(TIMES, () => network.soundEmbedding(prepared)),
  };
}

/** What is said of the largest ones. */
function differences(peer: Heard, features: Float32Array, embedding: Float32Array): string {
  const bands = 64;
  const inDb = peer.features.map((dB, i) => Math.abs(dB - features[STRIDE * bands * Math.floor(i / bands) + (i % bands)]!));
  const largest = Math.max(...peer.embedding.map(Math.abs));
  const relative = peer.embedding.map((x, d) => Math.abs(x - embedding[d]!) / largest);
  const [worstDb, worst] = [Math.max(...inDb), Math.max(...relative)];
  if (!(worstDb <= SAME_DB && worst <= SAME && embedding.length === peer.embedding.length)) throw new Error(`clap: expected PyTorch to hear the same, got ${worstDb} dB and ${worst} apart`);
  return `the largest difference of the features is ${worstDb.toExponential(1)} dB, of the embedding ${worst.toExponential(1)} of its largest number`;
}

/** Ten seconds of noise that a tone rises through. */
function sound(): Float32Array {
  const random = new Random('bench/clap');
  return Float32Array.from({ length: WINDOW }, (_, n) => 0.4 * Math.sin(2e-8 * Math.PI * n * n) + 0.05 * random.normal());
}

async function written(file: string, wave: Float32Array): Promise<string> {
  await writeFile(file, encodeSafetensors(new Map([['wave', { shape: [WINDOW], dtype: 'F32', data: wave }]])));
  return file;
}

async function ask<T>(python: string, request: readonly string[], answer: z.ZodType<T>): Promise<T | z.infer<typeof Missing>> {
  try {
    const { stdout } = await promisify(execFile)(python, [SCRIPT, ...request], { maxBuffer: 2 ** 24 });
    return answer.parse(JSON.parse(stdout));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { missing: error.message };
    throw error;
  }
}
