import { isDeepStrictEqual } from 'node:util';
import { composeDataset, decodeDataset, encodeDataset } from '../../../genki/data/dataset.ts';
import { BadSubmission, InvalidInput } from '../../../genki/errors.ts';
import type { Parameter } from '../../../genki/music/adamw.ts';
import { encodeCheckpoint, restoreCheckpoint } from '../../../genki/music/checkpoint.ts';
import { decodeAdapter, encodeAdapter, targetLinears, loraScale, updateNorm, type Adapter, type LoraConfig } from '../../../genki/music/lora.ts';
import type { LossCurve } from '../../../genki/music/loss-curve.ts';
import { initialWeights, pickWeights, weightSpecs } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors, type Dtype, type HostTensor, type TensorMap } from '../../../genki/protocol/safetensors.ts';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from '../../../genki/protocol/half-floats.ts';
import { concat } from '../mutate-bytes.ts';
import { mutateJson } from '../mutate-json.ts';
import { accepted, holds, type Target } from '../target.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';

const MiB = 2 ** 20;
const LIMITS = { maxTensors: 64, maxElements: 2 ** 16, maxHeaderBytes: 2 ** 20 };

/** Changes what the header says, or its length, or the bytes behind it. */
export function mutateSafetensors(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const [mine, theirs] = [parts(bytes), parts(other)];
  const text = random.chance(0.85) ? mutateJson(JSON.parse(mine.text), random, MiB / 2) : mine.text;
  const body = random.chance(0.2) ? theirs.body : random.chance(0.2) ? mine.body.subarray(0, random.int(mine.body.length + 1)) : mine.body;
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(random.chance(0.9) ? BigInt(header.length) : random.pick([0n, 1n, BigInt(header.length + 8), 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]));
  return concat(length, header, body);
}

function parts(bytes: Uint8Array): { text: string; body: Uint8Array } {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return { text: new TextDecoder().decode(bytes.subarray(8, 8 + length)), body: bytes.subarray(8 + length) };
}

function someTensors(seed: string): TensorMap {
  const random = new Random(seed);
  const dtypes: readonly Dtype[] = ['F32', 'I32', 'I64', 'F16', 'BF16', 'U16', 'U8'];
  return new Map(Array.from({ length: 1 + random.int(6) }, (_, i): [string, HostTensor] => {
    const dtype = random.pick(dtypes);
    const shape = Array.from({ length: random.int(4) }, () => random.int(4));
    const length = shape.reduce((a, b) => a * b, 1);
    const numbers = Array.from({ length }, () => random.int(200));
    const data = dtype === 'U8' ? Uint8Array.from(numbers) : dtype === 'U16' ? Uint16Array.from(numbers) : dtype === 'I32' || dtype === 'I64' ? Int32Array.from(numbers) : Float32Array.from(numbers);
    return [`${random.pick(['a', '__proto__', 'ü', '10'])}${i}`, { shape, dtype, data }];
  }));
}

const safetensors: Target = {
  name: 'safetensors',
  weight: 12,
  maxBytes: MiB,
  valid: [1, 2, 3, 4, 5, 6].map((seed) => encodeSafetensors(someTensors(`fuzz ${seed}`), seed % 2 === 0 ? { format: 'pt', 'a "key"': '\u0000' } : {})),
  mutate: mutateSafetensors,
  check: (bytes) => {
    const read = accepted([BadSubmission], () => decodeSafetensors(bytes, LIMITS));
    if (read === undefined) return 'refused';
    const elements = [...read.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    holds(elements <= LIMITS.maxElements && read.tensors.size <= LIMITS.maxTensors, 'no more tensors and elements than the limits');
    const again = decodeSafetensors(encodeSafetensors(read.tensors, read.metadata), LIMITS);
    holds(contentDigest(again.tensors) === contentDigest(read.tensors), 'the same content after writing it again');
    holds(isDeepStrictEqual(again.metadata, read.metadata), 'the same metadata after writing them again');
    holds(Object.getPrototypeOf(read.metadata) === Object.prototype, 'metadata with the usual prototype');
    return 'accepted';
  },
};

const TOY: MusicConfig = {
  decoder: { vocabSize: 8, hiddenSize: 4, numLayers: 1, numHeads: 2, ffnDim: 8, numCodebooks: 2, maxPositions: 16 },
  text: { kind: 'words', words: ['a', 'b'], hiddenSize: 4, maxWords: 2 },
  codec: { kind: 'apu', frameRate: 12, frames: 8 },
};
const LORA: LoraConfig = { rank: 2, alpha: 4, targets: ['q_proj', 'fc1'], rslora: false };
const MAX_NORM = 50;

function someAdapter(seed: string): Adapter {
  const random = new Random(seed);
  const floats = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  return { config: LORA, layers: new Map(targetLinears(TOY, LORA).map((linear) => [linear.module, { a: floats(LORA.rank * linear.in), b: floats(LORA.rank * linear.out), in: linear.in, out: linear.out, rank: LORA.rank, scale: loraScale(LORA) }])) };
}

const adapter: Target = {
  name: 'adapter',
  weight: 10,
  maxBytes: MiB,
  valid: ['1', '2', '3'].map((seed) => encodeAdapter(someAdapter(seed))),
  mutate: mutateSafetensors,
  check: (bytes) => {
    const expected = { music: TOY, lora: LORA, maxNorm: MAX_NORM };
    const read = accepted([BadSubmission], () => decodeAdapter(bytes, expected));
    if (read === undefined) return 'refused';
    for (const { a, b } of read.layers.values()) holds([...a, ...b].every(Number.isFinite), 'finite values');
    holds(updateNorm(read) <= MAX_NORM, 'a norm within the limit');
    holds(read.layers.size === targetLinears(TOY, LORA).length, 'every layer');
    const digest = (file: Uint8Array): string => contentDigest(decodeSafetensors(file).tensors);
    holds(digest(encodeAdapter(read)) === digest(bytes), 'an adapter that is what its file says');
    return 'accepted';
  },
};

const weights: Target = {
  name: 'dama-weights',
  weight: 4,
  maxBytes: MiB,
  valid: ['1', '2'].map((seed) => encodeSafetensors(initialWeights(TOY, new Random(seed)))),
  mutate: mutateSafetensors,
  check: (bytes) => {
    const read = accepted([BadSubmission, InvalidInput], () => pickWeights(TOY, decodeSafetensors(bytes, LIMITS).tensors));
    if (read === undefined) return 'refused';
    for (const { name, shape } of weightSpecs(TOY)) holds(JSON.stringify(read.get(name)?.shape) === JSON.stringify(shape), `tensor ${name} in its shape`);
    return 'accepted';
  },
};

const parameters = (): Parameter[] => ['w', 'b'].map((name, i) => ({ name, shape: [2, i + 1], value: new Float32Array(2 * (i + 1)).fill(1), moment1: new Float32Array(2 * (i + 1)), moment2: new Float32Array(2 * (i + 1)) }));

const curveOf = (steps: number): LossCurve => Array.from({ length: steps }, (_, i) => ({ step: i + 1, loss: 4 / (i + 1), learningRate: 1e-3, gradNorm: 0.5 }));

const checkpoint: Target = {
  name: 'checkpoint',
  weight: 4,
  maxBytes: MiB,
  valid: [3, 4].map((steps) => encodeCheckpoint(parameters(), { run: 'run', curve: curveOf(steps) })),
  mutate: mutateSafetensors,
  check: (bytes) => {
    const into = parameters();
    const before = JSON.stringify(into);
    const curve = accepted([BadSubmission, InvalidInput], () => restoreCheckpoint(bytes, into, 'run'));
    if (curve === undefined) {
      holds(JSON.stringify(into) === before, 'parameters unchanged by what was refused');
      return 'refused';
    }
    holds(curve.every(({ step, loss }, i) => step === i + 1 && Number.isFinite(loss)), 'steps in order');
    holds(JSON.stringify(restoreCheckpoint(encodeCheckpoint(into, { run: 'run', curve }), parameters(), 'run')) === JSON.stringify(curve), 'the same steps again');
    return 'accepted';
  },
};

const dataset: Target = {
  name: 'dataset',
  weight: 8,
  maxBytes: MiB,
  valid: ['1', '2'].map((seed) => encodeDataset(composeDataset({ name: 'cellar', styles: ['dungeon', 'town'], clips: 2, seed, licence: 'CC0-1.0', sharing: 'private' }))),
  mutate: (bytes, random, other) => {
    if (random.chance(0.5)) return mutateSafetensors(bytes, random, other);
    const { tensors, metadata } = decodeSafetensors(bytes);
    return encodeSafetensors(tensors, { ...metadata, clips: mutateJson(JSON.parse(metadata['clips']!), random, MiB / 2) });
  },
  check: (bytes) => {
    const read = accepted([BadSubmission], () => decodeDataset(bytes));
    if (read === undefined) return 'refused';
    holds(read.clips.length > 0, 'clips');
    for (const { codes, numCodebooks, frames } of read.clips) holds(codes.length === numCodebooks * frames && frames > 0, 'codes of every frame');
    const again = encodeDataset(read);
    holds(Buffer.compare(again, encodeDataset(decodeDataset(again))) === 0, 'the same dataset after writing it again');
    return 'accepted';
  },
};

const halfFloats: Target = {
  name: 'half-floats',
  weight: 2,
  maxBytes: 4096,
  valid: [Uint8Array.from({ length: 512 }, (_, i) => i), new Uint8Array(0)],
  check: (bytes) => {
    const halves = new Uint16Array(bytes.slice(0, bytes.length & ~1).buffer);
    const same = (a: Uint16Array): boolean => a.every((value, i) => value === halves[i]);
    holds(same(narrowF16(widenF16(halves))), 'the same halves after widening');
    holds(same(narrowBF16(widenBF16(halves))), 'the same bfloat16 after widening');
    const floats = new Float32Array(bytes.slice(0, bytes.length & ~3).buffer);
    for (const half of [widenF16(narrowF16(floats)), widenBF16(narrowBF16(floats))]) {
      holds(floats.every((value, i) => Number.isNaN(value) === Number.isNaN(half[i]!) && (Number.isNaN(value) || Math.sign(value) * Math.sign(half[i]!) >= 0)), 'numbers of the same sign');
    }
    return 'accepted';
  },
};

export const tensorTargets: readonly Target[] = [safetensors, adapter, weights, checkpoint, dataset, halfFloats];
