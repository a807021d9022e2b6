/**
 * What the music model is written against, and what an engine has to give: about 25 tensor operations,
 * programs over named inputs, and tensors that may stay where the engine keeps them.
 */

/** A number, or the name of a size that is known only when the program runs, such as `'B'`. */
export type Dim = number | string;
export type Shape = readonly Dim[];
export type DType = 'float32' | 'int32';
export type TensorSpec = { readonly shape: Shape; readonly dtype: DType };

/** The operations. `T` is the engine's own value; scalars may be plain numbers; binary operations broadcast as numpy's do. */
export interface Ops<T> {
  add(a: T | number, b: T | number): T;
  sub(a: T | number, b: T | number): T;
  mul(a: T | number, b: T | number): T;
  div(a: T | number, b: T | number): T;
  neg(a: T): T;
  exp(a: T): T;
  sqrt(a: T): T;
  erf(a: T): T;
  tanh(a: T): T;
  relu(a: T): T;
  /** Exact GELU: x/2 (1 + erf(x/√2)). */
  gelu(a: T): T;
  /** Over the last axis. */
  softmax(a: T): T;
  /** Over the last axis. */
  logSoftmax(a: T): T;
  /** Product of the last two axes, the leading ones broadcast. */
  matmul(a: T, b: T, flags?: { transposeA?: boolean; transposeB?: boolean }): T;
  transpose(a: T, permutation: readonly number[]): T;
  reshape(a: T, shape: Shape): T;
  sum(a: T, axes: readonly number[], keepDims?: boolean): T;
  /** `dim`: the resulting size of that axis, where it cannot be added up because it has a name. */
  concat(parts: readonly T[], axis: number, dim?: Dim): T;
  /** Over the last axis, gain and bias of its size. */
  layerNorm(a: T, gain: T, bias: T, epsilon: number): T;
  /** Rows of a table: [V, D], int32 [...] -> [..., D]. */
  gather(table: T, ids: T): T;
  /** −log softmax(logits)[id]: [..., V], int32 [...] -> [...]. */
  negativeLogLikelihood(logits: T, ids: T): T;
  /** From index `from` up to `to` of an axis; negative ones count from the end. */
  slice(a: T, axis: number, range: { readonly from: number; readonly to: number }): T;
  /** Cuts into pieces that along the axis are as long as those of `parts`. */
  split(a: T, parts: readonly T[], axis: number): readonly T[];

  // What an audio codec needs. A program cannot be differentiated through these, and the last size of their inputs has
  // to be a number.

  /** a where it is positive, else exp(a) − 1. */
  elu(a: T): T;
  /** Adds to the ends of the last axis: zeros, or what lies behind the end mirrored, the last value itself not repeated. */
  pad(a: T, size: { readonly left: number; readonly right: number; readonly mode: 'zero' | 'reflect' | 'replicate' }): T;
  /** Cross-correlation without padding: [B, I, L], kernel [O, I, K], bias [O] -> [B, O, ⌊(L − dilation (K − 1) − 1) / stride⌋ + 1]. */
  conv1d(a: T, kernel: T, bias: T, options: { readonly stride: number; readonly dilation: number }): T;
  /** Its transpose: [B, I, L], kernel [I, O, K], bias [O] -> [B, O, (L − 1) stride + K]. */
  convTranspose1d(a: T, kernel: T, bias: T, options: { readonly stride: number }): T;
  /** One layer, from states of 0, gates in PyTorch's order i f g o: [L, B, I], [4H, I], [4H, H], [4H] -> [L, B, H]. */
  lstm(a: T, weights: { readonly input: T; readonly hidden: T; readonly bias: T }): T;
  /** The index of the largest value over the last axis, the first of equal ones: [..., V] -> int32 [...]. */
  argMax(a: T): T;
}

/** A computation over named inputs; traced once by a graph engine, executed anew at each run by an eager one. */
export interface Program {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** @param size turns a name of a size into what this engine needs: the number (eager) or the name itself (traced) */
  build<T>(ops: Ops<T>, inputs: Readonly<Record<string, T>>, size: (dim: Dim) => Dim): Record<string, T>;
  /**
   * Adds the outputs `grad/<input>` = d(outputs[of]) / d(input) for each of `wrt`; `of` has to be a scalar (shape []).
   * `alone`: in place of the other outputs, so that a graph engine leaves out what only those need.
   */
  readonly gradients?: { readonly of: string; readonly wrt: readonly string[]; readonly alone?: boolean };
  /** 1: a run is over before a second thread has woken up. Default: as many as the engine has. */
  readonly threads?: 1;
  /** Its tensors are larger at every run: memory that was let go of is of no use to the next one and is not kept for it. */
  readonly grows?: true;
}

/** Values that live where the engine keeps them. The one who got it disposes it. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** A copy, or a view that stays valid until `dispose`. */
  read(): Promise<Float32Array | Int32Array>;
  dispose(): void;
}

/** Inputs of a program that are the same in every run: an engine lays them out once as suits it, which a product with weights gains much from. */
export type Fixed = Readonly<Record<string, { readonly values: Float32Array | Int32Array; readonly shape: readonly number[] }>>;

export interface Executable {
  /**
   * @param feeds exactly the program's inputs, but for those that are fixed; they stay the caller's
   * @returns the program's outputs and gradients; the caller's to dispose
   * @throws {EngineError} naming a feed that is missing, unknown, or of another shape or dtype
   */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface Engine {
  /** `onnx`, `tfjs-node-gpu`, `tfjs-node`, `tfjs-wasm` or `tfjs-cpu`. */
  readonly name: string;
  /** Engine, version and device: what a report records. */
  readonly build: string;
  tensor(values: Float32Array | Int32Array, shape: readonly number[]): Tensor;
  /**
   * @param fixed values of some of the program's inputs, which are not fed then; an engine may keep them, so they are not to be changed
   * @throws {EngineError} naming one that the program does not have, or has of another shape or dtype
   */
  compile(program: Program, fixed?: Fixed): Promise<Executable>;
  dispose(): Promise<void>;
}
