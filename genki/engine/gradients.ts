import { EngineError } from '../errors.ts';
import type { Dim, Ops, Shape } from './engine.ts';
import type { Primitives, Shaped } from './primitives.ts';
import { axesOf, broadcastAxes, sameShape, shapeText } from './shapes.ts';

/** d(of)/d(input) for each input of an operation, from d(of)/d(output); each computed only when it is asked for. */
type Rule<T> = (dy: T) => readonly (() => T)[];
type Step<T> = { readonly inputs: readonly T[]; readonly output: T; readonly rule: Rule<T> };

/**
 * The operations with their reverse-mode rules (Griewank and Walther 2008, chapter 3), for every engine.
 * What does not depend on `wrt` leaves no trace, so frozen weights cost nothing on the way back.
 */
export class Tape<T extends Shaped> implements Ops<T> {
  readonly #p: Primitives<T>;
  readonly #tracked: Set<T>;
  readonly #steps: Step<T>[] = [];

  constructor(primitives: Primitives<T>, wrt: readonly T[]) {
    this.#p = primitives;
    this.#tracked = new Set(wrt);
  }

  /**
   * d(of) / d(each of wrt), each of its value's shape; zeros for a value that `of` does not depend on.
   * @throws {EngineError} when `of` is not a float32 scalar
   */
  gradients(of: T, wrt: readonly T[]): T[] {
    if (of.shape.length !== 0 || of.dtype !== 'float32') throw new EngineError(`Expected a float32 scalar to differentiate, got ${of.dtype} ${shapeText(of.shape)}`);
    const found = new Map<T, T>([[of, this.#p.scalar(1)]]);
    for (const { inputs, output, rule } of this.#steps.toReversed()) {
      const dy = found.get(output);
      if (dy === undefined) continue;
      rule(dy).forEach((gradient, i) => {
        const input = inputs[i]!;
        if (!this.#tracked.has(input)) return;
        const before = found.get(input);
        found.set(input, before === undefined ? gradient() : this.#p.add(before, gradient()));
      });
    }
    return wrt.map((value) => found.get(value) ?? this.#p.expand(this.#p.scalar(0), value.shape));
  }

  add(a: T | number, b: T | number): T {
    const [x, y] = [this.#value(a), this.#value(b)];
    return this.#binary(x, y, this.#p.add(x, y), (dy) => [() => dy, () => dy]);
  }

  sub(a: T | number, b: T | number): T {
    const [x, y] = [this.#value(a), this.#value(b)];
    return this.#binary(x, y, this.#p.sub(x, y), (dy) => [() => dy, () => this.#p.neg(dy)]);
  }

  mul(a: T | number, b: T | number): T {
    const [x, y] = [this.#value(a), this.#value(b)];
    return this.#binary(x, y, this.#p.mul(x, y), (dy) => [() => this.#p.mul(dy, y), () => this.#p.mul(dy, x)]);
  }

  div(a: T | number, b: T | number): T {
    const p = this.#p;
    const [x, y] = [this.#value(a), this.#value(b)];
    const quotient = p.div(x, y);
    return this.#binary(x, y, quotient, (dy) => [() => p.div(dy, y), () => p.neg(p.mul(dy, p.div(quotient, y)))]);
  }

  neg(a: T): T {
    return this.#unary(a, this.#p.neg(a), (dy) => this.#p.neg(dy));
  }

  exp(a: T): T {
    const y = this.#p.exp(a);
    return this.#unary(a, y, (dy) => this.#p.mul(dy, y));
  }

  sqrt(a: T): T {
    const y = this.#p.sqrt(a);
    return this.#unary(a, y, (dy) => this.#p.div(this.#p.mul(dy, 0.5), y));
  }

  /** d erf(a) = 2/√π exp(−a²). */
  erf(a: T): T {
    const p = this.#p;
    return this.#unary(a, p.erf(a), (dy) => p.mul(dy, p.mul(p.exp(p.neg(p.mul(a, a))), 2 / Math.sqrt(Math.PI))));
  }

  relu(a: T): T {
    return this.#unary(a, this.#p.relu(a), (dy) => this.#p.wherePositive(a, dy));
  }

  /** gelu(a) = a Φ(a), so d gelu(a) = Φ(a) + a φ(a). */
  gelu(a: T): T {
    const p = this.#p;
    const cdf = p.normalCdf(a);
    return this.#unary(a, p.mul(a, cdf), (dy) => {
      const density = p.exp(p.mul(p.mul(a, a), -0.5));
      return p.mul(dy, p.add(cdf, p.mul(p.mul(a, density), 1 / Math.sqrt(2 * Math.PI))));
    });
  }

  softmax(a: T): T {
    const p = this.#p;
    const y = p.softmax(a);
    return this.#unary(a, y, (dy) => p.mul(y, p.sub(dy, p.sum(p.mul(dy, y), [-1], true))));
  }

  logSoftmax(a: T): T {
    const p = this.#p;
    const y = p.logSoftmax(a);
    return this.#unary(a, y, (dy) => p.sub(dy, p.mul(p.exp(y), p.sum(dy, [-1], true))));
  }

  matmul(a: T, b: T, flags: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {}): T {
    const p = this.#p;
    const { transposeA = false, transposeB = false } = flags;
    const gradientA = (dy: T): T => (transposeA ? p.matmul(b, dy, { transposeA: transposeB, transposeB: true }) : p.matmul(dy, b, { transposeB: !transposeB }));
    const gradientB = (dy: T): T => (transposeB ? p.matmul(dy, a, { transposeA: true, transposeB: transposeA }) : p.matmul(a, dy, { transposeA: !transposeA }));
    // a matrix that all rows of a batch meet: one product over all rows, not a sum of products
    const isShared = b.shape.length === 2 && !transposeA;
    const gradientShared = (dy: T): T => (transposeB ? p.rowProduct(dy, a) : p.rowProduct(a, dy));
    return this.#record([a, b], p.matmul(a, b, flags), (dy) => [
      () => this.#unbroadcast(gradientA(dy), a.shape),
      () => (isShared ? gradientShared(dy) : this.#unbroadcast(gradientB(dy), b.shape)),
    ]);
  }

  transpose(a: T, permutation: readonly number[]): T {
    const axes = axesOf(a.shape.length, permutation);
    return this.#unary(a, this.#p.transpose(a, permutation), (dy) => this.#p.transpose(dy, axes.map((_, axis) => axes.indexOf(axis))));
  }

  reshape(a: T, shape: Shape): T {
    return this.#unary(a, this.#p.reshape(a, shape), (dy) => this.#p.reshape(dy, a.shape));
  }

  sum(a: T, axes: readonly number[], keepDims = false): T {
    const reduced = axesOf(a.shape.length, axes);
    const kept = a.shape.map((dim, axis) => (reduced.includes(axis) ? 1 : dim));
    return this.#unary(a, this.#p.sum(a, axes, keepDims), (dy) => this.#p.expand(this.#p.reshape(dy, kept), a.shape));
  }

  concat(parts: readonly T[], axis: number, dim?: Dim): T {
    const y = this.#p.concat(parts, axis, dim);
    const along = axesOf(y.shape.length, [axis])[0]!;
    return this.#record(parts, y, (dy) => {
      const pieces = once(() => this.#p.split(dy, parts, along));
      return parts.map((_, i) => () => pieces()[i]!);
    });
  }

  /** With x̂ the normalised input and d = dy · gain: da = (d − mean(d) − x̂ mean(d x̂)) / σ (Ba et al. 2016). */
  layerNorm(a: T, gain: T, bias: T, epsilon: number): T {
    const p = this.#p;
    const { output, mean, inverseDeviation } = p.normalize(a, gain, bias, epsilon);
    return this.#record([a, gain, bias], output, (dy) => {
      const normalized = once(() => p.mul(p.sub(a, mean), inverseDeviation));
      const gradientA = (): T => {
        const d = p.mul(dy, gain);
        const along = p.mul(normalized(), p.lastMean(p.mul(d, normalized())));
        return p.mul(p.sub(p.sub(d, p.lastMean(d)), along), inverseDeviation);
      };
      return [gradientA, () => this.#unbroadcast(p.mul(dy, normalized()), gain.shape), () => this.#unbroadcast(dy, bias.shape)];
    });
  }

  gather(table: T, ids: T): T {
    return this.#unary(table, this.#p.gather(table, ids), (dy) => this.#p.rowProduct(this.#p.oneHot(ids, known(table, 0)), dy));
  }

  /** d(logits) = softmax(logits) − oneHot(id). */
  negativeLogLikelihood(logits: T, ids: T): T {
    const p = this.#p;
    const logProbabilities = p.logSoftmax(logits);
    return this.#unary(logits, p.neg(p.pick(logProbabilities, ids)), (dy) => {
      const excess = p.sub(p.exp(logProbabilities), p.oneHot(ids, known(logits, -1)));
      return p.mul(excess, p.reshape(dy, [...ids.shape, 1]));
    });
  }

  #value(operand: T | number): T {
    return typeof operand === 'number' ? this.#p.scalar(operand) : operand;
  }

  #binary(a: T, b: T, y: T, rule: Rule<T>): T {
    return this.#record([a, b], y, (dy) => rule(dy).map((gradient, i) => () => this.#unbroadcast(gradient(), (i === 0 ? a : b).shape)));
  }

  #unary(a: T, y: T, gradient: (dy: T) => T): T {
    return this.#record([a], y, (dy) => [() => gradient(dy)]);
  }

  #record(inputs: readonly T[], output: T, rule: Rule<T>): T {
    // an engine may answer with a value that it gave before: its gradient must not flow twice
    if (!this.#tracked.has(output) && inputs.some((input) => this.#tracked.has(input))) {
      this.#tracked.add(output);
      this.#steps.push({ inputs, output, rule });
    }
    return output;
  }

  #unbroadcast(gradient: T, shape: Shape): T {
    if (sameShape(gradient.shape, shape)) return gradient;
    return this.#p.reshape(this.#p.sum(gradient, broadcastAxes(gradient.shape, shape), true), shape);
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
