import { EngineError } from '../errors.ts';
import type { Shape } from './engine.ts';
import type { Primitives, Shaped } from './primitives.ts';
import { broadcastAxes, sameShape, shapeText } from './shapes.ts';

/** d(of)/d(input) for each input of an operation, from d(of)/d(output); each computed only when it is asked for. */
type Rule<T> = (dy: T) => readonly (() => T)[];
type Step<T> = { readonly inputs: readonly T[]; readonly output: T; readonly rule: Rule<T> };

/**
 * What was computed, and how its gradients come back (Griewank and Walther 2008, chapter 3).
 * What does not depend on `wrt` leaves no trace, so frozen weights cost nothing on the way back.
 */
export class Recorder<T extends Shaped> {
  protected readonly p: Primitives<T>;
  readonly #tracked: Set<T>;
  readonly #steps: Step<T>[] = [];

  constructor(primitives: Primitives<T>, wrt: readonly T[]) {
    this.p = primitives;
    this.#tracked = new Set(wrt);
  }

  /**
   * d(of) / d(each of wrt), each of its value's shape; zeros for a value that `of` does not depend on.
   * @throws {EngineError} when `of` is not a float32 scalar
   */
  gradients(of: T, wrt: readonly T[]): T[] {
    if (of.shape.length !== 0 || of.dtype !== 'float32') throw new EngineError(`Expected a float32 scalar to differentiate, got ${of.dtype} ${shapeText(of.shape)}`);
    const found = new Map<T, T>([[of, this.p.scalar(1)]]);
    for (const { inputs, output, rule } of this.#steps.toReversed()) {
      const dy = found.get(output);
      if (dy === undefined) continue;
      rule(dy).forEach((gradient, i) => {
        const input = inputs[i]!;
        if (!this.#tracked.has(input)) return;
        const before = found.get(input);
        found.set(input, before === undefined ? gradient() : this.p.add(before, gradient()));
      });
    }
    return wrt.map((value) => found.get(value) ?? this.p.expand(this.p.scalar(0), value.shape));
  }

  protected forwardOnly(operation: string, inputs: readonly T[]): Primitives<T> {
    if (inputs.some((input) => this.#tracked.has(input))) throw new EngineError(`Expected ${operation} of what is not differentiated, for it has no gradient`);
    return this.p;
  }

  protected value(operand: T | number): T {
    return typeof operand === 'number' ? this.p.scalar(operand) : operand;
  }

  protected binary(a: T, b: T, y: T, rule: Rule<T>): T {
    return this.record([a, b], y, (dy) => rule(dy).map((gradient, i) => () => this.unbroadcast(gradient(), (i === 0 ? a : b).shape)));
  }

  protected unary(a: T, y: T, gradient: (dy: T) => T): T {
    return this.record([a], y, (dy) => [() => gradient(dy)]);
  }

  protected record(inputs: readonly T[], output: T, rule: Rule<T>): T {
    // an engine may answer with a value that it gave before: its gradient must not flow twice
    if (!this.#tracked.has(output) && inputs.some((input) => this.#tracked.has(input))) {
      this.#tracked.add(output);
      this.#steps.push({ inputs, output, rule });
    }
    return output;
  }

  protected unbroadcast(gradient: T, shape: Shape): T {
    if (sameShape(gradient.shape, shape)) return gradient;
    return this.p.reshape(this.p.sum(gradient, broadcastAxes(gradient.shape, shape), true), shape);
  }
}
