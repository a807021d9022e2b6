import type { Dim, Ops, Shape } from '../../../genki/engine/engine.ts';
import { soundOps } from './reference-sound.ts';

/** A tensor in float64, row by row. */
export type Reference = { readonly shape: readonly number[]; readonly values: readonly number[] };

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
const numbers = (shape: Shape): number[] => shape.map(Number);

/** Where each element of a tensor of this shape lies, outermost axis first. */
function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (const size of shape.toReversed()) {
      index.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    return index;
  });
}

/** The element at an index of a shape that this tensor broadcasts to. */
function at({ shape, values }: Reference, index: readonly number[]): number {
  const own = index.slice(index.length - shape.length);
  return values[shape.reduce((flat, size, axis) => flat * size + (size === 1 ? 0 : own[axis]!), 0)]!;
}

const generate = (shape: readonly number[], element: (index: number[]) => number): Reference => ({ shape, values: indices(shape).map(element) });
const map = ({ shape, values }: Reference, f: (x: number) => number): Reference => ({ shape, values: values.map(f) });
const value = (operand: Reference | number): Reference => (typeof operand === 'number' ? { shape: [], values: [operand] } : operand);

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [x, y] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return x === 1 ? y : x;
  });
}

function binary(a: Reference | number, b: Reference | number, f: (x: number, y: number) => number): Reference {
  const [x, y] = [value(a), value(b)];
  return generate(broadcast(x.shape, y.shape), (index) => f(at(x, index), at(y, index)));
}

function rows(a: Reference, f: (row: readonly number[], rowIndex: number) => readonly number[]): Reference {
  const width = a.shape.at(-1)!;
  const count = width === 0 ? 0 : a.values.length / width;
  return { shape: a.shape, values: Array.from({ length: count }, (_, i) => f(a.values.slice(i * width, (i + 1) * width), i)).flat() };
}

/** 2/√π exp(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!!, a series without cancellation. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x); // to the last bit of a float64
  let term = x;
  let sum = x;
  for (let n = 1; n < 300; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function logSoftmaxRow(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const logTotal = largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  return row.map((x) => x - logTotal);
}

function swapped(a: Reference): Reference {
  const axes = a.shape.map((_, axis) => axis);
  return referenceOps.transpose(a, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

function join(a: Reference, b: Reference, axis: number): Reference {
  const before = a.shape[axis]!;
  return generate(a.shape.with(axis, before + b.shape[axis]!), (index) => (index[axis]! < before ? at(a, index) : at(b, index.with(axis, index[axis]! - before))));
}

/** The operations in plain JavaScript, written for being right and not for speed. */
export const referenceOps: Ops<Reference> = {
  add: (a, b) => binary(a, b, (x, y) => x + y),
  sub: (a, b) => binary(a, b, (x, y) => x - y),
  mul: (a, b) => binary(a, b, (x, y) => x * y),
  div: (a, b) => binary(a, b, (x, y) => x / y),
  neg: (a) => map(a, (x) => -x),
  exp: (a) => map(a, Math.exp),
  sqrt: (a) => map(a, Math.sqrt),
  erf: (a) => map(a, erf),
  tanh: (a) => map(a, Math.tanh),
  elu: (a) => map(a, (x) => (x > 0 ? x : Math.expm1(x))),
  relu: (a) => map(a, (x) => Math.max(x, 0)),
  gelu: (a) => map(a, (x) => (x / 2) * (1 + erf(x / Math.SQRT2))),
  softmax: (a) => rows(a, (row) => logSoftmaxRow(row).map(Math.exp)),
  logSoftmax: (a) => rows(a, logSoftmaxRow),
  matmul(a, b, { transposeA = false, transposeB = false } = {}) {
    const [left, right] = [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b];
    const inner = left.shape.at(-1)!;
    const shape = [...broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2)), left.shape.at(-2)!, right.shape.at(-1)!];
    return generate(shape, (index) => {
      const [batch, [row, column]] = [index.slice(0, -2), index.slice(-2) as [number, number]];
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += at(left, [...batch, row, k]) * at(right, [...batch, k, column]);
      return sum;
    });
  },
  transpose: (a, permutation) =>
    generate(permutation.map((axis) => a.shape[axis]!), (index) => at(a, a.shape.map((_, axis) => index[permutation.indexOf(axis)]!))),
  reshape: (a, shape) => ({ shape: numbers(shape), values: a.values }),
  sum(a, axes, keepDims = false) {
    const reduced = axes.map((axis) => (axis < 0 ? axis + a.shape.length : axis));
    const kept = a.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
    const totals = new Array<number>(sizeOf(kept)).fill(0);
    indices(a.shape).forEach((index, flat) => {
      totals[kept.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : index[axis]!), 0)]! += a.values[flat]!;
    });
    return { shape: keepDims ? kept : a.shape.filter((_, axis) => !reduced.includes(axis)), values: totals };
  },
  concat: (parts: readonly Reference[], axis: number, _dim?: Dim) => parts.reduce((joined, part) => join(joined, part, axis < 0 ? axis + part.shape.length : axis)),
  layerNorm: (a, gain, bias, epsilon) =>
    rows(a, (row) => {
      const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
      const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
      return row.map((x, i) => ((x - mean) / Math.sqrt(variance + epsilon)) * gain.values[i]! + bias.values[i]!);
    }),
  gather: (table, ids) => generate([...ids.shape, table.shape[1]!], (index) => at(table, [at(ids, index.slice(0, -1)), index.at(-1)!])),
  negativeLogLikelihood: (logits, ids) => {
    const width = logits.shape.at(-1)!;
    const scores = rows(logits, logSoftmaxRow);
    return { shape: ids.shape, values: ids.values.map((id, row) => -scores.values[row * width + id]!) };
  },
  slice(a, axis, { from, to }) {
    const along = axis < 0 ? axis + a.shape.length : axis;
    const [first, end] = [from, to].map((index) => (index < 0 ? index + a.shape[along]! : index)) as [number, number];
    return generate(a.shape.with(along, end - first), (index) => at(a, index.with(along, index[along]! + first)));
  },
  split(a, parts, axis) {
    let end = 0;
    return parts.map((part) => referenceOps.slice(a, axis, { from: end, to: (end += part.shape.at(axis)!) }));
  },
  ...soundOps,
};
