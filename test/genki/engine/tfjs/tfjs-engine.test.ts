import { beforeAll, describe, expect, it, vi } from 'vitest';
import { availableEngines } from '../../../../genki/engine/choose-engine.ts';
import type { Engine, Program } from '../../../../genki/engine/engine.ts';
import { loadTfjs, type Tfjs, type TfjsBackend } from '../../../../genki/engine/tfjs/load-tfjs.ts';
import { createTfjsEngine } from '../../../../genki/engine/tfjs/tfjs-engine.ts';
import { EngineError } from '../../../../genki/errors.ts';

const program: Program = {
  name: 'sum of products',
  inputs: { a: { shape: ['B', 3], dtype: 'float32' }, b: { shape: ['B', 3], dtype: 'float32' } },
  build: (ops, { a, b }) => {
    const products = ops.mul(ops.gelu(a!), b!);
    return { products, total: ops.sum(products, [0, 1]) };
  },
  gradients: { of: 'total', wrt: ['a'] },
};

describe.each(['wasm', 'cpu'] as const)('tfjs-%s', (backend) => {
  let engine: Engine;
  let tf: Tfjs;
  const feeds = () => ({ a: engine.tensor(Float32Array.of(1, 2, 3), [1, 3]), b: engine.tensor(Float32Array.of(4, 5, 6), [1, 3]) });
  beforeAll(async () => {
    engine = await createTfjsEngine({ backend });
    ({ tf } = await loadTfjs(backend));
  });

  it('keeps nothing but the feeds and the outputs', async () => {
    const before = tf.memory().numTensors;
    const { a, b } = feeds();
    const executable = await engine.compile(program);
    const outputs = await executable.run({ a, b });
    expect(tf.memory().numTensors - before).toBe(2 + Object.keys(outputs).length);
    for (const tensor of [a, b, ...Object.values(outputs)]) tensor.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, Program]>([
    ['the build throws', { ...program, build: (ops, { a, b }) => ({ total: ops.matmul(ops.exp(a!), b!) }) }],
    ['what is differentiated is no scalar', { ...program, gradients: { of: 'products', wrt: ['a'] } }],
    ['the feeds are not those of the program', { ...program, inputs: {} }],
  ])('keeps nothing when %s', async (_, wrong) => {
    const { a, b } = feeds();
    const before = tf.memory().numTensors;
    const executable = await engine.compile(wrong);
    await expect(executable.run({ a, b })).rejects.toBeInstanceOf(EngineError);
    expect(tf.memory().numTensors).toBe(before);
    a.dispose();
    b.dispose();
  });

  it('refuses the tensors of the onnx engine', async () => {
    const { createOnnxEngine } = await import('../../../../genki/engine/onnx/onnx-engine.ts');
    const onnx = await createOnnxEngine({ threads: 1 });
    const foreign = onnx.tensor(Float32Array.of(1, 2, 3), [1, 3]);
    const { a } = feeds();
    await expect((await engine.compile(program)).run({ a, b: foreign })).rejects.toThrow(/feed b of a tfjs engine/);
    await expect((await onnx.compile(program)).run({ a, b: foreign })).rejects.toThrow(/feed a of the onnx engine/);
  });
});

describe('two engines of one TensorFlow.js', () => {
  it('work in turns, each on its own backend', async () => {
    const [wasm, cpu] = [await createTfjsEngine({ backend: 'wasm' }), await createTfjsEngine({ backend: 'cpu' })];
    const run = async (engine: Engine) => {
      const executable = await engine.compile(program);
      const { total } = await executable.run({ a: engine.tensor(Float32Array.of(1, 2, 3), [1, 3]), b: engine.tensor(Float32Array.of(4, 5, 6), [1, 3]) });
      return (await total!.read())[0];
    };
    const totals = await Promise.all([run(wasm), run(cpu), run(wasm), run(cpu)]);
    for (const total of totals) expect(total).toBeCloseTo(4 * 0.8413447 + 5 * 1.9544997 + 6 * 2.9959503, 4);
  });
});

const backends = (await availableEngines()).flatMap(({ name, ok }) => (ok && name.startsWith('tfjs-') ? [name.slice('tfjs-'.length) as TfjsBackend] : []));

describe('loadTfjs', () => {
  it.each(backends)('makes the backend of %s the current one, each time', async (backend) => {
    const current: string[] = [];
    for (const each of [backend, ...backends, backend]) {
      const { tf, backendName } = await loadTfjs(each);
      expect(tf.getBackend()).toBe(backendName);
      if (each === backend) current.push(backendName);
    }
    expect(new Set(current)).toEqual(new Set([backend.startsWith('node') ? 'tensorflow' : backend]));
  });

  it("leaves the process's error handlers and its standard output alone", async () => {
    const written = vi.spyOn(process.stdout, 'write');
    const listeners = () => ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event));
    const before = listeners();
    await (await createTfjsEngine({ backend: 'wasm' })).dispose();
    expect(listeners()).toEqual(before);
    expect(written).not.toHaveBeenCalled();
    written.mockRestore();
  });

  it('says what is missing where the package is not found', async () => {
    await expect(loadTfjs('node', '/')).rejects.toThrow(/^tfjs-node: @tensorflow\/tfjs-node is not installed with its native library$/);
    await expect(loadTfjs('wasm', '/')).rejects.toThrow(/^tfjs-wasm: Cannot find module '@tensorflow\/tfjs'$/);
  });
});
