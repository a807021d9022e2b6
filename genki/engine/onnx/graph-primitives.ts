import { EngineError } from '../../errors.ts';
import type { Dim, Shape } from '../engine.ts';
import type { Primitives } from '../primitives.ts';
import { axesOf, broadcastShape, productOf, sameShape, shapeText } from '../shapes.ts';
import type { Graph, Value } from './graph.ts';

type Operand = Value | number;
type Flags = { readonly transposeA?: boolean; readonly transposeB?: boolean };

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
  relu(a: Value): Value {
    return this.#unary('Relu', a);
  }

  gelu(a: Value): Value {
    return this.mul(a, this.normalCdf(a));
  }

  softmax(a: Value): Value {
    return this.#graph.node('Softmax', [this.#ranked(a, 1)], a.shape, { attributes: { axis: -1 } });
  }

  logSoftmax(a: Value): Value {
    return this.#graph.node('LogSoftmax', [this.#ranked(a, 1)], a.shape, { attributes: { axis: -1 } });
  }

  matmul(a: Value, b: Value, { transposeA = false, transposeB = false }: Flags = {}): Value {
    const [m, k] = lastTwo(this.#ranked(a, 2), transposeA);
    const [inner, n] = lastTwo(this.#ranked(b, 2), transposeB);
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
    return this.#graph.node('ReduceSum', [this.#floating(a), this.#graph.integers(reduced, 'int64')], withoutAxes(a.shape, reduced, keepDims), { attributes: { keepdims: Number(keepDims) } });
  }

  concat(parts: readonly Value[], axis: number, dim?: Dim): Value {
    const [first] = parts;
    if (first === undefined) throw new EngineError('Expected parts to join, got none');
    const along = axesOf(first.shape.length, [axis])[0]!;
    for (const part of parts) {
      const fits = part.dtype === first.dtype && part.shape.length === first.shape.length && part.shape.every((size, i) => i === along || size === first.shape[i]);
      if (!fits) throw new EngineError(`Expected parts like ${shapeText(first.shape)} beside axis ${along}, got ${shapeText(part.shape)}`);
    }
    const shape = first.shape.with(along, dim ?? totalSize(parts, along));
    const joined = this.#graph.node('Concat', parts, shape, { dtype: first.dtype, attributes: { axis: along } });
    this.#graph.nameSize(shape[along]!, joined, along);
    return joined;
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

  normalCdf(a: Value): Value {
    return this.mul(this.add(this.erf(this.mul(a, Math.SQRT1_2)), 1), 0.5);
  }

  normalize(a: Value, gain: Value, bias: Value, epsilon: number): { output: Value; mean: Value; inverseDeviation: Value } {
    const size = this.#ranked(a, 1).shape.at(-1)!;
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

  rowProduct(a: Value, b: Value): Value {
    return this.#graph.node('Gemm', [this.#rows(a), this.#rows(b)], [a.shape.at(-1)!, b.shape.at(-1)!], { attributes: { transA: 1 } });
  }

  split(a: Value, parts: readonly Value[], axis: number): readonly Value[] {
    const lengths = this.#graph.vector(parts.map((part) => this.#graph.sizeOf(part, axis)));
    return this.#graph.nodeWithOutputs('Split', [a, lengths], parts.map(({ shape }) => shape), { attributes: { axis } });
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
    return this.#graph.node(op, [this.#floating(a)], a.shape);
  }

  #operand(operand: Operand): Value {
    return typeof operand === 'number' ? this.scalar(operand) : this.#floating(operand);
  }

  #floating(a: Value): Value {
    if (a.dtype !== 'float32') throw new EngineError(`Expected a float32 tensor, got ${a.dtype} ${shapeText(a.shape)}`);
    return a;
  }

  #ranked(a: Value, least: number): Value {
    if (a.shape.length < least) throw new EngineError(`Expected a tensor of rank ${least} or more, got ${shapeText(a.shape)}`);
    return this.#floating(a);
  }
}

function integers(ids: Value): Value {
  if (ids.dtype !== 'int32') throw new EngineError(`Expected int32 ids, got ${ids.dtype} ${shapeText(ids.shape)}`);
  return ids;
}

function lastTwo({ shape }: Value, transposed: boolean): [Dim, Dim] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}

function withoutAxes(shape: Shape, axes: readonly number[], keepDims: boolean): Dim[] {
  if (keepDims) return shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return shape.filter((_, axis) => !axes.includes(axis));
}

function totalSize(parts: readonly Value[], axis: number): number {
  return parts.reduce((total, { shape }) => {
    const size = shape[axis]!;
    if (typeof size === 'string') throw new EngineError(`Expected a name for the size of the joined axis ${axis}, for ${size} cannot be added up`);
    return total + size;
  }, 0);
}
