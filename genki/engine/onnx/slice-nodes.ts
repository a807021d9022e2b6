import type { Cut } from '../shapes.ts';
import type { Graph, Value } from './graph.ts';

/** The part of `a` that lies inside the cut. */
export function sliceNode(graph: Graph, a: Value, { axis, from, to }: Cut): Value {
  const shape = a.shape.with(axis, to - from);
  const options = { dtype: a.dtype };
  if (typeof a.shape[axis] === 'number') return graph.node('Slice', [a, ...[from, to, axis].map((number) => graph.integers([number], 'int64'))], shape, options);
  // a Slice that reaches too far gives less without a word, a Gather fails
  const indices = Array.from({ length: to - from }, (_, i) => from + i);
  return graph.node('Gather', [a, graph.integers(indices, 'int64')], shape, { ...options, attributes: { axis } });
}

/** Zeros of the shape of `whole`, and `a` inside the cut. */
export function unsliceNode(graph: Graph, a: Value, { whole, cut }: { readonly whole: Value; readonly cut: Cut }): Value {
  const beside = whole.shape.map(() => graph.integers([0], 'int64'));
  const [before, after] = margins(graph, whole, cut);
  const pads = graph.vector([...beside.with(cut.axis, before), ...beside.with(cut.axis, after)]);
  return graph.node('Pad', [a, pads], whole.shape);
}

/** How much of the axis lies before the cut and how much after it, each int64 [1]. */
function margins(graph: Graph, whole: Value, { axis, from, to }: Cut): [Value, Value] {
  const size = whole.shape[axis]!;
  const constant = (number: number): Value => graph.integers([number], 'int64');
  if (typeof size === 'number') return [constant(from), constant(size - to)];
  const sizePlus = (number: number): Value => graph.node('Add', [graph.sizeOf(whole, axis), constant(number)], [1], { dtype: 'int64' });
  return from < 0 ? [sizePlus(from), constant(-to)] : [constant(from), sizePlus(-to)];
}
