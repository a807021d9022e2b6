import type { Tensor } from '@tensorflow/tfjs';
import { EngineError } from '../../errors.ts';
import type { Ops, Shape } from '../engine.ts';
import type { Primitives } from '../primitives.ts';
import { axesOf, broadcastShape, type Cut, cutOf, sameShape, shapeText } from '../shapes.ts';
import type { Tfjs } from './load-tfjs.ts';
import { argMax, conv1d, convTranspose1d, lstm, pad } from './sound-kernels.ts';

type Operand = Tensor | number;
type Flags = { readonly transposeA?: boolean; readonly transposeB?: boolean };

/** The operations carried out at once by TensorFlow.js; what they leave behind is the caller's to tidy. */
export class TfjsPrimitives implements Primitives<Tensor> {
  readonly #tf: Tfjs;
  readonly #flagsAreSlow: boolean;

  /** @param flagsAreSlow whether matrices are better transposed than multiplied as they lie, as for the wasm kernel */
  constructor(tf: Tfjs, { flagsAreSlow }: { flagsAreSlow: boolean }) {
    this.#tf = tf;
    this.#flagsAreSlow = flagsAreSlow;
  }

  scalar(value: number): Tensor {
    return this.#tf.scalar(value);
  }

  add(a: Operand, b: Operand): Tensor {
    return this.#tf.add(a, b);
  }
  sub(a: Operand, b: Operand): Tensor {
    return this.#tf.sub(a, b);
  }
  mul(a: Operand, b: Operand): Tensor {
    return this.#tf.mul(a, b);
  }
  div(a: Operand, b: Operand): Tensor {
    return this.#tf.div(a, b);
  }
  neg(a: Tensor): Tensor {
    return this.#tf.neg(a);
  }
  exp(a: Tensor): Tensor {
    return this.#tf.exp(a);
  }
  sqrt(a: Tensor): Tensor {
    return this.#tf.sqrt(a);
  }
  erf(a: Tensor): Tensor {
    return this.#tf.erf(a);
  }
  tanh(a: Tensor): Tensor {
    return this.#tf.tanh(a);
  }
  elu(a: Tensor): Tensor {
    return this.#tf.elu(a);
  }
  relu(a: Tensor): Tensor {
    return this.#tf.relu(a);
  }

  gelu(a: Tensor): Tensor {
    return this.mul(a, this.normalCdf(this.mul(a, Math.SQRT1_2)));
  }

  softmax(a: Tensor): Tensor {
    return a.size === 0 ? a : this.#tf.softmax(a);
  }

  logSoftmax(a: Tensor): Tensor {
    return a.size === 0 ? a : this.#tf.logSoftmax(a);
  }

  matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: Flags = {}): Tensor {
    if (a.rank < 2 || b.rank < 2) throw new EngineError(`Expected matrices, got ${shapeText(a.shape)} and ${shapeText(b.shape)}`);
    if (b.rank === 2 && a.rank > 2 && !transposeA) {
      const product = this.#product(this.#rows(a), b, false, transposeB);
      return this.#tf.reshape(product, [...a.shape.slice(0, -1), product.shape[1]!]);
    }
    const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)).map(Number);
    return this.#product(this.#batched(a, batch), this.#batched(b, batch), transposeA, transposeB);
  }

  transpose(a: Tensor, permutation: readonly number[]): Tensor {
    const axes = axesOf(a.rank, permutation);
    // the wasm kernel divides by a size
    return a.size === 0 ? this.#tf.zeros(axes.map((axis) => a.shape[axis]!), a.dtype) : this.#tf.transpose(a, axes);
  }

  reshape(a: Tensor, shape: Shape): Tensor {
    return this.#tf.reshape(a, numbers(shape));
  }

  sum(a: Tensor, axes: readonly number[], keepDims = false): Tensor {
    const reduced = axesOf(a.rank, axes);
    if (reduced.length === 0) return a;
    // the wasm kernel leaves memory as it was where there is nothing to add up
    if (a.size === 0) return this.#tf.zeros(a.shape.flatMap((size, axis) => (reduced.includes(axis) ? (keepDims ? [1] : []) : [size])));
    return this.#tf.sum(a, reduced, keepDims);
  }

  concat(parts: readonly Tensor[], axis: number): Tensor {
    return this.#tf.concat([...parts], axis);
  }

  layerNorm(a: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Tensor {
    return this.normalize(a, gain, bias, epsilon).output;
  }

  gather(table: Tensor, ids: Tensor): Tensor {
    return this.#tf.gather(table, ids);
  }

  negativeLogLikelihood(logits: Tensor, ids: Tensor): Tensor {
    return this.neg(this.pick(this.logSoftmax(logits), ids));
  }

  slice(a: Tensor, axis: number, range: { readonly from: number; readonly to: number }): Tensor {
    const cut = cutOf(a.shape, axis, range);
    const begin = a.shape.map((_, i) => (i === cut.axis ? cut.from : 0));
    return this.#tf.slice(a, begin, a.shape.with(cut.axis, cut.to - cut.from));
  }

  pad(a: Tensor, size: Parameters<Ops<Tensor>['pad']>[1]): Tensor {
    return pad(this.#tf, a, size);
  }

  conv1d(a: Tensor, kernel: Tensor, bias: Tensor, options: Parameters<Ops<Tensor>['conv1d']>[3]): Tensor {
    return conv1d(this.#tf, { a, kernel, bias }, options);
  }

  convTranspose1d(a: Tensor, kernel: Tensor, bias: Tensor, options: Parameters<Ops<Tensor>['convTranspose1d']>[3]): Tensor {
    return convTranspose1d(this.#tf, { a, kernel, bias }, options);
  }

  lstm(a: Tensor, weights: Parameters<Ops<Tensor>['lstm']>[1]): Tensor {
    return lstm(this.#tf, a, weights);
  }

  argMax(a: Tensor): Tensor {
    return argMax(this.#tf, a);
  }

  normalCdf(z: Tensor): Tensor {
    return this.mul(this.add(this.erf(z), 1), 0.5);
  }

  normalize(a: Tensor, gain: Tensor, bias: Tensor, epsilon: number): { output: Tensor; mean: Tensor; inverseDeviation: Tensor } {
    const mean = this.lastMean(a);
    const centered = this.sub(a, mean);
    const inverseDeviation = this.#tf.rsqrt(this.add(this.lastMean(this.mul(centered, centered)), epsilon));
    return { output: this.add(this.mul(this.mul(centered, inverseDeviation), gain), bias), mean, inverseDeviation };
  }

  lastMean(a: Tensor): Tensor {
    return this.#tf.mean(a, -1, true);
  }

  expand(a: Tensor, shape: Shape): Tensor {
    return this.#broadcast(a, numbers(shape));
  }

  wherePositive(a: Tensor, chosen: Tensor): Tensor {
    return this.mul(chosen, this.#tf.step(a));
  }

  oneHot(ids: Tensor, size: number): Tensor {
    return this.#tf.oneHot(ids, size).toFloat();
  }

  pick(a: Tensor, ids: Tensor): Tensor {
    const rows = a.shape.slice(0, -1);
    if (!sameShape(ids.shape, rows)) throw new EngineError(`Expected an id for each of ${shapeText(rows)}, got ${shapeText(ids.shape)}`);
    return this.sum(this.mul(a, this.oneHot(ids, a.shape.at(-1)!)), [-1]);
  }

  addAt(a: Tensor, ids: Tensor, addends: Tensor): Tensor {
    return this.add(a, this.mul(this.oneHot(ids, a.shape.at(-1)!), this.#tf.expandDims(addends, -1)));
  }

  rowProduct(a: Tensor, b: Tensor): Tensor {
    return this.#product(this.#rows(a), this.#rows(b), true, false);
  }

  split(a: Tensor, parts: readonly Tensor[], axis: number): readonly Tensor[] {
    return this.#tf.split(a, parts.map(({ shape }) => shape.at(axis)!), axis);
  }

  unslice(a: Tensor, whole: Tensor, { axis, from, to }: Cut): Tensor {
    return this.#tf.pad(a, whole.shape.map((size, i): [number, number] => (i === axis ? [from, size - to] : [0, 0])));
  }

  #product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
    // kernels leave memory as it was where there is nothing to add up
    if (a.size === 0 || b.size === 0) return this.#tf.zeros([...a.shape.slice(0, -2), a.shape.at(transposeA ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!]);
    if (!this.#flagsAreSlow) return this.#tf.matMul(a, b, transposeA, transposeB);
    return this.#tf.matMul(transposeA ? this.#swapped(a) : a, transposeB ? this.#swapped(b) : b);
  }

  #swapped(a: Tensor): Tensor {
    const axes = a.shape.map((_, axis) => axis);
    return this.#tf.transpose(a, [...axes.slice(0, -2), a.rank - 1, a.rank - 2]);
  }

  // matMul's own broadcasting takes all leading sizes as one, and repeats them in another order than numpy's
  #batched(a: Tensor, batch: readonly number[]): Tensor {
    return this.#broadcast(a, [...batch, ...a.shape.slice(-2)]);
  }

  // broadcastTo makes an axis of 1 where one of 0 is asked for
  #broadcast(a: Tensor, shape: number[]): Tensor {
    if (sameShape(a.shape, shape)) return a;
    return shape.includes(0) ? this.#tf.zeros(shape) : this.#tf.broadcastTo(a, shape);
  }

  #rows(a: Tensor): Tensor {
    const columns = a.shape.at(-1)!;
    return a.rank === 2 ? a : this.#tf.reshape(a, [a.shape.slice(0, -1).reduce((rows, size) => rows * size, 1), columns]);
  }
}

const numbers = (shape: Shape): number[] => shape.map(Number);
