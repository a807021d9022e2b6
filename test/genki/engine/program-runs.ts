import { expect } from 'vitest';
import type { Dim, Engine, Program, Tensor, TensorSpec } from '../../../genki/engine/engine.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { type Reference, sizeOf } from './reference-ops.ts';

export type References = Record<string, Reference>;

const bind = (shape: readonly Dim[], sizes: Readonly<Record<string, number>>): number[] => shape.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]!));

export type DrawOptions = { readonly seed: string; readonly sizes?: Readonly<Record<string, number>>; readonly range?: readonly [number, number] | undefined };

/** Seeded values for a program's inputs, as float32 holds them. */
export function drawInputs(inputs: Program['inputs'], { seed, sizes = {}, range = [-1.5, 1.5] }: DrawOptions): References {
  const random = new Random(seed);
  const draw = ({ dtype }: TensorSpec) => (dtype === 'int32' ? random.int(5) : Math.fround(range[0] + (range[1] - range[0]) * random.float()));
  return Object.fromEntries(Object.entries(inputs).map(([name, spec]) => {
    const shape = bind(spec.shape, sizes);
    return [name, { shape, values: Array.from({ length: sizeOf(shape) }, () => draw(spec)) }];
  }));
}

export function feedsOf(engine: Engine, { inputs }: Program, values: References): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(inputs).map(([name, { dtype }]) => {
    const { shape, values: numbers } = values[name]!;
    return [name, engine.tensor(dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers), shape)];
  }));
}

export function expectOutputs(actual: References, expected: References): void {
  expect(Object.keys(actual).toSorted()).toEqual(Object.keys(expected).toSorted());
  for (const [name, { shape, values }] of Object.entries(expected)) {
    expect(actual[name]!.shape, name).toEqual(shape);
    expectClose(actual[name]!.values, values, name);
  }
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  const largest = Math.max(1, ...expected.map(Math.abs));
  expect(actual.length, `${what}: length`).toBe(expected.length);
  const worst = Math.max(0, ...expected.map((x, i) => Math.abs(x - actual[i]!) / largest));
  expect(worst, `${what}: worst difference`).toBeLessThan(2e-5);
}

export async function runOnce(engine: Engine, program: Program, inputs: References): Promise<References> {
  const executable = await engine.compile(program);
  const feeds = feedsOf(engine, program, inputs);
  const outputs = await executable.run(feeds);
  const read: References = {};
  for (const [name, tensor] of Object.entries(outputs)) read[name] = { shape: tensor.shape, values: Array.from(await tensor.read()) };
  for (const tensor of [...Object.values(feeds), ...Object.values(outputs)]) tensor.dispose();
  await executable.dispose();
  return read;
}
