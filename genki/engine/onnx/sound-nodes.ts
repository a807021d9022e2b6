import { chosenShape, type Convolved, convolvedShape, type Padding, paddedShape, transposedShape } from '../sound-shapes.ts';
import type { Graph, Value } from './graph.ts';
import { floating } from './value-checks.ts';

const PAD_MODES = { zero: 'constant', reflect: 'reflect', replicate: 'edge' } as const;

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

export function argMaxNode(graph: Graph, a: Value): Value {
  const shape = chosenShape(floating(a));
  const index = graph.node('ArgMax', [a], [...shape, 1], { dtype: 'int64', attributes: { axis: -1, keepdims: 1 } });
  // of no rows the kernel gives the shape of `a`
  const squeezed = graph.node('Reshape', [index, graph.sizes(shape)], shape, { dtype: 'int64', attributes: { allowzero: 1 } });
  return graph.node('Cast', [squeezed], shape, { dtype: 'int32', attributes: { to: 6 } });
}
