import { EngineError } from '../../errors.ts';
import type { Dim, Shape } from '../engine.ts';
import { shapeText } from '../shapes.ts';

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool';
export type Attribute = number | readonly number[] | string | { readonly float: number } | { readonly body: Body };

/** A tensor of the graph: an input, a constant, or what a node gives. */
export type Value = {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: ElementType;
  readonly constant?: Float32Array | Int32Array | BigInt64Array;
  /** Whether the constant lies beside the model's bytes, which may not be 2 GB long. */
  readonly isExternal?: true;
};

export type Node = {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
};

/** What a node computes anew at each of its steps; its nodes may take values from around it. */
export type Body = { readonly inputs: readonly Value[]; readonly nodes: readonly Node[]; readonly outputs: readonly Value[] };

/** The values that a node's bodies take, its own among them. */
export const takenInside = ({ attributes }: Node): Value[] =>
  Object.values(attributes).flatMap((attribute) => (typeof attribute === 'object' && 'body' in attribute ? attribute.body.nodes.flatMap(({ inputs }) => inputs) : []));

/** The name that the session knows an input of the program by. */
export const inputName = (name: string): string => `input:${name}`;

type NodeOptions = { dtype?: ElementType; attributes?: Readonly<Record<string, Attribute>>; domain?: string };

/**
 * An ONNX graph while it is traced: inputs, constants, and nodes in the order of computation.
 * Nodes are pure, so the same operation on the same values is emitted only once.
 */
export class Graph {
  readonly inputs = new Map<string, Value>();
  readonly nodes: Node[] = [];
  /** Names of sizes for which the graph has no meaning when they are 0. */
  readonly filled = new Set<string>();
  readonly #constants = new Map<string, Value>();
  readonly #emitted = new Map<string, readonly Value[]>();
  readonly #sources = new Map<string, { readonly value: Value; readonly axis: number }>();
  readonly #prefix: string;
  #count = 0;

  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  /** A graph for a node's body, whose names are not this one's. */
  inner(): Graph {
    return new Graph(`${this.#prefix}${this.#count++}/`);
  }

  /** A value that comes from outside, of a body. */
  parameter(shape: Shape): Value {
    return { name: `${this.#prefix}${this.#count++}`, shape, dtype: 'float32' };
  }

  input(name: string, shape: Shape, dtype: ElementType): Value {
    const value: Value = { name: inputName(name), shape, dtype };
    this.inputs.set(name, value);
    shape.forEach((dim, axis) => this.nameSize(dim, value, axis));
    return value;
  }

  /** An input that is the same in every run. */
  fixed(name: string, shape: Shape, constant: Float32Array | Int32Array): Value {
    const value: Value = { name: inputName(name), shape, dtype: constant instanceof Float32Array ? 'float32' : 'int32', constant, isExternal: true };
    this.#constants.set(value.name, value);
    return value;
  }

  get constants(): Iterable<Value> {
    return this.#constants.values();
  }

  scalar(number: number): Value {
    // String(-0) is '0'
    return this.#constant(`float32 ${Object.is(number, -0) ? '-0' : number}`, { shape: [], dtype: 'float32', constant: Float32Array.of(number) });
  }

  integers(numbers: readonly number[], dtype: 'int32' | 'int64'): Value {
    const constant = dtype === 'int32' ? Int32Array.from(numbers) : BigInt64Array.from(numbers, BigInt);
    return this.#constant(`${dtype} ${numbers.join()}`, { shape: [numbers.length], dtype, constant });
  }

  /** Appends a node with one output. */
  node(op: string, inputs: readonly Value[], shape: Shape, options: NodeOptions = {}): Value {
    return this.nodeWithOutputs(op, inputs, [shape], options)[0]!;
  }

  /** Appends a node with an output for each of `shapes`. */
  nodeWithOutputs(op: string, inputs: readonly Value[], shapes: readonly Shape[], { dtype = 'float32', attributes = {}, domain = '' }: NodeOptions = {}): readonly Value[] {
    const key = JSON.stringify([op, inputs.map(({ name }) => name), attributes, shapes]);
    const known = this.#emitted.get(key);
    if (known !== undefined) return known;
    const outputs = shapes.map((shape): Value => ({ name: `${this.#prefix}${this.#count++}`, shape, dtype }));
    this.nodes.push({ op, domain, inputs, outputs, attributes });
    this.#emitted.set(key, outputs);
    return outputs;
  }

  /** Lets `sizes` find the size `dim` as that of an axis of `value`, if it has a name that is new. */
  nameSize(dim: Dim, value: Value, axis: number): void {
    if (typeof dim === 'string' && !this.#sources.has(dim)) this.#sources.set(dim, { value, axis });
  }

  /**
   * Whether a node may rely on this size not being 0: a run with an input's size of 0 is then refused.
   * FusedMatMul needs it, which leaves its output as the memory was when there is nothing to add up.
   */
  requireFilled(dim: Dim): boolean {
    if (typeof dim === 'number') return dim > 0;
    const isInputs = [...this.inputs.values()].some(({ shape }) => shape.includes(dim));
    if (isInputs) this.filled.add(dim);
    return isInputs;
  }

  /** `shape` as an int64 vector; one size of an unknown name is left for the run to infer. */
  sizes(shape: Shape): Value {
    if (shape.every((dim) => typeof dim === 'number')) return this.integers(shape, 'int64');
    if (shape.filter((dim) => typeof dim === 'string' && !this.#sources.has(dim)).length > 1) throw new EngineError(`Expected sizes that the inputs name, got ${shapeText(shape)}`);
    const parts = shape.map((dim) => {
      const source = typeof dim === 'string' ? this.#sources.get(dim) : undefined;
      return source === undefined ? this.integers([typeof dim === 'number' ? dim : -1], 'int64') : this.sizeOf(source.value, source.axis);
    });
    return this.vector(parts);
  }

  /** The size of one axis, int64 [1]. */
  sizeOf(value: Value, axis: number): Value {
    const dim = value.shape[axis]!;
    if (typeof dim === 'number') return this.integers([dim], 'int64');
    return this.node('Shape', [value], [1], { dtype: 'int64', attributes: { start: axis, end: axis + 1 } });
  }

  /** Joins int64 [1] values. */
  vector(parts: readonly Value[]): Value {
    return parts.length === 1 ? parts[0]! : this.node('Concat', parts, [parts.length], { dtype: 'int64', attributes: { axis: 0 } });
  }

  #constant(key: string, content: Omit<Value, 'name'>): Value {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const value: Value = { name: `constant:${this.#constants.size}`, ...content };
    this.#constants.set(key, value);
    return value;
  }
}
