import { deflateSync, inflateSync } from 'node:zlib';
import { compose } from '../genki/data/composer.ts';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import type { Engine } from '../genki/engine/engine.ts';
import { withFeedback } from '../genki/federation/compression/error-feedback.ts';
import { GROUP } from '../genki/federation/compression/four-levels.ts';
import { decodeUpdate, encodeUpdate } from '../genki/federation/compression/update-codec.ts';
import { flatten, type Layout, layoutOf, normOf, unflatten } from '../genki/federation/layout.ts';
import { Trainer } from '../genki/music/trainer.ts';
import type { Codec } from '../genki/protocol/exchange.ts';
import { Random } from '../genki/protocol/random.ts';
import { RUBY } from '../genki/protocol/ruby.ts';
import { RUBY_WINDOWS } from '../genki/protocol/ruby-windows.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { median, timed } from './in-turns.ts';
import { readWorkload, THREADS, type Workload } from './workload.ts';

type TopK = Extract<Codec, { kind: 'top-k' }>;

const WINDOWS = 5;
const VALUES = 8_000_000;
const TIMES = 3;
/** How many times smaller than float32: what is claimed, and what was computed for the best published coder that keeps one of 64. */
const CLAIM = 240;
const PUBLISHED = 195;

/**
 * What a window's update weighs, headers included, and how long writing and reading it takes: updates of ruby-nano after ten steps of AdamW, a
 * miner's first and one that holds what four windows left out; 8 M normal values; and what no coder can foresee anything of.
 */
export async function compression({ note }: Pick<Context, 'note'>): Promise<Figure[]> {
  const codec = RUBY_WINDOWS.delta?.codec;
  if (codec?.kind !== 'top-k') throw new RangeError(`Expected the windows of ruby-nano to be sent as top-k, got ${codec?.kind}`);
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  try {
    const inputs = await trainedInputs(engine, codec);
    const random = new Random('bench');
    const updates: [string, Float32Array][] = [
      ['ruby-nano/window-1', inputs[0]!],
      [`ruby-nano/window-${WINDOWS}`, inputs.at(-1)!],
      ['ruby-nano/hardest', hardest(inputs[0]!.length, codec, random)],
      ['8M', Float32Array.from({ length: VALUES }, () => random.normal())],
    ];
    const figures: Figure[] = [];
    for (const [name, update] of updates) figures.push(...(await figuresOf(`compression/${name}`, update, { codec, note })));
    return figures;
  } finally {
    await engine.dispose();
  }
}

/** What a lone miner has to send in each window, what it left out before included. */
async function trainedInputs(engine: Engine, codec: TopK): Promise<Float32Array[]> {
  const work = await readWorkload();
  const layout = layoutOf(work.music);
  let flat = flatten(layout, work.weights);
  let residual: Float32Array | undefined;
  const inputs: Float32Array[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    const update = await trained(engine, { ...work, weights: unflatten(layout, flat) }, { layout, window });
    const next = withFeedback(codec, { update, ...(residual && { residual }) });
    inputs.push(residual === undefined ? update : update.map((value, i) => value + residual![i]!));
    residual = next.residual;
    flat = flat.map((value, i) => value + next.sent[i]!);
  }
  return inputs;
}

async function trained(engine: Engine, { music, weights }: Workload, { layout, window }: { layout: Layout; window: number }): Promise<Float32Array> {
  const { batch, steps } = RUBY_WINDOWS.training.hyper;
  const trainer = await Trainer.create(engine, music, weights, { kind: 'full' }, { ...RUBY_WINDOWS.training.hyper, schedule: 'constant' }, `bench/${window}`);
  try {
    const styles = [...RUBY.styles.private, ...RUBY.styles.base];
    for (let step = 0; step < steps; step++) await trainer.step(Array.from({ length: batch }, (_, row) => compose({ style: styles[row % styles.length]!, seed: `bench/${window}/${step}/${row}` })));
    const before = flatten(layout, weights);
    return flatten(layout, trainer.weights()).map((value, i) => value - before[i]!);
  } finally {
    await trainer.dispose();
  }
}

/** Places, signs and magnitudes are all as likely, and one chunk in 257 is empty: what costs the most bits. */
function hardest(size: number, { chunk }: TopK, random: Random): Float32Array {
  const update = new Float32Array(size);
  for (let from = 0; from < size; from += chunk) {
    const at = from + random.int(Math.min(chunk, size - from));
    if (random.int(257) > 0) update[at] = random.pick([-2, -1, 1, 2]);
  }
  return update;
}

async function figuresOf(name: string, update: Float32Array, { codec, note }: { codec: TopK; note: Context['note'] }): Promise<Figure[]> {
  const { file, sent } = encodeUpdate(codec, update);
  const layout = { places: [], size: update.length };
  const decoded = decodeUpdate(codec, file, layout);
  if (!decoded.every((value, i) => Object.is(value, sent[i]))) throw new Error(`${name}: expected what was sent, got another update`);
  const raw = new Uint8Array(update.buffer);
  const deflated = deflateSync(raw);
  const encode = { ours: await msOf(() => encodeUpdate(codec, update)), peer: await msOf(() => deflateSync(raw)) };
  const decode = { ours: await msOf(() => decodeUpdate(codec, file, layout)), peer: await msOf(() => inflateSync(deflated)) };
  const perSecond = (ms: number): string => (raw.byteLength / 1e3 / ms).toFixed(0);
  note(`${name}: ${file.byteLength} bytes are 1/${(raw.byteLength / file.byteLength).toFixed(1)} of float32 with ${((100 * normOf(sent) ** 2) / normOf(update) ** 2).toFixed(1)} % of the energy; written at ${perSecond(encode.ours)}, read at ${perSecond(decode.ours)} MB/s`);
  const bytes = (suffix: string, peer: number, peerName: string): Figure => figureOf({ name: `${name}/${suffix}`, unit: 'bytes', ours: file.byteLength, peer, peerName });
  return [
    bytes('claim', raw.byteLength / CLAIM, `1/${CLAIM} of float32`),
    bytes('entropy', entropyBytes(sent, codec), 'entropy, values independent'),
    bytes('published', raw.byteLength / PUBLISHED, `a published coder's 1/${PUBLISHED}`),
    figureOf({ name: `${name}/encode`, unit: 'ms', ...encode, peerName: 'deflate of float32' }),
    figureOf({ name: `${name}/decode`, unit: 'ms', ...decode, peerName: 'inflate of float32' }),
  ];
}

const msOf = async (work: () => unknown): Promise<number> => median(await timed(TIMES, async () => void work()));

/**
 * Bytes that no coder goes below on average whose values are independent: how many a chunk keeps, any places among them, signs
 * and, in each group, magnitudes; the magnitudes themselves as float32.
 */
function entropyBytes(sent: Float32Array, { chunk }: TopK): number {
  let bits = 0;
  const kept: number[] = [];
  const signs: number[] = [];
  for (let from = 0; from < sent.length; from += chunk) {
    const values = sent.subarray(from, from + chunk);
    const some = values.filter((value) => value !== 0);
    kept.push(some.length);
    signs.push(...some.map(Math.sign));
    for (let i = 0; i < some.length; i++) bits += Math.log2((values.length - i) / (i + 1));
  }
  for (let from = 0; from < sent.length; from += GROUP) bits += 64 + entropyOf([...sent.subarray(from, from + GROUP)].filter((value) => value !== 0).map(Math.abs));
  return (bits + entropyOf(kept) + entropyOf(signs)) / 8;
}

/** Bits of a sequence by how often each of its values occurs. */
function entropyOf(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits + count * Math.log2(values.length / count), 0);
}
