import { EngineError } from '../errors.ts';
import type { Dim, Ops, Shape } from './engine.ts';
import type { Shaped } from './primitives.ts';
import { Recorder } from './recorder.ts';
import { axesOf, cutOf, shapeText } from './shapes.ts';

/** The operations with their reverse-mode rules, for every engine. */
export class Tape<T extends Shaped> extends Recorder<T> implements Ops<T> {
  add(a: T | number, b: T | number): T {
    const [x, y] = [this.value(a), this.value(b)];
    return this.binary(x, y, this.p.add(x, y), (dy) => [() => dy, () => dy]);
  }

  sub(a: T | number, b: T | number): T {
    const [x, y] = [this.value(a), this.value(b)];
    return this.binary(x, y, this.p.sub(x, y), (dy) => [() => dy, () => this.p.neg(dy)]);
  }

  mul(a: T | number, b: T | number): T {
    const [x, y] = [this.value(a), this.value(b)];
    return this.binary(x, y, this.p.mul(x, y), (dy) => [() => this.p.mul(dy, y), () => this.p.mul(dy, x)]);
  }

  div(a: T | number, b: T | number): T {
    const p = this.p;
    const [x, y] = [this.value(a), this.value(b)];
    const quotient = p.div(x, y);
    return this.binary(x, y, quotient, (dy) => [() => p.div(dy, y), () => p.neg(p.mul(dy, p.div(quotient, y)))]);
  }

  neg(a: T): T {
    return this.unary(a, this.p.neg(a), (dy) => this.p.neg(dy));
  }

  exp(a: T): T {
    const y = this.p.exp(a);
    return this.unary(a, y, (dy) => this.p.mul(dy, y));
  }

  sqrt(a: T): T {
    const y = this.p.sqrt(a);
    return this.unary(a, y, (dy) => this.p.div(this.p.mul(dy, 0.5), y));
  }

  /** d erf(a) = 2/√π exp(−a²). */
  erf(a: T): T {
    const p = this.p;
    return this.unary(a, p.erf(a), (dy) => p.mul(dy, p.mul(p.exp(p.neg(p.mul(a, a))), 2 / Math.sqrt(Math.PI))));
  }

  tanh(a: T): T {
    const p = this.p;
    const y = p.tanh(a);
    return this.unary(a, y, (dy) => p.mul(dy, p.sub(1, p.mul(y, y))));
  }

  relu(a: T): T {
    return this.unary(a, this.p.relu(a), (dy) => this.p.wherePositive(a, dy));
  }

  /** gelu(a) = a Φ(a), so d gelu(a) = Φ(a) + a φ(a) = Φ(a) + z exp(−z²) / √π with z = a/√2. */
  gelu(a: T): T {
    const p = this.p;
    const z = p.mul(a, Math.SQRT1_2);
    const cdf = p.normalCdf(z);
    return this.unary(a, p.mul(a, cdf), (dy) => {
      const slope = p.mul(p.div(z, p.exp(p.mul(z, z))), 1 / Math.sqrt(Math.PI)); // division: exp(−z²) would be a pass more
      return p.mul(dy, p.add(cdf, slope));
    });
  }

  softmax(a: T): T {
    const p = this.p;
    const y = p.softmax(a);
    return this.unary(a, y, (dy) => p.mul(y, p.sub(dy, p.sum(p.mul(dy, y), [-1], true))));
  }

  logSoftmax(a: T): T {
    const p = this.p;
    const y = p.logSoftmax(a);
    return this.unary(a, y, (dy) => p.sub(dy, p.mul(p.exp(y), p.sum(dy, [-1], true))));
  }

  matmul(a: T, b: T, flags: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {}): T {
    const p = this.p;
    const { transposeA = false, transposeB = false } = flags;
    const gradientA = (dy: T): T => (transposeA ? p.matmul(b, dy, { transposeA: transposeB, transposeB: true }) : p.matmul(dy, b, { transposeB: !transposeB }));
    const gradientB = (dy: T): T => (transposeB ? p.matmul(dy, a, { transposeA: true, transposeB: transposeA }) : p.matmul(a, dy, { transposeA: !transposeA }));
    // a matrix that all rows of a batch meet: one product over all rows, not a sum of products
    const isShared = b.shape.length === 2 && !transposeA;
    const gradientShared = (dy: T): T => (transposeB ? p.rowProduct(dy, a) : p.rowProduct(a, dy));
    return this.record([a, b], p.matmul(a, b, flags), (dy) => [
      () => this.unbroadcast(gradientA(dy), a.shape),
      () => (isShared ? gradientShared(dy) : this.unbroadcast(gradientB(dy), b.shape)),
    ]);
  }

  transpose(a: T, permutation: readonly number[]): T {
    const axes = axesOf(a.shape.length, permutation);
    return this.unary(a, this.p.transpose(a, permutation), (dy) => this.p.transpose(dy, axes.map((_, axis) => axes.indexOf(axis))));
  }

  reshape(a: T, shape: Shape): T {
    return this.unary(a, this.p.reshape(a, shape), (dy) => this.p.reshape(dy, a.shape));
  }

  sum(a: T, axes: readonly number[], keepDims = false): T {
    const reduced = axesOf(a.shape.length, axes);
    const kept = a.shape.map((dim, axis) => (reduced.includes(axis) ? 1 : dim));
    return this.unary(a, this.p.sum(a, axes, keepDims), (dy) => this.p.expand(this.p.reshape(dy, kept), a.shape));
  }

  concat(parts: readonly T[], axis: number, dim?: Dim): T {
    const y = this.p.concat(parts, axis, dim);
    const along = axesOf(y.shape.length, [axis])[0]!;
    return this.record(parts, y, (dy) => {
      const pieces = once(() => this.p.split(dy, parts, along));
      return parts.map((_, i) => () => pieces()[i]!);
    });
  }

  slice(a: T, axis: number, range: { readonly from: number; readonly to: number }): T {
    const cut = cutOf(a.shape, axis, range);
    return this.unary(a, this.p.slice(a, axis, range), (dy) => this.p.unslice(dy, a, cut));
  }

  split(a: T, parts: readonly T[], axis: number): readonly T[] {
    const p = this.p;
    const along = axesOf(a.shape.length, [axis])[0]!;
    const pieces = p.split(a, parts, along);
    const beside = (dy: T, i: number): T[] => pieces.map((piece, j) => (i === j ? dy : p.expand(p.scalar(0), piece.shape)));
    return pieces.map((piece, i) => this.unary(a, piece, (dy) => p.concat(beside(dy, i), along, a.shape[along]!)));
  }

  /** With x̂ the normalised input and d = dy · gain: da = (d − mean(d) − x̂ mean(d x̂)) / σ (Ba et al. 2016). */
  layerNorm(a: T, gain: T, bias: T, epsilon: number): T {
    const p = this.p;
    const { output, mean, inverseDeviation } = p.normalize(a, gain, bias, epsilon);
    return this.record([a, gain, bias], output, (dy) => {
      const normalized = once(() => p.mul(p.sub(a, mean), inverseDeviation));
      const gradientA = (): T => {
        const d = p.mul(dy, gain);
        const along = p.mul(normalized(), p.lastMean(p.mul(d, normalized())));
        return p.mul(p.sub(p.sub(d, p.lastMean(d)), along), inverseDeviation);
      };
      return [gradientA, () => this.unbroadcast(p.mul(dy, normalized()), gain.shape), () => this.unbroadcast(dy, bias.shape)];
    });
  }

  gather(table: T, ids: T): T {
    return this.unary(table, this.p.gather(table, ids), (dy) => this.p.rowProduct(this.p.oneHot(ids, known(table, 0)), dy));
  }

  /** d(logits) = softmax(logits) − oneHot(id). */
  negativeLogLikelihood(logits: T, ids: T): T {
    const p = this.p;
    const logProbabilities = p.logSoftmax(logits);
    return this.unary(logits, p.neg(p.pick(logProbabilities, ids)), (dy) => {
      const expected = p.mul(p.exp(logProbabilities), p.reshape(dy, [...ids.shape, 1]));
      return p.addAt(expected, ids, p.neg(dy));
    });
  }

  elu(a: T): T {
    return this.forwardOnly('elu', [a]).elu(a);
  }
  pad(a: T, size: Parameters<Ops<T>['pad']>[1]): T {
    return this.forwardOnly('pad', [a]).pad(a, size);
  }
  conv1d(a: T, kernel: T, bias: T, options: Parameters<Ops<T>['conv1d']>[3]): T {
    return this.forwardOnly('conv1d', [a, kernel, bias]).conv1d(a, kernel, bias, options);
  }
  convTranspose1d(a: T, kernel: T, bias: T, options: Parameters<Ops<T>['convTranspose1d']>[3]): T {
    return this.forwardOnly('convTranspose1d', [a, kernel, bias]).convTranspose1d(a, kernel, bias, options);
  }
  lstm(a: T, weights: Parameters<Ops<T>['lstm']>[1]): T {
    return this.forwardOnly('lstm', [a, ...Object.values(weights)]).lstm(a, weights);
  }
  argMax(a: T): T {
    return this.forwardOnly('argMax', [a]).argMax(a);
  }
}

function once<T>(compute: () => T): () => T {
  let result: { value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}

function known({ shape }: Shaped, axis: number): number {
  const size = shape.at(axis);
  if (typeof size !== 'number') throw new EngineError(`Expected a size that is known before the run to differentiate, got ${size} in ${shapeText(shape)}`);
  return size;
}
