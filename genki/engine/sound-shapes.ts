import { EngineError } from '../errors.ts';
import type { Dim, Ops, Shape } from './engine.ts';
import { sameShape, shapeText } from './shapes.ts';

type Shaped = { readonly shape: Shape };
export type Padding = Parameters<Ops<unknown>['pad']>[1];
/** What is convolved, and with what. */
export type Convolved<T> = { readonly a: T; readonly kernel: T; readonly bias: T };
export type LstmWeights<T> = { readonly input: T; readonly hidden: T; readonly bias: T };

/** @throws {EngineError} when there is not enough to mirror or to repeat */
export function paddedShape({ shape }: Shaped, { left, right, mode }: Padding): Dim[] {
  const length = lengthOf(shape);
  wholeNumber('padding', Math.min(left, right), 0);
  wholeNumber('padding', Math.max(left, right), 0);
  const least = { zero: 0, reflect: Math.max(left, right) + 1, replicate: 1 }[mode];
  if (length < least) throw new EngineError(`Expected ${least} values or more to ${mode} ${left} and ${right}, got ${shapeText(shape)}`);
  return shape.with(-1, length + left + right);
}

/** @throws {EngineError} when the shapes do not fit, or the kernel is longer than what it goes over */
export function convolvedShape({ a, kernel, bias }: Convolved<Shaped>, { stride, dilation }: { readonly stride: number; readonly dilation: number }): Dim[] {
  wholeNumber('stride', stride, 1);
  wholeNumber('dilation', dilation, 1);
  checkRanks(a, kernel);
  const [length, reach] = [lengthOf(a.shape), dilation * (lengthOf(kernel.shape) - 1) + 1];
  const [outputs, channels] = kernel.shape as [Dim, Dim, Dim];
  checkChannels({ a, kernel, bias }, channels, outputs);
  if (length < reach) throw new EngineError(`Expected ${reach} values or more for a kernel of ${shapeText(kernel.shape)} with dilation ${dilation}, got ${shapeText(a.shape)}`);
  return [a.shape[0]!, outputs, Math.floor((length - reach) / stride) + 1];
}

/** @throws {EngineError} when the shapes do not fit */
export function transposedShape({ a, kernel, bias }: Convolved<Shaped>, { stride }: { readonly stride: number }): Dim[] {
  wholeNumber('stride', stride, 1);
  checkRanks(a, kernel);
  const [length, reach] = [lengthOf(a.shape), lengthOf(kernel.shape)];
  const [channels, outputs] = kernel.shape as [Dim, Dim, Dim];
  checkChannels({ a, kernel, bias }, channels, outputs);
  if (length < 1) throw new EngineError(`Expected 1 value or more, got ${shapeText(a.shape)}`);
  return [a.shape[0]!, outputs, (length - 1) * stride + reach];
}

/** @throws {EngineError} when the shapes do not fit */
export function lstmShape({ shape }: Shaped, { input, hidden, bias }: LstmWeights<Shaped>): { readonly shape: Dim[]; readonly hiddenSize: number } {
  const hiddenSize = lengthOf(hidden.shape);
  const gates = 4 * hiddenSize;
  const fits = shape.length === 3 && sameShape(input.shape, [gates, shape[2]!]) && sameShape(hidden.shape, [gates, hiddenSize]) && sameShape(bias.shape, [gates]);
  if (!fits) throw new EngineError(`Expected [L, B, I] with weights [4H, I], [4H, H] and [4H], got ${[shape, input.shape, hidden.shape, bias.shape].map(shapeText).join(', ')}`);
  if (shape[0] === 0) throw new EngineError(`Expected 1 step or more, got ${shapeText(shape)}`);
  return { shape: [shape[0]!, shape[1]!, hiddenSize], hiddenSize };
}

/** @throws {EngineError} when there is nothing to choose from */
export function chosenShape({ shape }: Shaped): Dim[] {
  if (lengthOf(shape) < 1) throw new EngineError(`Expected 1 value or more to choose from, got ${shapeText(shape)}`);
  return shape.slice(0, -1);
}

function checkRanks(a: Shaped, kernel: Shaped): void {
  if (a.shape.length !== 3 || kernel.shape.length !== 3) throw new EngineError(`Expected [B, I, L] and a kernel of rank 3, got ${shapeText(a.shape)} and ${shapeText(kernel.shape)}`);
  if (lengthOf(kernel.shape) < 1) throw new EngineError(`Expected a kernel of length 1 or more, got ${shapeText(kernel.shape)}`);
}

function checkChannels({ a, kernel, bias }: Convolved<Shaped>, channels: Dim, outputs: Dim): void {
  if (a.shape[1] !== channels) throw new EngineError(`Expected ${channels} channels for a kernel of ${shapeText(kernel.shape)}, got ${shapeText(a.shape)}`);
  if (!sameShape(bias.shape, [outputs])) throw new EngineError(`Expected a bias of shape [${outputs}], got ${shapeText(bias.shape)}`);
}

function lengthOf(shape: Shape): number {
  const length = shape.at(-1);
  if (typeof length !== 'number') throw new EngineError(`Expected a last size that is known before the run, got ${shapeText(shape)}`);
  return length;
}

function wholeNumber(what: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) throw new EngineError(`Expected a ${what} of ${least} or more, got ${value}`);
}
