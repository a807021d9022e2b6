import { chosenShape, type Convolved, convolvedShape, type LstmWeights, lstmShape, type Padding, paddedShape, transposedShape } from '../sound-shapes.ts';
import type { Graph, Value } from './graph.ts';
import { floating } from './value-checks.ts';

const PAD_MODES = { zero: 'constant', reflect: 'reflect', replicate: 'edge' } as const;
/** Of PyTorch's gates i f g o those that ONNX has at its places i o f c. */
const GATES = [0, 3, 1, 2];

export function padNode(graph: Graph, a: Value, size: Padding): Value {
  const shape = paddedShape(floating(a), size);
  const beside = a.shape.slice(1).map(() => 0);
  const pads = graph.integers([...beside, size.left, ...beside, size.right], 'int64');
  return graph.node('Pad', [a, pads], shape, { attributes: { mode: PAD_MODES[size.mode] } });
}

export function convNode(graph: Graph, { a, kernel, bias }: Convolved<Value>, options: { readonly stride: number; readonly dilation: number }): Value {
  const shape = convolvedShape({ a, kernel, bias }, options);
  return graph.node('Conv', [a, kernel, bias].map(floating), shape, { attributes: { strides: [options.stride], dilations: [options.dilation] } });
}

export function convTransposeNode(graph: Graph, { a, kernel, bias }: Convolved<Value>, options: { readonly stride: number }): Value {
  const shape = transposedShape({ a, kernel, bias }, options);
  return graph.node('ConvTranspose', [a, kernel, bias].map(floating), shape, { attributes: { strides: [options.stride] } });
}

export function lstmNode(graph: Graph, a: Value, { input, hidden, bias }: LstmWeights<Value>): Value {
  const { shape, hiddenSize } = lstmShape(a, { input, hidden, bias });
  const states = [shape[0]!, 1, shape[1]!, hiddenSize];
  const weights = [reordered(graph, input), reordered(graph, hidden), withSecondBias(graph, reordered(graph, bias))];
  const output = graph.node('LSTM', [floating(a), ...weights], states, { attributes: { hidden_size: hiddenSize } });
  return graph.node('Squeeze', [output, graph.integers([1], 'int64')], shape);
}

export function argMaxNode(graph: Graph, a: Value): Value {
  const shape = chosenShape(floating(a));
  const index = graph.node('ArgMax', [a], [...shape, 1], { dtype: 'int64', attributes: { axis: -1, keepdims: 1 } });
  // of no rows the kernel gives the shape of `a`
  const squeezed = graph.node('Reshape', [index, graph.sizes(shape)], shape, { dtype: 'int64', attributes: { allowzero: 1 } });
  return graph.node('Cast', [squeezed], shape, { dtype: 'int32', attributes: { to: 6 } });
}

/** [4H, …] -> [1, 4H, …], the gates in the order of ONNX. */
function reordered(graph: Graph, weight: Value): Value {
  const [gates, ...rest] = floating(weight).shape.map(Number) as [number, ...number[]];
  const reshape = (value: Value, shape: readonly number[]): Value => graph.node('Reshape', [value, graph.sizes(shape)], shape);
  const apart = reshape(weight, [4, gates / 4, ...rest]);
  const inOrder = graph.node('Gather', [apart, graph.integers(GATES, 'int64')], apart.shape, { attributes: { axis: 0 } });
  return reshape(inOrder, [1, gates, ...rest]);
}

/** ONNX adds a bias to either product: [1, 4H] -> [1, 8H], the second of 0. */
function withSecondBias(graph: Graph, bias: Value): Value {
  const gates = Number(bias.shape[1]);
  return graph.node('Pad', [bias, graph.integers([0, 0, 0, gates], 'int64')], [1, 2 * gates]);
}
