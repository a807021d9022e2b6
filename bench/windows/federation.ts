import { aggregate } from '../../genki/federation/aggregation/aggregate.ts';
import { outerStep, type OuterState } from '../../genki/federation/aggregation/outer-step.ts';
import { clipToMedian } from '../../genki/federation/aggregation/clip-to-median.ts';
import { residualOf, withFeedback, withResidual } from '../../genki/federation/compression/error-feedback.ts';
import { decodeSlice, encodeSlice } from '../../genki/federation/compression/slice-file.ts';
import { encodeUpdate } from '../../genki/federation/compression/update-codec.ts';
import { merkleRoot } from '../../genki/federation/compression/merkle.ts';
import { normOf } from '../../genki/federation/layout.ts';
import { privatise } from '../../genki/federation/privacy/privatise.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { Random } from '../../genki/protocol/random.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import type { Arm } from './arms.ts';
import { assigned, localUpdate, ownMusic } from './miner.ts';
import { measure, type Losses, type Stage } from './stage.ts';

export const MINERS = RUBY_WINDOWS.styles.private.length;
const delta = RUBY_WINDOWS.delta!;

/** After a window; before the first, number 0, with no bytes. */
export type Point = Losses & { readonly window: number; /** that one miner sends */ readonly bytes: number };

/** What one miner sent in a window, decoded. */
export type Sent = { readonly update: Float32Array; readonly bytes: number };
export type Told = { readonly window: number; readonly weights: Float32Array; readonly sent: readonly Sent[] };
type Run = { readonly arm: Arm; readonly windows: number; readonly seed: string; /** Told of each window before it is added. */ readonly onWindow?: (told: Told) => Promise<void>; readonly note?: (line: string) => void };

/** A federation in one process: every miner in turn, window after window. */
export async function runWindows(stage: Stage, { arm, windows, seed, onWindow, note }: Run): Promise<Point[]> {
  let state: OuterState = { weights: stage.base, momentum: null };
  const sender = new Sender(stage, arm);
  const points: Point[] = [{ window: 0, bytes: 0, ...(await measure(stage, stage.base)) }];
  for (let window = 1; window <= windows; window++) {
    const sent: Sent[] = [];
    for (let miner = 0; miner < MINERS; miner++) sent.push(sender.send(await learn(stage, { arm, seed, miner, window, weights: state.weights }), { miner, window, seed }));
    await onWindow?.({ window, weights: state.weights, sent });
    const updates = [...sent.map(({ update }) => update), ...poison(arm, sent, `${seed}/${window}`)];
    const factors = clipToMedian(updates, delta.norm);
    state = outerStep(arm.outer, state, aggregate({ rule: arm.rule }, updates.map((update, i) => update.map((value) => factors[i]! * value))));
    points.push({ window, bytes: sent[0]!.bytes, ...(await measure(stage, state.weights)) });
    const { mixture, base, bytes } = points.at(-1)!;
    note?.(`${arm.name}, window ${window}: ${mixture.toFixed(4)} nats a code, base styles ${base.toFixed(4)}, ${bytes} bytes`);
  }
  return points;
}

async function learn(stage: Stage, { arm, seed, miner, window, weights }: { arm: Arm; seed: string; miner: number; window: number; weights: Float32Array }): Promise<Float32Array> {
  const clips = arm.music === 'own' ? ownMusic(miner, seed) : assigned(hotkeyOf(miner, seed), window);
  return await localUpdate(stage, weights, { clips, seed: `${seed}/${miner}/${window}` });
}

export const hotkeyOf = (miner: number, seed: string): string => `miner ${miner} of ${seed}`;

/** What miners keep from window to window. */
export class Sender {
  readonly #stage: Stage;
  readonly #arm: Pick<Arm, 'codec' | 'privacy'>;
  readonly #residuals = new Map<number, Float32Array>();

  constructor(stage: Stage, arm: Pick<Arm, 'codec' | 'privacy'>) {
    this.#stage = stage;
    this.#arm = arm;
  }

  /** An update as everybody reads it. */
  send(update: Float32Array, { miner, window, seed }: { miner: number; window: number; seed: string }): Sent {
    const { codec, privacy } = this.#arm;
    const secret = new TextEncoder().encode(sha256Hex(new TextEncoder().encode(`${seed}/${miner}/${window}/noise`)));
    const shown = privacy ? privatise(update, privacy, secret) : update;
    if (codec.kind === 'dense') return this.#whole(shown);
    const residual = this.#residuals.get(miner);
    if (codec.kind === 'slice') return this.#slice(withResidual(shown, residual), { miner, window, seed });
    const { file, sent, residual: left } = withFeedback(codec, { update: shown, ...(residual && { residual }) });
    this.#residuals.set(miner, left);
    return { update: sent, bytes: file.byteLength };
  }

  #whole(update: Float32Array): Sent {
    const { file, sent } = encodeUpdate({ kind: 'dense' }, update);
    return { update: sent, bytes: file.byteLength };
  }

  #slice(input: Float32Array, { miner, window, seed }: { miner: number; window: number; seed: string }): Sent {
    const { codec } = this.#arm;
    if (codec.kind !== 'slice') throw new RangeError(`Expected the codec slice, got ${codec.kind}`);
    const blocks = { blockHash: hashOf(`${seed}/${window}/slice`), auditSeed: hashOf(`${seed}/${window}/audit`).slice(2) };
    const of = { layout: this.#stage.layout, compression: codec.compression, ...blocks };
    const file = encodeSlice(input, of);
    const sent = decodeSlice(file, { ...of, root: merkleRoot(input) });
    this.#residuals.set(miner, residualOf(codec, { input, sent }));
    return { update: sent, bytes: file.byteLength };
  }
}

const hashOf = (text: string): string => `0x${sha256Hex(new TextEncoder().encode(text))}`;

/** Ten times the opposite of what the others sent; or noise of 47 times their length. */
function poison({ poisoner, codec }: Arm, sent: readonly Sent[], seed: string): Float32Array[] {
  if (poisoner === undefined) return [];
  const honest = sent.map(({ update }) => update);
  if (poisoner === 'flip') return [asSent(aggregate({ rule: { kind: 'mean' } }, honest).map((value) => -10 * value), codec)];
  const random = new Random(`${seed}/poison`);
  const deviation = (47 * normOf(honest[0]!)) / Math.sqrt(honest[0]!.length);
  return [asSent(honest[0]!.map(() => deviation * random.normal()), codec)];
}

/** Nobody may send what the codec has no file of. */
const asSent = (update: Float32Array, codec: Arm['codec']): Float32Array => (codec.kind === 'slice' ? update : encodeUpdate(codec, update).sent);
