import type { Shape } from '../engine.ts';
import type { Graph, Value } from './graph.ts';

/**
 * The recurrent part of an LSTM as a Scan. The LSTM node itself shares its rows out among the threads, and rounds a row
 * that is alone otherwise than rows together: its results would depend on the number of threads.
 *
 * @param gates the input's products and the bias, i f g o: [L, B, 4H]
 * @param hidden [4H, H]
 * @returns [L, B, H]
 */
export function lstmNode(graph: Graph, gates: Value, { hidden, shape }: { readonly hidden: Value; readonly shape: Shape }): Value {
  graph.requireFilled(shape[0]!); // a Scan needs a step
  const state = shape.slice(1);
  const zeros = graph.node('Expand', [graph.scalar(0), graph.sizes(state)], state);
  const body = stepOf(graph.inner(), hidden, state);
  return graph.nodeWithOutputs('Scan', [zeros, zeros, gates], [state, state, shape], { attributes: { num_scan_inputs: 1, body: { body } } })[2]!;
}

/** State, cell and gates of one step -> the next state, the next cell, and what the layer gives. */
function stepOf(graph: Graph, hidden: Value, state: Shape): { inputs: Value[]; nodes: Graph['nodes']; outputs: Value[] } {
  const wide = state.with(-1, hidden.shape[0]!);
  const [h, c, x] = [graph.parameter(state), graph.parameter(state), graph.parameter(wide)];
  const on = (op: string, ...inputs: Value[]): Value => graph.node(op, inputs, state);
  const gates = graph.node('Gemm', [h, hidden, x], wide, { attributes: { transB: 1 } });
  const [i, f, g, o] = graph.nodeWithOutputs('Split', [gates], [state, state, state, state], { attributes: { axis: 1 } }) as [Value, Value, Value, Value];
  const cell = on('Add', on('Mul', on('Sigmoid', f), c), on('Mul', on('Sigmoid', i), on('Tanh', g)));
  const next = on('Mul', on('Sigmoid', o), on('Tanh', cell));
  return { inputs: [h, c, x], nodes: graph.nodes, outputs: [next, cell, on('Identity', next)] };
}
