import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../../../genki/engine/build-program.ts';
import type { Engine, Program } from '../../../../genki/engine/engine.ts';
import { foldScales } from '../../../../genki/engine/onnx/fold-scales.ts';
import { Graph } from '../../../../genki/engine/onnx/graph.ts';
import { GraphPrimitives } from '../../../../genki/engine/onnx/graph-primitives.ts';
import { createOnnxEngine } from '../../../../genki/engine/onnx/onnx-engine.ts';
import { drawInputs, expectOutputs, runOnce } from '../program-runs.ts';
import { referenceOps } from '../reference-ops.ts';

const SIZES: Readonly<Record<string, number>> = { B: 2, P: 3 };
const inputs: Program['inputs'] = {
  a: { shape: ['B', 4, 3], dtype: 'float32' },
  b: { shape: [3, 4], dtype: 'float32' },
  c: { shape: ['B', 4, 3], dtype: 'float32' },
  d: { shape: ['P', 3], dtype: 'float32' },
};

/** How many multiplications the session is left with. */
function remaining(program: Program): number {
  const graph = new Graph();
  const values = Object.fromEntries(Object.entries(program.inputs).map(([name, { shape, dtype }]) => [name, graph.input(name, shape, dtype)]));
  const outputs = buildProgram(program, new GraphPrimitives(graph), { inputs: values, size: (dim) => dim });
  return foldScales(graph, graph.nodes, new Set(outputs.values())).filter(({ op }) => op === 'Mul').length;
}

describe('foldScales', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createOnnxEngine({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  it.each<[string, number, Program['build']]>([
    ['of a product', 0, (ops, { a, b }) => ({ y: ops.neg(ops.mul(ops.matmul(a!, b!), 3)) })],
    ['of a product of transposed matrices', 0, (ops, { a, c }) => ({ y: ops.neg(ops.mul(0.5, ops.matmul(a!, c!, { transposeB: true }))) })],
    ['twice', 0, (ops, { a, b }) => ({ y: ops.neg(ops.mul(ops.mul(ops.matmul(a!, b!), 3), -2)) })],
    ['of a product that was arranged anew', 0, (ops, { a, b }, size) => ({ y: ops.neg(ops.mul(ops.transpose(ops.reshape(ops.matmul(a!, b!), [size('B'), 2, 8]), [1, 0, 2]), 3)) })],
    ['of a factor', 0, (ops, { a, b }) => ({ y: ops.matmul(ops.mul(a!, 3), b!) })],
    ['of a factor of two products, arranged anew', 0, (ops, { a, b, c }) => {
      const scaled = ops.mul(a!, 3);
      return { y: ops.matmul(ops.transpose(scaled, [0, 2, 1]), c!), z: ops.matmul(b!, scaled) };
    }],
    ['of both factors', 0, (ops, { a, b }) => ({ y: ops.matmul(ops.mul(a!, 3), ops.mul(b!, 5)) })],
    ['of a product that somebody else takes', 1, (ops, { a, b }) => {
      const product = ops.matmul(a!, b!);
      return { y: ops.add(product, ops.mul(product, 3)) };
    }],
    ['of a product that is an output', 1, (ops, { a, b }) => {
      const product = ops.matmul(a!, b!);
      return { product, y: ops.neg(ops.mul(product, 3)) };
    }],
    ['that is an output', 1, (ops, { a, b }) => ({ y: ops.mul(ops.matmul(a!, b!), 3) })],
    ['of a factor that is added too', 1, (ops, { a, b }) => {
      const scaled = ops.mul(a!, 3);
      return { y: ops.matmul(scaled, b!), z: ops.neg(scaled) };
    }],
    ['of what is multiplied by itself', 1, (ops, { a }) => {
      const scaled = ops.mul(a!, 3);
      return { y: ops.matmul(scaled, scaled, { transposeB: true }) };
    }],
    ['of a sum', 1, (ops, { a, c }) => ({ y: ops.neg(ops.mul(ops.add(a!, c!), 3)) })],
    ['by a tensor', 1, (ops, { a, b, c }) => ({ y: ops.matmul(ops.mul(a!, c!), b!) })],
    ['of a product over a size that nobody promises to be more than 0', 1, (ops, { d }) => {
      const twice = ops.concat([d!, d!], 0, 'N');
      return { y: ops.neg(ops.mul(ops.matmul(twice, twice, { transposeA: true }), 3)) };
    }],
  ])('a scaling %s: %d left, and the same value', async (_, left, build) => {
    expect(remaining({ name: 'scaled', inputs, build })).toBe(left);
    // only what learns is folded, so it learns something besides
    const program: Program = { name: 'scaled', inputs, build: (ops, of, size) => ({ ...build(ops, of, size), loss: ops.sum(of['d']!, [0, 1]) }), gradients: { of: 'loss', wrt: ['d'] } };
    const values = drawInputs(inputs, { seed: 'fold', sizes: SIZES });
    const ones = { shape: values['d']!.shape, values: values['d']!.values.map(() => 1) };
    expectOutputs(await runOnce(engine, program, values), { ...program.build(referenceOps, values, (dim) => (typeof dim === 'number' ? dim : SIZES[dim]!)), 'grad/d': ones });
  });
});
