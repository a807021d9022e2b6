import type { Ops, TensorSpec } from '../../../genki/engine/engine.ts';

/** One use of an operation: what goes in, by name, and the shape that comes out. */
export type OperationCase = {
  readonly title: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly gives: readonly number[];
  /** Values of float inputs lie in this range. */
  readonly range?: readonly [number, number];
  build<T>(ops: Ops<T>, inputs: Readonly<Record<string, T>>): T;
};

export const float = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
const ids = (...shape: number[]): TensorSpec => ({ shape, dtype: 'int32' });
const POSITIVE = [0.5, 2] as const;

const binaryCases = (['add', 'sub', 'mul', 'div'] as const).flatMap((op): OperationCase[] => {
  const range = op === 'div' ? POSITIVE : ([-2, 2] as const);
  const shapes: [string, number[], number[], number[]][] = [
    ['of one shape', [2, 3, 4], [2, 3, 4], [2, 3, 4]],
    ['along an axis of 1', [2, 3, 4], [2, 1, 4], [2, 3, 4]],
    ['with a row', [2, 3, 4], [4], [2, 3, 4]],
    ['with a larger second', [3, 1], [2, 3, 4], [2, 3, 4]],
    ['both ways', [2, 1, 4], [3, 1], [2, 3, 4]],
    ['with a scalar tensor', [2, 3], [], [2, 3]],
    ['with nothing in it', [2, 0, 4], [4], [2, 0, 4]],
  ];
  return [
    ...shapes.map(([title, a, b, gives]): OperationCase => ({ title: `${op} ${title}`, inputs: { a: float(...a), b: float(...b) }, gives, range, build: (ops, { a: x, b: y }) => ops[op](x!, y!) })),
    { title: `${op} of a number`, inputs: { a: float(2, 3) }, gives: [2, 3], range, build: (ops, { a }) => ops[op](a!, 0.3) },
    { title: `${op} to a number`, inputs: { a: float(2, 3) }, gives: [2, 3], range, build: (ops, { a }) => ops[op](1.7, a!) },
    { title: `${op} of a tensor and itself`, inputs: { a: float(2, 3) }, gives: [2, 3], range, build: (ops, { a }) => ops[op](a!, a!) },
  ];
});

const unaryCases = (['neg', 'exp', 'sqrt', 'erf', 'tanh', 'relu', 'gelu', 'softmax', 'logSoftmax'] as const).flatMap((op): OperationCase[] => {
  const range = op === 'sqrt' ? POSITIVE : ([-2.5, 2.5] as const);
  return [[2, 3, 4], [5], [3, 0, 2]].map((shape): OperationCase => ({ title: `${op} of [${shape.join(', ')}]`, inputs: { a: float(...shape) }, gives: shape, range, build: (ops, { a }) => ops[op](a!) }));
});

const matmulShapes: [number[], number[], number[]][] = [
  [[3, 4], [4, 5], [3, 5]],
  [[2, 3, 4], [4, 5], [2, 3, 5]],
  [[2, 2, 3, 4], [4, 5], [2, 2, 3, 5]],
  [[2, 3, 4], [2, 4, 5], [2, 3, 5]],
  [[3, 4], [2, 4, 5], [2, 3, 5]],
  [[2, 1, 3, 4], [2, 3, 4, 5], [2, 3, 3, 5]],
  [[2, 1, 3, 4], [3, 4, 5], [2, 3, 3, 5]],
  [[0, 3, 4], [0, 4, 5], [0, 3, 5]],
  [[2, 0, 4], [4, 5], [2, 0, 5]],
  [[2, 3, 0], [2, 0, 5], [2, 3, 5]],
];
const swappedShape = (shape: readonly number[]): number[] => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
const matmulCases = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    matmulShapes.map(([a, b, gives]): OperationCase => {
      const [left, right] = [transposeA ? swappedShape(a) : a, transposeB ? swappedShape(b) : b];
      const title = `matmul of [${left.join(', ')}]${transposeA ? 'ᵀ' : ''} and [${right.join(', ')}]${transposeB ? 'ᵀ' : ''}`;
      return { title, inputs: { a: float(...left), b: float(...right) }, gives, build: (ops, { a: x, b: y }) => ops.matmul(x!, y!, { transposeA, transposeB }) };
    }),
  ),
);

const shapeCases: OperationCase[] = [
  { title: 'transpose of the last two axes', inputs: { a: float(2, 3, 4) }, gives: [2, 4, 3], build: (ops, { a }) => ops.transpose(a!, [0, 2, 1]) },
  { title: 'transpose that turns all axes round', inputs: { a: float(2, 3, 4) }, gives: [4, 2, 3], build: (ops, { a }) => ops.transpose(a!, [2, 0, 1]) },
  { title: 'transpose of heads', inputs: { a: float(2, 3, 2, 2) }, gives: [2, 2, 3, 2], build: (ops, { a }) => ops.transpose(a!, [0, 2, 1, 3]) },
  { title: 'transpose that moves nothing', inputs: { a: float(2, 3) }, gives: [2, 3], build: (ops, { a }) => ops.transpose(a!, [0, 1]) },
  { title: 'transpose of nothing', inputs: { a: float(2, 0, 3) }, gives: [3, 2, 0], build: (ops, { a }) => ops.transpose(a!, [2, 0, 1]) },
  { title: 'reshape', inputs: { a: float(2, 3, 4) }, gives: [6, 2, 2], build: (ops, { a }) => ops.reshape(a!, [6, 2, 2]) },
  { title: 'reshape to the same shape', inputs: { a: float(2, 3) }, gives: [2, 3], build: (ops, { a }) => ops.reshape(a!, [2, 3]) },
  { title: 'reshape of nothing', inputs: { a: float(2, 0, 6) }, gives: [2, 0, 3, 2], build: (ops, { a }) => ops.reshape(a!, [2, 0, 3, 2]) },
  { title: 'reshape to a scalar', inputs: { a: float(1, 1) }, gives: [], build: (ops, { a }) => ops.reshape(a!, []) },
  { title: 'sum over one axis', inputs: { a: float(2, 3, 4) }, gives: [2, 4], build: (ops, { a }) => ops.sum(a!, [1]) },
  { title: 'sum over the last axis, kept', inputs: { a: float(2, 3, 4) }, gives: [2, 3, 1], build: (ops, { a }) => ops.sum(a!, [-1], true) },
  { title: 'sum over two axes', inputs: { a: float(2, 3, 4) }, gives: [3], build: (ops, { a }) => ops.sum(a!, [0, 2]) },
  { title: 'sum over everything', inputs: { a: float(2, 3, 4) }, gives: [], build: (ops, { a }) => ops.sum(a!, [0, 1, 2]) },
  { title: 'sum over no axis', inputs: { a: float(2, 3) }, gives: [2, 3], build: (ops, { a }) => ops.sum(a!, []) },
  { title: 'sum over an empty axis', inputs: { a: float(2, 0) }, gives: [2], build: (ops, { a }) => ops.sum(a!, [1]) },
  { title: 'concat', inputs: { a: float(2, 1, 3), b: float(2, 2, 3) }, gives: [2, 3, 3], build: (ops, { a, b }) => ops.concat([a!, b!], 1) },
  { title: 'concat along the last axis', inputs: { a: float(2, 3), b: float(2, 1) }, gives: [2, 4], build: (ops, { a, b }) => ops.concat([a!, b!], -1) },
  { title: 'concat with an empty cache', inputs: { a: float(2, 2, 0, 3), b: float(2, 2, 1, 3) }, gives: [2, 2, 1, 3], build: (ops, { a, b }) => ops.concat([a!, b!], 2) },
  { title: 'concat of one part', inputs: { a: float(2, 3) }, gives: [2, 3], build: (ops, { a }) => ops.concat([a!], 0) },
  { title: 'concat of a tensor and itself', inputs: { a: float(2, 3) }, gives: [4, 3], build: (ops, { a }) => ops.concat([a!, a!], 0) },
];

const sliceShapes: [number[], number, [number, number], number[]][] = [
  [[5], 0, [1, 3], [2]],
  [[2, 5, 3], 1, [1, 4], [2, 3, 3]],
  [[2, 5, 3], 0, [1, 2], [1, 5, 3]],
  [[2, 5, 3], -1, [0, 2], [2, 5, 2]],
  [[2, 5, 3], 1, [-3, -1], [2, 2, 3]],
  [[2, 5, 3], 1, [-2, 5], [2, 2, 3]],
  [[2, 5, 3], 1, [0, 5], [2, 5, 3]],
  [[2, 5, 3], 1, [2, 2], [2, 0, 3]],
  [[2, 0, 3], 2, [1, 3], [2, 0, 2]],
];
const sliceCases = sliceShapes.map(([shape, axis, [from, to], gives]): OperationCase => ({ title: `slice ${from} up to ${to} of axis ${axis} of [${shape.join(', ')}]`, inputs: { a: float(...shape) }, gives, build: (ops, { a }) => ops.slice(a!, axis, { from, to }) }));
const splitCases = [0, 1].map((piece): OperationCase => ({ title: `split, piece ${piece}`, inputs: { a: float(2, 3), b: float(2, 1) }, gives: [2, piece === 0 ? 3 : 1], build: (ops, { a, b }) => ops.split(ops.concat([a!, b!], 1), [a!, b!], -1)[piece]! }));
const overlap: OperationCase = { title: 'slices that overlap', inputs: { a: float(2, 4) }, gives: [2, 3], build: (ops, { a }) => ops.mul(ops.slice(a!, 1, { from: 0, to: 3 }), ops.slice(a!, 1, { from: 1, to: 4 })) };

const modelCases: OperationCase[] = [
  { title: 'layerNorm', inputs: { a: float(2, 3, 4), gain: float(4), bias: float(4) }, gives: [2, 3, 4], build: (ops, { a, gain, bias }) => ops.layerNorm(a!, gain!, bias!, 1e-5) },
  { title: 'layerNorm with a large epsilon', inputs: { a: float(3, 4), gain: float(4), bias: float(4) }, gives: [3, 4], build: (ops, { a, gain, bias }) => ops.layerNorm(a!, gain!, bias!, 0.5) },
  { title: 'layerNorm of no rows', inputs: { a: float(2, 0, 4), gain: float(4), bias: float(4) }, gives: [2, 0, 4], build: (ops, { a, gain, bias }) => ops.layerNorm(a!, gain!, bias!, 1e-5) },
  { title: 'gather', inputs: { table: float(5, 3), ids: ids(2, 4) }, gives: [2, 4, 3], build: (ops, { table, ids: rows }) => ops.gather(table!, rows!) },
  { title: 'gather of no ids', inputs: { table: float(5, 3), ids: ids(2, 0) }, gives: [2, 0, 3], build: (ops, { table, ids: rows }) => ops.gather(table!, rows!) },
  { title: 'negativeLogLikelihood', inputs: { logits: float(2, 3, 5), ids: ids(2, 3) }, gives: [2, 3], build: (ops, { logits, ids: targets }) => ops.negativeLogLikelihood(logits!, targets!) },
  { title: 'negativeLogLikelihood of one', inputs: { logits: float(5), ids: ids() }, gives: [], build: (ops, { logits, ids: targets }) => ops.negativeLogLikelihood(logits!, targets!) },
  { title: 'negativeLogLikelihood of nothing', inputs: { logits: float(0, 5), ids: ids(0) }, gives: [0], build: (ops, { logits, ids: targets }) => ops.negativeLogLikelihood(logits!, targets!) },
  { title: 'a value used three times', inputs: { a: float(2, 3) }, gives: [2, 3], build: (ops, { a }) => ops.mul(ops.exp(a!), ops.add(a!, ops.mul(a!, a!))) },
  { title: 'the same operation twice', inputs: { a: float(2, 3) }, gives: [2, 3], build: (ops, { a }) => ops.add(ops.erf(a!), ops.mul(ops.erf(a!), ops.gelu(a!))) },
];

const emptyBatch: OperationCase = { title: 'matmul of no rows with a shared matrix', inputs: { a: float(0, 3, 4), b: float(4, 5) }, gives: [0, 3, 5], build: (ops, { a, b }) => ops.matmul(a!, b!) };

/** Ids are drawn below 5, the number of rows and classes of every case. */
export const operationCases: readonly OperationCase[] = [...binaryCases, ...unaryCases, ...matmulCases, emptyBatch, ...shapeCases, ...sliceCases, ...splitCases, overlap, ...modelCases];
