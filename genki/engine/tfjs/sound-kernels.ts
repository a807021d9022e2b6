import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { chosenShape, type Convolved, convolvedShape, type LstmWeights, lstmShape, type Padding, paddedShape, transposedShape } from '../sound-shapes.ts';
import type { Tfjs } from './load-tfjs.ts';

export function pad(tf: Tfjs, a: Tensor, size: Padding): Tensor {
  const shape = paddedShape(a, size).map(Number);
  const { left, right, mode } = size;
  if (shape.includes(0)) return tf.zeros(shape);
  const length = a.shape.at(-1)!;
  if (length === 0) return tf.zeros(shape);
  const rows = tf.reshape(a, [-1, length]);
  if (mode !== 'replicate') {
    const sides: [number, number][] = [[0, 0], [left, right]];
    return tf.reshape(mode === 'zero' ? tf.pad(rows, sides) : tf.mirrorPad(rows, sides, 'reflect'), shape);
  }
  const [first, last] = [tf.slice(rows, [0, 0], [-1, 1]), tf.slice(rows, [0, length - 1], [-1, 1])];
  return tf.reshape(tf.concat([tf.tile(first, [1, left]), rows, tf.tile(last, [1, right])], 1), shape);
}

/** As a picture of height 1, its channels last. */
export function conv1d(tf: Tfjs, { a, kernel, bias }: Convolved<Tensor>, { stride, dilation }: { readonly stride: number; readonly dilation: number }): Tensor {
  const shape = convolvedShape({ a, kernel, bias }, { stride, dilation }).map(Number);
  if (shape.includes(0)) return tf.zeros(shape);
  const filter = tf.expandDims(tf.transpose(kernel, [2, 1, 0]), 0) as Tensor4D; // [O, I, K] -> [1, K, I, O]
  // TensorFlow.js has no stride together with a dilation
  const strides: [number, number] = dilation === 1 ? [1, stride] : [1, 1];
  const dense = tf.conv2d(picture(tf, a), filter, strides, 'valid', 'NHWC', [1, dilation]);
  const sparse = dilation === 1 || stride === 1 ? dense : tf.stridedSlice(dense, [0, 0, 0, 0], dense.shape, [1, 1, stride, 1]);
  return channelsFirst(tf, tf.add(sparse, bias));
}

/** One product, whose pieces of one stride are added where they overlap: the wasm kernel of conv2dTranspose takes longer. */
export function convTranspose1d(tf: Tfjs, { a, kernel, bias }: Convolved<Tensor>, { stride }: { readonly stride: number }): Tensor {
  const shape = transposedShape({ a, kernel, bias }, { stride }) as number[];
  if (shape.includes(0)) return tf.zeros(shape);
  const [[B, I, L], [, O, K]] = [a.shape, kernel.shape] as [[number, number, number], [number, number, number]];
  const pieces = Math.ceil(K / stride);
  const columns = tf.pad(tf.transpose(kernel, [0, 2, 1]), [[0, 0], [0, pieces * stride - K], [0, 0]]); // [I, pieces stride, O]
  const product = tf.matMul(tf.reshape(tf.transpose(a, [0, 2, 1]), [B * L, I]), tf.reshape(columns, [I, pieces * stride * O]));
  const shifted = tf.split(product, pieces, 1).map((piece, i) => tf.pad(tf.reshape(piece, [B, L * stride, O]), [[0, 0], [i * stride, (pieces - 1 - i) * stride], [0, 0]]));
  const whole = tf.add(shifted.reduce((sum, piece) => tf.add(sum, piece)), bias); // [B, (L + pieces − 1) stride, O]
  return tf.transpose(tf.slice(whole, [0, 0, 0], [B, shape[2]!, O]), [0, 2, 1]);
}

export function lstm(tf: Tfjs, a: Tensor, { input, hidden, bias }: LstmWeights<Tensor>): Tensor {
  const { shape, hiddenSize } = lstmShape(a, { input, hidden, bias });
  const [L, B] = shape as [number, number, number];
  if (L * B * hiddenSize === 0) return tf.zeros([L, B, hiddenSize]);
  const products = tf.matMul(tf.reshape(a, [L * B, a.shape[2]!]), tf.transpose(input));
  const steps = tf.unstack(tf.reshape(tf.add(products, bias), [L, B, 4 * hiddenSize])) as Tensor2D[];
  const recurrent = tf.transpose(hidden) as Tensor2D;
  const states: Tensor[] = [];
  let [state, cell]: [Tensor, Tensor] = [tf.zeros([B, hiddenSize]), tf.zeros([B, hiddenSize])];
  for (const step of steps) {
    [state, cell] = tf.tidy(() => {
      const [i, f, g, o] = tf.split(tf.add(step, tf.matMul(state, recurrent)), 4, 1) as [Tensor, Tensor, Tensor, Tensor];
      const next = tf.add(tf.mul(tf.sigmoid(f), cell), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      return [tf.mul(tf.sigmoid(o), tf.tanh(next)), next];
    });
    states.push(state);
  }
  return tf.stack(states);
}

export function argMax(tf: Tfjs, a: Tensor): Tensor {
  const shape = chosenShape(a).map(Number);
  return shape.includes(0) ? tf.zeros(shape, 'int32') : tf.argMax(a, -1);
}

/** [B, C, L] -> [B, 1, L, C]. */
const picture = (tf: Tfjs, a: Tensor): Tensor4D => tf.expandDims(tf.transpose(a, [0, 2, 1]), 1);

/** [B, 1, L, C] -> [B, C, L]. */
const channelsFirst = (tf: Tfjs, a: Tensor): Tensor => tf.transpose(tf.squeeze(a, [1]) as Tensor3D, [0, 2, 1]);
