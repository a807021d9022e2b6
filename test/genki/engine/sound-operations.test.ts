import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableEngines, chooseEngine } from '../../../genki/engine/choose-engine.ts';
import type { Engine, Ops, Program } from '../../../genki/engine/engine.ts';
import { EngineError } from '../../../genki/errors.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { float } from './operation-cases.ts';
import { drawInputs, expectOutputs, feedsOf, runOnce } from './program-runs.ts';
import { type Reference, referenceOps } from './reference-ops.ts';

type Shape = readonly number[];
type Inputs<T> = Readonly<Record<string, T>>;

const programOf = (name: string, shapes: Inputs<Shape>, build: <T>(ops: Ops<T>, inputs: Inputs<T>) => T): Program => ({
  name,
  inputs: Object.fromEntries(Object.entries(shapes).map(([input, shape]) => [input, float(...shape)])),
  build: (ops, inputs) => ({ y: build(ops, inputs) }),
});

/** As many seeded programs as asked for, and what they have to give. */
const seeded = (what: string, count: number, draw: (size: (from: number, to: number) => number) => Program): Program[] => {
  const random = new Random(what);
  return Array.from({ length: count }, () => draw((from, to) => from + random.int(to - from + 1)));
};

const convolution = (sizes: { B: number; I: number; O: number; L: number; K: number; stride: number; dilation: number }): Program => {
  const { B, I, O, L, K, stride, dilation } = sizes;
  return programOf(`conv1d ${JSON.stringify(sizes)}`, { a: [B, I, L], kernel: [O, I, K], bias: [O] }, (ops, { a, kernel, bias }) => ops.conv1d(a!, kernel!, bias!, { stride, dilation }));
};
const transposed = (sizes: { B: number; I: number; O: number; L: number; K: number; stride: number }): Program => {
  const { B, I, O, L, K, stride } = sizes;
  return programOf(`convTranspose1d ${JSON.stringify(sizes)}`, { a: [B, I, L], kernel: [I, O, K], bias: [O] }, (ops, { a, kernel, bias }) => ops.convTranspose1d(a!, kernel!, bias!, { stride }));
};
const recurrent = (sizes: { L: number; B: number; I: number; H: number }): Program => {
  const { L, B, I, H } = sizes;
  return programOf(`lstm ${JSON.stringify(sizes)}`, { a: [L, B, I], input: [4 * H, I], hidden: [4 * H, H], bias: [4 * H] }, (ops, { a, input, hidden, bias }) => ops.lstm(a!, { input: input!, hidden: hidden!, bias: bias! }));
};
const padded = (shape: Shape, size: Parameters<Ops<unknown>['pad']>[1]): Program => programOf(`pad ${JSON.stringify({ shape, ...size })}`, { a: shape }, (ops, { a }) => ops.pad(a!, size));
const unary = (op: 'elu' | 'argMax', shape: Shape): Program => programOf(`${op} [${shape.join(', ')}]`, { a: shape }, (ops, { a }) => ops[op](a!));

const ones = { B: 1, I: 1, O: 1, L: 1, K: 1, stride: 1 };
const cases: Program[] = [
  convolution({ ...ones, dilation: 1 }),
  convolution({ ...ones, dilation: 3 }),
  convolution({ B: 2, I: 3, O: 4, L: 7, K: 7, stride: 5, dilation: 1 }),
  convolution({ B: 0, I: 3, O: 4, L: 7, K: 2, stride: 1, dilation: 1 }),
  ...seeded('conv1d', 25, (size) => {
    const [K, dilation] = [size(1, 7), size(1, 4)];
    return convolution({ B: size(1, 3), I: size(1, 5), O: size(1, 5), K, dilation, stride: size(1, 5), L: dilation * (K - 1) + size(1, 20) });
  }),
  transposed(ones),
  transposed({ ...ones, stride: 4 }),
  transposed({ B: 0, I: 2, O: 3, L: 4, K: 4, stride: 2 }),
  ...seeded('convTranspose1d', 25, (size) => transposed({ B: size(1, 3), I: size(1, 5), O: size(1, 5), L: size(1, 12), K: size(1, 8), stride: size(1, 8) })),
  recurrent({ L: 1, B: 1, I: 1, H: 1 }),
  recurrent({ L: 60, B: 1, I: 2, H: 3 }),
  recurrent({ L: 3, B: 0, I: 2, H: 3 }),
  ...seeded('lstm', 10, (size) => recurrent({ L: size(1, 9), B: size(1, 4), I: size(1, 6), H: size(1, 6) })),
  padded([3], { left: 0, right: 0, mode: 'zero' }),
  padded([3], { left: 2, right: 2, mode: 'reflect' }),
  padded([1], { left: 0, right: 0, mode: 'reflect' }),
  padded([1], { left: 3, right: 4, mode: 'replicate' }),
  padded([2, 0], { left: 1, right: 2, mode: 'zero' }),
  padded([2, 0, 3], { left: 1, right: 2, mode: 'reflect' }),
  ...(['zero', 'reflect', 'replicate'] as const).flatMap((mode) =>
    seeded(mode, 8, (size) => {
      const [left, right] = [size(0, 6), size(0, 6)];
      return padded([size(1, 3), size(1, 3), Math.max(left, right) + size(1, 5)], { left, right, mode });
    }),
  ),
  ...[[2, 3, 4], [5], [3, 0, 2]].map((shape) => unary('elu', shape)),
  ...[[2, 3, 4], [5], [0, 2], [3, 1]].map((shape) => unary('argMax', shape)),
];

/** Wide enough that the threads share the work. */
const wide: Program[] = [
  convolution({ B: 1, I: 32, O: 48, L: 3000, K: 7, stride: 1, dilation: 2 }),
  convolution({ B: 2, I: 8, O: 200, L: 700, K: 5, stride: 2, dilation: 1 }),
  transposed({ B: 1, I: 64, O: 32, L: 700, K: 8, stride: 4 }),
  recurrent({ L: 12, B: 1, I: 96, H: 96 }),
  recurrent({ L: 6, B: 7, I: 64, H: 128 }),
];

describe('onnx', () => {
  it.each(wide)('gives the same bits with one thread and with three: $name', async (program) => {
    const inputs = drawInputs(program.inputs, { seed: 'wide', range: [-0.3, 0.3] });
    const bits = await Promise.all([1, 3].map(async (threads) => {
      const engine = await chooseEngine({ prefer: 'onnx', threads });
      const { y } = await runOnce(engine, program, inputs);
      await engine.dispose();
      return new Uint32Array(Float32Array.from(y!.values).buffer);
    }));
    expect(bits[0]).toEqual(bits[1]);
  });
});

const available = (await availableEngines()).filter(({ ok }) => ok).map(({ name }) => name);

describe.each(available)('%s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await chooseEngine({ prefer: name, threads: 2 });
  });
  afterAll(() => engine.dispose());

  it.each(cases)('$name', async (program) => {
    const inputs = drawInputs(program.inputs, { seed: program.name });
    expectOutputs(await runOnce(engine, program, inputs), program.build(referenceOps, inputs, Number));
  });

  it('chooses the first of equal ones', async () => {
    const a: Reference = { shape: [2, 6], values: [1, 3, 2, 3, 3, 0, -2, -2, -2, -2, -2, -2] };
    const executable = await engine.compile(unary('argMax', a.shape));
    const { y } = await executable.run(feedsOf(engine, unary('argMax', a.shape), { a }));
    expect(y).toMatchObject({ dtype: 'int32', shape: [2] });
    expect(await y!.read()).toEqual(Int32Array.of(1, 0));
  });

  it('serves every number of rows with one program', async () => {
    const program: Program = {
      name: 'rows',
      inputs: { a: { shape: ['B', 2, 6], dtype: 'float32' }, kernel: float(3, 2, 3), bias: float(3), back: float(3, 2, 2), input: float(8, 6), hidden: float(8, 2), gates: float(8) },
      build: (ops, { a, kernel, bias, back, input, hidden, gates }) => {
        const narrow = ops.conv1d(ops.elu(ops.pad(a!, { left: 1, right: 1, mode: 'reflect' })), kernel!, bias!, { stride: 1, dilation: 1 });
        const states = ops.lstm(ops.transpose(narrow, [1, 0, 2]), { input: input!, hidden: hidden!, bias: gates! });
        return { narrow, states, wide: ops.convTranspose1d(narrow, back!, ops.slice(bias!, 0, { from: -2, to: 3 }), { stride: 2 }), best: ops.argMax(narrow) };
      },
    };
    const executable = await engine.compile(program);
    for (const B of [1, 4, 2]) {
      const inputs = drawInputs(program.inputs, { seed: `rows ${B}`, sizes: { B } });
      const outputs = await executable.run(feedsOf(engine, program, inputs));
      const read = await Promise.all(Object.entries(outputs).map(async ([output, tensor]) => [output, { shape: tensor.shape, values: Array.from(await tensor.read()) }] as const));
      expectOutputs(Object.fromEntries(read), program.build(referenceOps, inputs, (dim) => (dim === 'B' ? B : dim)));
    }
  });

  const wrong = (shapes: Inputs<Shape>, build: <T>(ops: Ops<T>, inputs: Inputs<T>) => T): Program => programOf('wrong', shapes, build);
  it.each<[string, Program, RegExp]>([
    ['to mirror more than there is', padded([2, 3], { left: 0, right: 3, mode: 'reflect' }), /Expected 4 values or more to reflect 0 and 3, got \[2, 3\]/],
    ['to repeat nothing', padded([2, 0], { left: 1, right: 1, mode: 'replicate' }), /Expected 1 values or more to replicate 1 and 1, got \[2, 0\]/],
    ['a padding below 0', padded([3], { left: -1, right: 1, mode: 'zero' }), /padding of 0 or more, got -1/],
    ['half a padding', padded([3], { left: 0, right: 0.5, mode: 'zero' }), /padding of 0 or more, got 0.5/],
    ['a kernel that is too long', convolution({ ...ones, K: 3, L: 4, dilation: 2 }), /Expected 5 values or more .* dilation 2, got \[1, 1, 4\]/],
    ['a stride of 0', convolution({ ...ones, stride: 0, dilation: 1 }), /stride of 1 or more, got 0/],
    ['half a dilation', convolution({ ...ones, dilation: 0.5 }), /dilation of 1 or more, got 0.5/],
    ['a transposed stride of 0', transposed({ ...ones, stride: 0 }), /stride of 1 or more, got 0/],
    ['other channels', wrong({ a: [1, 2, 5], b: [4, 3, 1], c: [4] }, (ops, { a, b, c }) => ops.conv1d(a!, b!, c!, { stride: 1, dilation: 1 })), /Expected 3 channels for a kernel of \[4, 3, 1\], got \[1, 2, 5\]/],
    ['other transposed channels', wrong({ a: [1, 3, 5], b: [4, 3, 1], c: [3] }, (ops, { a, b, c }) => ops.convTranspose1d(a!, b!, c!, { stride: 1 })), /Expected 4 channels for a kernel of \[4, 3, 1\], got \[1, 3, 5\]/],
    ['a bias of another size', wrong({ a: [1, 3, 5], b: [4, 3, 1], c: [3] }, (ops, { a, b, c }) => ops.conv1d(a!, b!, c!, { stride: 1, dilation: 1 })), /Expected a bias of shape \[4\], got \[3\]/],
    ['a picture', wrong({ a: [1, 3, 5, 5], b: [4, 3, 1], c: [4] }, (ops, { a, b, c }) => ops.conv1d(a!, b!, c!, { stride: 1, dilation: 1 })), /Expected \[B, I, L\] and a kernel of rank 3, got \[1, 3, 5, 5\] and/],
    ['states of another size', wrong({ a: [2, 1, 3], b: [8, 3], c: [8, 4], d: [8] }, (ops, { a, b, c, d }) => ops.lstm(a!, { input: b!, hidden: c!, bias: d! })), /weights \[4H, I\], \[4H, H\] and \[4H\], got \[2, 1, 3\], \[8, 3\], \[8, 4\], \[8\]/],
    ['no step', recurrent({ L: 0, B: 2, I: 2, H: 3 }), /Expected 1 step or more, got \[0, 2, 2\]/],
    ['to choose from nothing', unary('argMax', [2, 0]), /Expected 1 value or more to choose from, got \[2, 0\]/],
    ['a slice beyond the end', wrong({ a: [2, 5] }, (ops, { a }) => ops.slice(a!, 1, { from: 3, to: 6 })), /Expected a range of axis 1 of \[2, 5\], got 3 up to 6/],
    ['a slice from before the front', wrong({ a: [2, 5] }, (ops, { a }) => ops.slice(a!, 1, { from: -6, to: 2 })), /Expected a range of axis 1 of \[2, 5\], got -6 up to 2/],
    ['a slice that ends before it begins', wrong({ a: [2, 5] }, (ops, { a }) => ops.slice(a!, -1, { from: 3, to: 2 })), /Expected a range of axis 1 of \[2, 5\], got 3 up to 2/],
    ['a slice of half an element', wrong({ a: [2, 5] }, (ops, { a }) => ops.slice(a!, 0, { from: 0, to: 0.5 })), /got 0 up to 0.5/],
  ])('refuses %s', async (_, program, message) => {
    const compileAndRun = () => runOnce(engine, program, drawInputs(program.inputs, { seed: 'wrong' }));
    await expect(compileAndRun()).rejects.toThrow(message);
    await expect(compileAndRun()).rejects.toBeInstanceOf(EngineError);
  });

  it.each<[string, <T>(ops: Ops<T>, a: T, b: T, c: T) => T]>([
    ['elu', (ops, a) => ops.elu(a)],
    ['pad', (ops, a) => ops.pad(a, { left: 1, right: 1, mode: 'zero' })],
    ['conv1d', (ops, a, b, c) => ops.conv1d(b, a, c, { stride: 1, dilation: 1 })],
    ['convTranspose1d', (ops, a, b, c) => ops.convTranspose1d(b, a, c, { stride: 1 })],
    ['lstm', (ops, a) => ops.lstm(a, { input: a, hidden: a, bias: a })],
    ['argMax', (ops, a) => ops.argMax(a)],
  ])('refuses to differentiate through %s, and computes it beside what is differentiated', async (operation, build) => {
    const inputs = { a: float(2, 2, 2), b: float(2, 2, 2), c: float(2) };
    const through: Program = { name: 'through', inputs, build: (ops, { a, b, c }) => ({ y: build(ops, ops.exp(a!), b!, c!), loss: ops.sum(a!, [0, 1, 2]) }), gradients: { of: 'loss', wrt: ['a'] } };
    await expect(runOnce(engine, through, drawInputs(inputs, { seed: 'a' }))).rejects.toThrow(`Expected ${operation} of what is not differentiated, for it has no gradient`);
    if (operation === 'lstm') return;
    const beside: Program = { ...through, build: (ops, { a, b, c }) => ({ y: build(ops, b!, b!, c!), loss: ops.sum(a!, [0, 1, 2]) }) };
    expect(Object.keys(await runOnce(engine, beside, drawInputs(inputs, { seed: 'a' })))).toEqual(['y', 'loss', 'grad/a']);
  });
});
