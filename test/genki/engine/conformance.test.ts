import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableEngines, chooseEngine } from '../../../genki/engine/choose-engine.ts';
import type { Dim, Engine, Program, Tensor } from '../../../genki/engine/engine.ts';
import { EngineError } from '../../../genki/errors.ts';
import { type OperationCase, operationCases } from './operation-cases.ts';
import { type DrawOptions, drawInputs, expectOutputs, feedsOf, type References, runOnce } from './program-runs.ts';
import { referenceOps, sizeOf } from './reference-ops.ts';
import { smallNet } from './small-net.ts';

const evaluate = (program: Program, inputs: References): References => {
  const sizes = new Map(Object.entries(program.inputs).flatMap(([name, { shape }]) => shape.map((dim, axis): [Dim, number] => [dim, inputs[name]!.shape[axis]!])));
  return program.build(referenceOps, inputs, (dim) => (typeof dim === 'number' ? dim : sizes.get(dim)!));
};

/** (f(x + h) − f(x − h)) / 2h of every element of an input, in float64. */
function finiteDifferences(program: Program, inputs: References, name: string): number[] {
  const h = 1e-5;
  const { shape, values } = inputs[name]!;
  const shifted = (i: number, by: number): number => evaluate(program, { ...inputs, [name]: { shape, values: values.with(i, values[i]! + by) } })[program.gradients!.of]!.values[0]!;
  return values.map((_, i) => (shifted(i, h) - shifted(i, -h)) / (2 * h));
}

type Expectation = { readonly inputs: References; readonly outputs: References };
const expectations = new Map<string, Expectation>();

/** Seeded inputs, and what the program has to make of them; the same for every engine, so computed once. */
function expectationOf(program: Program, options: DrawOptions): Expectation {
  const known = expectations.get(options.seed);
  if (known !== undefined) return known;
  const inputs = drawInputs(program.inputs, options);
  const gradients = program.gradients!.wrt.map((name) => [`grad/${name}`, { shape: inputs[name]!.shape, values: finiteDifferences(program, inputs, name) }]);
  const expectation = { inputs, outputs: { ...evaluate(program, inputs), ...Object.fromEntries(gradients) } };
  expectations.set(options.seed, expectation);
  return expectation;
}

/** `y` of the case, and `loss`, a weighted sum of it, so that every element's gradient is another. */
function programOf({ title, inputs, gives, build }: OperationCase): Program {
  return {
    name: title,
    inputs: { ...inputs, weights: { shape: gives, dtype: 'float32' } },
    build: (ops, values) => {
      const y = build(ops, values);
      return { y, loss: ops.sum(ops.mul(y, values['weights']!), gives.map((_, axis) => axis)) };
    },
    gradients: { of: 'loss', wrt: Object.keys(inputs).filter((name) => inputs[name]!.dtype === 'float32') },
  };
}

const bits = (values: readonly number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

const available = (await availableEngines()).filter(({ ok }) => ok).map(({ name }) => name);

const net = smallNet(4);

describe.each(available)('%s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await chooseEngine({ prefer: name, threads: 2 });
  });
  afterAll(() => engine.dispose());

  it('says what it is', () => {
    expect(engine.name).toBe(name);
    expect(engine.build).toMatch(/\d+\.\d+\.\d+.*(cpu|gpu)/);
  });

  it.each(operationCases)('$title: value and gradients', async (operation) => {
    const program = programOf(operation);
    const { inputs, outputs } = expectationOf(program, { seed: operation.title, range: operation.range });
    expect(outputs['y']!.shape).toEqual(operation.gives);
    expectOutputs(await runOnce(engine, program, inputs), outputs);
  });

  it.each([{ B: 2, T: 4 }, { B: 1, T: 1 }, { B: 3, T: 2 }])('a small net of B $B and T $T: loss and gradients', async ({ B, T }) => {
    const { inputs, outputs } = expectationOf(net, { seed: `small net ${B} ${T}`, sizes: { B, T }, range: [-0.8, 0.8] });
    expectOutputs(await runOnce(engine, net, inputs), outputs);
  });

  it('gives the same bits for the same sizes, whatever sizes came between', async () => {
    const executable = await engine.compile(net);
    const runs: Record<string, Float32Array | Int32Array>[] = [];
    for (const sizes of [{ B: 2, T: 3 }, { B: 4, T: 7 }, { B: 0, T: 2 }, { B: 2, T: 3 }]) {
      const outputs = await executable.run(feedsOf(engine, net, drawInputs(net.inputs, { seed: 'in turn', sizes })));
      runs.push(Object.fromEntries(await Promise.all(Object.entries(outputs).map(async ([output, tensor]) => [output, (await tensor.read()).slice()] as const))));
    }
    expect(runs[3]).toEqual(runs[0]);
    expect(runs[2]!['grad/mix']).toEqual(new Float32Array(8 * 4));
  });

  it('gives zeros as the gradient of what the output does not depend on', async () => {
    const program: Program = {
      name: 'unrelated',
      inputs: { a: { shape: ['N'], dtype: 'float32' }, b: { shape: ['N', 2], dtype: 'float32' } },
      build: (ops, { a }) => ({ total: ops.sum(a!, [0]) }),
      gradients: { of: 'total', wrt: ['b', 'a'] },
    };
    const outputs = await runOnce(engine, program, drawInputs(program.inputs, { seed: 'unrelated', sizes: { N: 3 } }));
    expect(outputs['grad/b']).toEqual({ shape: [3, 2], values: [0, 0, 0, 0, 0, 0] });
    expect(outputs['grad/a']).toEqual({ shape: [3], values: [1, 1, 1] });
  });

  it('feeds a growing cache back, from one of length 0', async () => {
    const program: Program = {
      name: 'cache',
      inputs: { past: { shape: ['B', 'P', 2], dtype: 'float32' }, next: { shape: ['B', 1, 2], dtype: 'float32' } },
      build: (ops, { past, next }) => {
        const present = ops.concat([past!, next!], 1, 'N');
        return { past: present, weights: ops.softmax(ops.matmul(next!, present, { transposeB: true })) };
      },
    };
    const executable = await engine.compile(program);
    let past = engine.tensor(new Float32Array(0), [1, 0, 2]);
    for (let step = 1; step <= 3; step++) {
      const next = engine.tensor(Float32Array.of(step, -step), [1, 1, 2]);
      const outputs = await executable.run({ past, next });
      past.dispose();
      next.dispose();
      past = outputs['past']!;
      expect(outputs['weights']!.shape).toEqual([1, 1, step]);
    }
    expect(Array.from(await past.read())).toEqual([1, -1, 2, -2, 3, -3]);
  });

  it('gives an input, a constant or one value twice as outputs that are their own', async () => {
    const program: Program = {
      name: 'same',
      inputs: { a: { shape: [2], dtype: 'float32' }, ids: { shape: [2], dtype: 'int32' } },
      build: (ops, { a, ids }) => {
        const twice = ops.add(a!, a!);
        return { a: a!, twice, again: twice, ids: ops.reshape(ids!, [2, 1]), constant: ops.add(1, 2) };
      },
    };
    const feeds = { a: engine.tensor(Float32Array.of(1, 2), [2]), ids: engine.tensor(Int32Array.of(3, 4), [2]) };
    const outputs = await (await engine.compile(program)).run(feeds);
    outputs['twice']!.dispose();
    feeds.a.dispose();
    expect(await outputs['a']!.read()).toEqual(Float32Array.of(1, 2));
    expect(await outputs['again']!.read()).toEqual(Float32Array.of(2, 4));
    expect(await outputs['ids']!.read()).toEqual(Int32Array.of(3, 4));
    expect(outputs['ids']).toMatchObject({ dtype: 'int32', shape: [2, 1] });
    expect(await outputs['constant']!.read()).toEqual(Float32Array.of(3));
  });

  describe('refuses', () => {
    const program: Program = {
      name: 'sum of rows',
      inputs: { a: { shape: ['B', 'T'], dtype: 'float32' }, b: { shape: ['T', 3], dtype: 'float32' } },
      build: (ops, { a, b }) => ({ y: ops.matmul(a!, b!) }),
    };
    const floats = (...shape: number[]): Tensor => engine.tensor(new Float32Array(sizeOf(shape)), shape);

    it.each([
      ['a missing feed', () => ({ a: floats(2, 4) }), /missing feed b/],
      ['an unknown feed', () => ({ a: floats(2, 4), b: floats(4, 3), c: floats(1) }), /unknown feed c/],
      ['another shape', () => ({ a: floats(2, 4), b: floats(4, 2) }), /feed b of shape \[T = 4, 3\], got \[4, 2\]/],
      ['another rank', () => ({ a: floats(2, 4, 1), b: floats(4, 3) }), /feed a of shape/],
      ['a named size that differs', () => ({ a: floats(2, 4), b: floats(5, 3) }), /feed b of shape \[T = 4, 3\], got \[5, 3\]/],
      ['another dtype', () => ({ a: engine.tensor(new Int32Array(8), [2, 4]), b: floats(4, 3) }), /feed a of float32, got int32/],
      ['a feed named like what every object has', () => ({ a: floats(2, 4), b: floats(4, 3), toString: floats(1) }), /unknown feed toString/],
    ])('%s, by name', async (_, feeds, message) => {
      const executable = await engine.compile(program);
      await expect(executable.run(feeds())).rejects.toThrow(message);
      await expect(executable.run(feeds())).rejects.toBeInstanceOf(EngineError);
    });

    it('a tensor that was disposed of', async () => {
      const executable = await engine.compile(program);
      const a = floats(2, 4);
      a.dispose();
      await expect(executable.run({ a, b: floats(4, 3) })).rejects.toThrow(/disposed/);
    });

    it('to run a program that was disposed of', async () => {
      const executable = await engine.compile(program);
      await executable.dispose();
      await executable.dispose();
      await expect(executable.run({ a: floats(2, 4), b: floats(4, 3) })).rejects.toThrow(/disposed/);
    });

    it.each([[[2, 2]], [[-1, -3]], [[1.5, 2]]])('3 values as a tensor of shape %j', (shape) => {
      expect(() => engine.tensor(new Float32Array(3), shape)).toThrow(EngineError);
    });

    it.each([
      ['an output that is no scalar', { of: 'y', wrt: ['a'] }],
      ['an output that is not there', { of: 'z', wrt: ['a'] }],
      ['an input that is not there', { of: 'y', wrt: ['c'] }],
    ])('to differentiate %s', async (_, gradients) => {
      const compileAndRun = async () => (await engine.compile({ ...program, gradients })).run({ a: floats(2, 4), b: floats(4, 3) });
      await expect(compileAndRun()).rejects.toBeInstanceOf(EngineError);
    });

    it('matrices that do not multiply', async () => {
      const wrong: Program = { ...program, build: (ops, { a, b }) => ({ y: ops.matmul(b!, a!) }) };
      const compileAndRun = async () => (await engine.compile(wrong)).run({ a: floats(2, 4), b: floats(4, 3) });
      await expect(compileAndRun()).rejects.toBeInstanceOf(EngineError);
    });
  });
});

describe('onnx', () => {
  it('gives the same bits with one thread and with two', async () => {
    const wide = smallNet(64);
    const inputs = drawInputs(wide.inputs, { seed: 'threads', sizes: { B: 8, T: 32 }, range: [-0.2, 0.2] });
    const [one, two] = await Promise.all([1, 2].map(async (threads) => {
      const engine = await chooseEngine({ prefer: 'onnx', threads });
      const outputs = await runOnce(engine, wide, inputs);
      await engine.dispose();
      return outputs;
    }));
    for (const output of Object.keys(one!)) expect(bits(two![output]!.values), output).toEqual(bits(one![output]!.values));
  });
});
