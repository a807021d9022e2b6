import { type Graph, type Node, takenInside, type Value } from './graph.ts';

type Scale = { readonly of: Value; readonly factor: number };

/** Nodes that only arrange what they are given: a factor may as well be met before them as behind them. */
const ARRANGING = new Set(['Reshape', 'Transpose']);
const PRODUCTS = new Set(['MatMul', 'FusedMatMul']);

/**
 * The nodes without those multiplications by a number that a matrix product can do as it goes: of its result, when
 * nobody else takes that, or of its operand, when only products take that.
 *
 * @param nodes in the order of computation
 */
export function foldScales(graph: Graph, nodes: readonly Node[], outputs: ReadonlySet<Value>): Node[] {
  const folding = new Folding(graph, nodes, outputs);
  for (const node of nodes) folding.tryToFold(node);
  return nodes.flatMap((node) => folding.result(node));
}

class Folding {
  readonly #graph: Graph;
  /** Outputs, and what bodies take. */
  readonly #untouchable: ReadonlySet<Value>;
  readonly #sources = new Map<Value, Node>();
  readonly #consumers = new Map<Value, Node[]>();
  readonly #alphas = new Map<Node, number>();
  /** What takes the place of the result of a node that is gone. */
  readonly #replacements = new Map<Value, Value>();

  constructor(graph: Graph, nodes: readonly Node[], outputs: ReadonlySet<Value>) {
    this.#graph = graph;
    this.#untouchable = new Set([...outputs, ...nodes.flatMap(takenInside)]);
    for (const node of nodes) {
      for (const output of node.outputs) this.#sources.set(output, node);
      for (const input of new Set(node.inputs)) this.#consumers.set(input, [...(this.#consumers.get(input) ?? []), node]);
    }
  }

  tryToFold(node: Node): void {
    const scale = scaleOf(node);
    if (scale === undefined || this.#untouchable.has(node.outputs[0]!)) return;
    const behind = this.#productsBehind(node.outputs[0]!);
    const before = behind === undefined ? this.#productBefore(scale.of) : undefined;
    const products = behind ?? (before === undefined ? [] : [before]);
    if (products.length === 0 || !products.every((product) => this.#isFilled(product))) return;
    for (const product of products) this.#alphas.set(product, (this.#alphas.get(product) ?? 1) * scale.factor);
    this.#replacements.set(node.outputs[0]!, scale.of);
  }

  result(node: Node): Node[] {
    if (this.#replacements.has(node.outputs[0]!)) return [];
    const inputs = node.inputs.map((input) => this.#replaced(input));
    const alpha = this.#alphas.get(node);
    if (alpha === undefined) return [{ ...node, inputs }];
    return [{ ...node, inputs, op: 'FusedMatMul', domain: 'com.microsoft', attributes: { ...node.attributes, alpha: { float: alpha } } }];
  }

  #replaced(value: Value): Value {
    const replacement = this.#replacements.get(value);
    return replacement === undefined ? value : this.#replaced(replacement);
  }

  /** The product whose result arrives at the multiplication and nowhere else. */
  #productBefore(of: Value): Node | undefined {
    const source = this.#sources.get(of);
    if (source === undefined || this.#untouchable.has(of) || this.#consumers.get(of)!.length > 1) return undefined;
    if (PRODUCTS.has(source.op)) return source;
    const folded = this.#replacements.get(of);
    if (folded !== undefined) return this.#productBefore(folded);
    return ARRANGING.has(source.op) ? this.#productBefore(source.inputs[0]!) : undefined;
  }

  /** The products that a value arrives at, if it arrives nowhere else, and at one operand of each. */
  #productsBehind(value: Value): Node[] | undefined {
    if (this.#untouchable.has(value)) return undefined;
    const found = (this.#consumers.get(value) ?? []).map((consumer) => {
      if (PRODUCTS.has(consumer.op)) return consumer.inputs[0] === consumer.inputs[1] ? undefined : [consumer];
      return ARRANGING.has(consumer.op) ? this.#productsBehind(consumer.outputs[0]!) : undefined;
    });
    const products = found.flatMap((some) => some ?? []);
    return found.includes(undefined) || new Set(products).size !== products.length ? undefined : products;
  }

  /** Whether a FusedMatMul may stand for it. */
  #isFilled({ op, inputs }: Node): boolean {
    return op === 'FusedMatMul' || this.#graph.requireFilled(inputs[0]!.shape.at(-1)!);
  }
}

/** A multiplication by a constant number as such. */
function scaleOf(node: Node): Scale | undefined {
  if (node.op !== 'Mul') return undefined;
  const [a, b] = node.inputs as [Value, Value];
  const [constant, of] = b.constant === undefined ? [a, b] : [b, a];
  return constant.constant instanceof Float32Array && constant.shape.length === 0 && of.constant === undefined ? { of, factor: constant.constant[0]! } : undefined;
}
