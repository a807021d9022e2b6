import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../../genki/engine/build-program.ts';
import type { Ops, Program } from '../../../../genki/engine/engine.ts';
import { Graph, type Value } from '../../../../genki/engine/onnx/graph.ts';
import { GraphPrimitives } from '../../../../genki/engine/onnx/graph-primitives.ts';
import { createOnnxEngine } from '../../../../genki/engine/onnx/onnx-engine.ts';
import { onnxModel } from '../../../../genki/engine/onnx/onnx-model.ts';
import { smallNet } from '../small-net.ts';

const net = smallNet(4);

function trace(program: Program): { graph: Graph; outputs: Map<string, Value> } {
  const graph = new Graph();
  const inputs = Object.fromEntries(Object.entries(program.inputs).map(([name, { shape, dtype }]) => [name, graph.input(name, shape, dtype)]));
  return { graph, outputs: buildProgram(program, new GraphPrimitives(graph), { inputs, size: (dim) => dim }) };
}

const count = ({ nodes }: Graph, op: RegExp): number => nodes.filter((node) => op.test(node.op)).length;

describe('tracing', () => {
  it('knows the shapes of outputs and gradients by the names of their sizes', () => {
    const { outputs } = trace(net);
    expect(outputs.get('logits')!.shape).toEqual(['B', 'T', 5]);
    expect(outputs.get('loss')!.shape).toEqual([]);
    for (const name of net.gradients!.wrt) expect(outputs.get(`grad/${name}`)!.shape).toEqual(net.inputs[name]!.shape);
  });

  it('gives frozen weights no backward part', () => {
    const products = (wrt: string[]): number => count(trace({ ...net, gradients: { of: 'loss', wrt } }).graph, /MatMul|Gemm/);
    const forward = products([]);
    expect(forward).toBe(6);
    expect(products(['narrow'])).toBe(forward + 1);
    expect(products(['widen'])).toBe(forward + 2);
  });

  it('emits the same operation on the same values once, and its gradient flows once', async () => {
    const twice: Program = {
      name: 'twice',
      inputs: { a: { shape: [1], dtype: 'float32' } },
      build: (ops, { a }) => ({ y: ops.sum(ops.add(ops.exp(a!), ops.exp(a!)), [0]) }),
      gradients: { of: 'y', wrt: ['a'] },
    };
    expect(count(trace(twice).graph, /Exp$/)).toBe(1);
    const engine = await createOnnxEngine({ threads: 1 });
    const outputs = await (await engine.compile(twice)).run({ a: engine.tensor(Float32Array.of(0), [1]) });
    expect(await outputs['grad/a']!.read()).toEqual(Float32Array.of(2));
    await engine.dispose();
  });

  it('keeps apart what differs only in the name of a size', () => {
    const { outputs } = trace({
      name: 'names',
      inputs: { a: { shape: ['B', 4], dtype: 'float32' } },
      build: (ops, { a }) => ({ m: ops.concat([a!, a!], 0, 'M'), n: ops.concat([a!, a!], 0, 'N') }),
    });
    expect([...outputs.values()].map(({ shape }) => shape)).toEqual([['M', 4], ['N', 4]]);
  });

  it('asks the session only for the inputs that the outputs depend on', () => {
    const { graph, outputs } = trace({ ...net, build: <T>(ops: Ops<T>, { gain, bias, table }: Readonly<Record<string, T>>) => ({ loss: ops.sum(ops.mul(gain!, bias!), [0]), unused: ops.neg(table!) }), gradients: { of: 'loss', wrt: ['gain'] } });
    outputs.delete('unused');
    expect(onnxModel(graph, outputs).inputs).toEqual(['gain', 'bias']);
  });

  it('makes the same bytes of the same program', () => {
    const bytes = [trace(net), trace(net)].map(({ graph, outputs }) => onnxModel(graph, outputs).bytes);
    expect(bytes[0]).toEqual(bytes[1]);
  });

  const a = { shape: ['B', 4], dtype: 'float32' } as const;
  const b = { shape: ['T', 4], dtype: 'float32' } as const;
  const ids = { shape: ['B'], dtype: 'int32' } as const;
  it.each<[string, Program['build'], RegExp]>([
    ['sizes of other names', (ops, inputs) => ({ y: ops.add(inputs['a']!, inputs['b']!) }), /broadcast, got \[B, 4\] and \[T, 4\]/],
    ['a joined axis whose size nobody names', (ops, inputs) => ({ y: ops.concat([inputs['a']!, inputs['b']!], 0) }), /Expected a name for the size/],
    ['a joined axis of sizes unlike beside it', (ops, inputs) => ({ y: ops.concat([inputs['a']!, inputs['b']!], 1) }), /Expected parts like \[B, 4\] beside axis 1, got \[T, 4\]/],
    ['a shape of another number of elements', (ops, inputs) => ({ y: ops.reshape(ops.sum(inputs['a']!, [0]), [3]) }), /Expected a shape of 4 elements, got \[3\]/],
    ['a shape of two sizes that nobody has', (ops, inputs) => ({ y: ops.reshape(inputs['a']!, ['M', 'N']) }), /Expected sizes that the inputs name/],
    ['an axis that is not there', (ops, inputs) => ({ y: ops.sum(inputs['a']!, [2]) }), /rank 2, got \[2\]/],
    ['an axis twice', (ops, inputs) => ({ y: ops.sum(inputs['a']!, [1, -1]) }), /different axes/],
    ['a permutation that leaves an axis out', (ops, inputs) => ({ y: ops.transpose(inputs['a']!, [0]) }), /permutation of 2 axes, got \[0\]/],
    ['arithmetic on ids', (ops, inputs) => ({ y: ops.add(inputs['ids']!, 1) }), /float32 tensor, got int32 \[B\]/],
    ['ids that are floats', (ops, inputs) => ({ y: ops.gather(inputs['a']!, inputs['b']!) }), /int32 ids, got float32 \[T, 4\]/],
    ['ids of another shape than the logits', (ops, inputs) => ({ y: ops.negativeLogLikelihood(inputs['b']!, inputs['ids']!) }), /an id for each of \[T\], got \[B\]/],
    ['a slice from both ends of an axis whose size has a name', (ops, inputs) => ({ y: ops.slice(inputs['a']!, 0, { from: 0, to: -1 }) }), /Expected a range of axis 0 of \[B, 4\], got 0 up to -1/],
    ['a last size to pad that has a name', (ops, inputs) => ({ y: ops.pad(ops.sum(inputs['a']!, [1]), { left: 1, right: 1, mode: 'zero' }) }), /last size that is known before the run, got \[B\]/],
    ['to pad ids', (ops, inputs) => ({ y: ops.pad(inputs['ids']!, { left: 1, right: 1, mode: 'zero' }) }), /float32 tensor, got int32 \[B\]/],
    ['a gain of another size', (ops, inputs) => ({ y: ops.layerNorm(inputs['a']!, inputs['b']!, inputs['b']!, 1e-5) }), /gain and bias of shape \[4\], got \[T, 4\]/],
  ])('refuses %s', (_, build, message) => {
    expect(() => trace({ name: 'wrong', inputs: { a, b, ids }, build })).toThrow(message);
  });

  it.each<[string, { from: number; to: number }, number[], number[]]>([
    ['from the front', { from: 1, to: 3 }, [2, 3, 4, 5], [0, 0, 1, 1, 1, 1, 0, 0]],
    ['from the end', { from: -3, to: -1 }, [2, 3, 4, 5], [0, 0, 1, 1, 1, 1, 0, 0]],
  ])('slices an axis whose size has a name %s, and refuses a run that it reaches beyond', async (_, range, part, gradient) => {
    const engine = await createOnnxEngine({ threads: 1 });
    const program: Program = { name: 'part', inputs: { p: { shape: ['B', 2], dtype: 'float32' } }, build: (ops, { p }) => ({ y: ops.slice(p!, 0, range), loss: ops.sum(ops.slice(p!, 0, range), [0, 1]) }), gradients: { of: 'loss', wrt: ['p'] } };
    const executable = await engine.compile(program);
    const { y, 'grad/p': dp } = await executable.run({ p: engine.tensor(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), [4, 2]) });
    expect([await y!.read(), await dp!.read()]).toEqual([Float32Array.from(part), Float32Array.from(gradient)]);
    await expect(executable.run({ p: engine.tensor(Float32Array.of(0, 1, 2, 3), [2, 2]) })).rejects.toThrow(/part: .*out of/);
    await engine.dispose();
  });

  it('refuses a run with nothing to add up in a product of transposed matrices', async () => {
    const engine = await createOnnxEngine({ threads: 1 });
    const executable = await engine.compile({ name: 'product', inputs: { a, c: { shape: ['B', 2], dtype: 'float32' } }, build: (ops, inputs) => ({ y: ops.matmul(inputs['a']!, inputs['c']!, { transposeA: true }) }) });
    const tensor = (...shape: number[]) => engine.tensor(new Float32Array(shape[0]! * shape[1]!), shape);
    await expect(executable.run({ a: tensor(0, 4), c: tensor(0, 2) })).rejects.toThrow('product: expected a size B of 1 or more, got 0');
    expect((await executable.run({ a: tensor(3, 4), c: tensor(3, 2) }))['y']!.shape).toEqual([4, 2]);
    await engine.dispose();
  });
});
