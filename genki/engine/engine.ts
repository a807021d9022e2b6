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
}

/** A computation over named inputs; traced once by a graph engine, executed anew at each run by an eager one. */
export interface Program {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** @param size turns a name of a size into what this engine needs: the number (eager) or the name itself (traced) */
  build<T>(ops: Ops<T>, inputs: Readonly<Record<string, T>>, size: (dim: Dim) => Dim): Record<string, T>;
  /** Adds the outputs `grad/<input>` = d(outputs[of]) / d(input) for each of `wrt`; `of` has to be a scalar (shape []). */
  readonly gradients?: { readonly of: string; readonly wrt: readonly string[] };
}

/** Values that live where the engine keeps them. The one who got it disposes it. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** A copy, or a view that stays valid until `dispose`. */
  read(): Promise<Float32Array | Int32Array>;
  dispose(): void;
}

export interface Executable {
  /**
   * @param feeds exactly the program's inputs; they stay the caller's
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
  compile(program: Program): Promise<Executable>;
  dispose(): Promise<void>;
}
