import { EngineError } from '../../errors.ts';
import type { Dim, Ops, Shape } from '../engine.ts';
import type { Primitives } from '../primitives.ts';
import { lstmShape } from '../sound-shapes.ts';
import { axesOf, broadcastShape, type Cut, cutOf, productOf, sameShape, shapeText } from '../shapes.ts';
import type { Graph, Value } from './graph.ts';
import { concatNode } from './concat-node.ts';
import { lstmNode } from './lstm-node.ts';
import { sliceNode, unsliceNode } from './slice-nodes.ts';
import { argMaxNode, convNode, convTransposeNode, padNode } from './sound-nodes.ts';
import { floating, integers, ranked } from './value-checks.ts';

type Operand = Value | number;
type Flags = { readonly transposeA?: boolean; readonly transposeB?: boolean };

/** Columns up to which it pays to transpose a product of rows instead of its first factor. */
const NARROW = 64;

/** The operations as nodes of an ONNX graph, with the shapes that they give. */
export class GraphPrimitives implements Primitives<Value> {
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  scalar(value: number): Value {
    return this.#graph.scalar(value);
  }

  add(a: Operand, b: Operand): Value {
    return this.#binary('Add', a, b);
  }
  sub(a: Operand, b: Operand): Value {
    return this.#binary('Sub', a, b);
  }
  mul(a: Operand, b: Operand): Value {
    return this.#binary('Mul', a, b);
  }
  div(a: Operand, b: Operand): Value {
    return this.#binary('Div', a, b);
  }
  neg(a: Value): Value {
    return this.#unary('Neg', a);
  }
  exp(a: Value): Value {
    return this.#unary('Exp', a);
  }
  sqrt(a: Value): Value {
    return this.#unary('Sqrt', a);
  }
  erf(a: Value): Value {
    return this.#unary('Erf', a);
  }
  tanh(a: Value): Value {
    return this.#unary('Tanh', a);
  }
  elu(a: Value): Value {
    return this.#unary('Elu', a);
  }
  relu(a: Value): Value {
    return this.#unary('Relu', a);
  }

  gelu(a: Value): Value {
    return this.mul(a, this.normalCdf(this.mul(a, Math.SQRT1_2)));
  }

  softmax(a: Value): Value {
    return this.#graph.node('Softmax', [ranked(a, 1)], a.shape, { attributes: { axis: -1 } });
  }

  logSoftmax(a: Value): Value {
    return this.#graph.node('LogSoftmax', [ranked(a, 1)], a.shape, { attributes: { axis: -1 } });
  }

  matmul(a: Value, b: Value, { transposeA = false, transposeB = false }: Flags = {}): Value {
    const [m, k] = lastTwo(ranked(a, 2), transposeA);
    const [inner, n] = lastTwo(ranked(b, 2), transposeB);
    if (k !== inner) throw new EngineError(`Expected matrices that multiply, got ${shapeText(a.shape)} and ${shapeText(b.shape)}`);
    const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n];
    if (!transposeA && !transposeB) return this.#graph.node('MatMul', [a, b], shape);
    if (!this.#graph.requireFilled(k)) return this.#graph.node('MatMul', [transposeA ? this.#swapped(a) : a, transposeB ? this.#swapped(b) : b], shape);
    // in one node: a Transpose in front of a MatMul would really be carried out, for the session optimises nothing
    return this.#graph.node('FusedMatMul', [a, b], shape, { domain: 'com.microsoft', attributes: { transA: Number(transposeA), transB: Number(transposeB) } });
  }

  transpose(a: Value, permutation: readonly number[]): Value {
    const perm = axesOf(a.shape.length, permutation);
    if (perm.length !== a.shape.length) throw new EngineError(`Expected a permutation of ${a.shape.length} axes, got [${permutation.join(', ')}]`);
    if (perm.every((axis, i) => axis === i)) return a;
    return this.#graph.node('Transpose', [a], perm.map((axis) => a.shape[axis]!), { dtype: a.dtype, attributes: { perm } });
  }

  reshape(a: Value, shape: Shape): Value {
    if (sameShape(a.shape, shape)) return a;
    const [from, to] = [productOf(a.shape), productOf(shape)];
    if (typeof from === 'number' && typeof to === 'number' && from !== to) throw new EngineError(`Expected a shape of ${from} elements, got ${shapeText(shape)}`);
    // allowzero: a size of 0 is meant as such
    return this.#graph.node('Reshape', [a, this.#graph.sizes(shape)], shape, { dtype: a.dtype, attributes: { allowzero: 1 } });
  }

  sum(a: Value, axes: readonly number[], keepDims = false): Value {
    const reduced = axesOf(a.shape.length, axes);
    if (reduced.length === 0) return a;
    return this.#graph.node('ReduceSum', [floating(a), this.#graph.integers(reduced, 'int64')], withoutAxes(a.shape, reduced, keepDims), { attributes: { keepdims: Number(keepDims) } });
  }

  concat(parts: readonly Value[], axis: number, dim?: Dim): Value {
    return concatNode(this.#graph, parts, { axis, dim });
  }

  layerNorm(a: Value, gain: Value, bias: Value, epsilon: number): Value {
    return this.normalize(a, gain, bias, epsilon).output;
  }

  gather(table: Value, ids: Value): Value {
    if (table.shape.length !== 2) throw new EngineError(`Expected a table of rank 2, got ${shapeText(table.shape)}`);
    return this.#graph.node('Gather', [table, integers(ids)], [...ids.shape, table.shape[1]!], { dtype: table.dtype, attributes: { axis: 0 } });
  }

  negativeLogLikelihood(logits: Value, ids: Value): Value {
    return this.neg(this.pick(this.logSoftmax(logits), ids));
  }

  slice(a: Value, axis: number, range: { readonly from: number; readonly to: number }): Value {
    return sliceNode(this.#graph, a, cutOf(a.shape, axis, range));
  }

  pad(a: Value, size: Parameters<Ops<Value>['pad']>[1]): Value {
    return padNode(this.#graph, a, size);
  }

  conv1d(a: Value, kernel: Value, bias: Value, options: Parameters<Ops<Value>['conv1d']>[3]): Value {
    return convNode(this.#graph, { a, kernel, bias }, options);
  }

  convTranspose1d(a: Value, kernel: Value, bias: Value, options: Parameters<Ops<Value>['convTranspose1d']>[3]): Value {
    return convTransposeNode(this.#graph, { a, kernel, bias }, options);
  }

  lstm(a: Value, weights: Parameters<Ops<Value>['lstm']>[1]): Value {
    const { shape } = lstmShape(a, weights);
    const gates = this.add(this.matmul(a, weights.input, { transposeB: true }), weights.bias);
    return lstmNode(this.#graph, gates, { hidden: floating(weights.hidden), shape });
  }

  argMax(a: Value): Value {
    return argMaxNode(this.#graph, a);
  }

  normalCdf(z: Value): Value {
    // as one node: x/2 + 1/2, which lies between its bounds 0 and 1
    return this.#graph.node('HardSigmoid', [this.erf(z)], z.shape, { attributes: { alpha: { float: 0.5 }, beta: { float: 0.5 } } });
  }

  normalize(a: Value, gain: Value, bias: Value, epsilon: number): { output: Value; mean: Value; inverseDeviation: Value } {
    const size = ranked(a, 1).shape.at(-1)!;
    for (const { shape } of [gain, bias]) if (!sameShape(shape, [size])) throw new EngineError(`Expected gain and bias of shape [${size}], got ${shapeText(shape)}`);
    const statistic = a.shape.with(-1, 1);
    const [output, mean, inverseDeviation] = this.#graph.nodeWithOutputs('LayerNormalization', [a, gain, bias], [a.shape, statistic, statistic], { attributes: { axis: -1, epsilon: { float: epsilon } } });
    return { output: output!, mean: mean!, inverseDeviation: inverseDeviation! };
  }

  lastMean(a: Value): Value {
    return this.#graph.node('ReduceMean', [a], a.shape.with(-1, 1), { attributes: { axes: [-1], keepdims: 1 } });
  }

  expand(a: Value, shape: Shape): Value {
    return sameShape(a.shape, shape) ? a : this.#graph.node('Expand', [a, this.#graph.sizes(shape)], shape);
  }

  wherePositive(a: Value, chosen: Value): Value {
    const positive = this.#graph.node('Greater', [a, this.#graph.scalar(0)], a.shape, { dtype: 'bool' });
    return this.#graph.node('Where', [positive, chosen, this.#graph.scalar(0)], a.shape);
  }

  oneHot(ids: Value, size: number): Value {
    // the OneHot node's kernel has a single thread and takes four times as long
    const range = this.#graph.integers(Array.from({ length: size }, (_, id) => id), 'int32');
    const equal = this.#graph.node('Equal', [this.#column(ids), range], [...ids.shape, size], { dtype: 'bool' });
    return this.#graph.node('Cast', [equal], equal.shape, { attributes: { to: 1 } });
  }

  pick(a: Value, ids: Value): Value {
    const rows = a.shape.slice(0, -1);
    if (!sameShape(ids.shape, rows)) throw new EngineError(`Expected an id for each of ${shapeText(rows)}, got ${shapeText(ids.shape)}`);
    const picked = this.#graph.node('GatherElements', [a, this.#column(ids)], [...rows, 1], { attributes: { axis: -1 } });
    return this.#graph.node('Squeeze', [picked, this.#graph.integers([-1], 'int64')], rows);
  }

  addAt(a: Value, ids: Value, addends: Value): Value {
    const column = this.#graph.node('Unsqueeze', [addends, this.#graph.integers([-1], 'int64')], [...addends.shape, 1]);
    return this.#graph.node('ScatterElements', [a, this.#column(ids), column], a.shape, { attributes: { axis: -1, reduction: 'add' } });
  }

  rowProduct(a: Value, b: Value): Value {
    const [M, N] = [a.shape.at(-1)!, b.shape.at(-1)!];
    // the kernel takes longer to transpose what is wide than to multiply it by what is narrow
    if (Number(N) <= NARROW && Number(N) < Number(M)) return this.#swapped(this.rowProduct(b, a));
    return this.#graph.node('Gemm', [this.#rows(a), this.#rows(b)], [M, N], { attributes: { transA: 1 } });
  }

  split(a: Value, parts: readonly Value[], axis: number): readonly Value[] {
    const along = axesOf(a.shape.length, [axis])[0]!;
    const lengths = this.#graph.vector(parts.map((part) => this.#graph.sizeOf(part, along)));
    return this.#graph.nodeWithOutputs('Split', [a, lengths], parts.map((part) => a.shape.with(along, part.shape[along]!)), { attributes: { axis: along } });
  }

  unslice(a: Value, whole: Value, cut: Cut): Value {
    return unsliceNode(this.#graph, a, { whole, cut });
  }

  #swapped(a: Value): Value {
    const axes = a.shape.map((_, axis) => axis);
    return this.transpose(a, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
  }

  #rows(a: Value): Value {
    const [rows, columns] = [productOf(a.shape.slice(0, -1)), a.shape.at(-1)!];
    return this.reshape(a, [rows, columns]);
  }

  #column(ids: Value): Value {
    return this.#graph.node('Unsqueeze', [integers(ids), this.#graph.integers([-1], 'int64')], [...ids.shape, 1], { dtype: 'int32' });
  }

  #binary(op: string, a: Operand, b: Operand): Value {
    const [x, y] = [this.#operand(a), this.#operand(b)];
    return this.#graph.node(op, [x, y], broadcastShape(x.shape, y.shape));
  }

  #unary(op: string, a: Value): Value {
    return this.#graph.node(op, [floating(a)], a.shape);
  }

  #operand(operand: Operand): Value {
    return typeof operand === 'number' ? this.scalar(operand) : floating(operand);
  }
}

function lastTwo({ shape }: Value, transposed: boolean): [Dim, Dim] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}

function withoutAxes(shape: Shape, axes: readonly number[], keepDims: boolean): Dim[] {
  if (keepDims) return shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return shape.filter((_, axis) => !axes.includes(axis));
}
