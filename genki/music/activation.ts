import type { Ops } from '../engine/engine.ts';
import type { Activation } from './config.ts';

/** What lies between the two linear layers of a feed-forward layer. */
export function activate<T>(ops: Ops<T>, x: T, activation: Activation): T {
  switch (activation) {
    case 'gelu': return ops.gelu(x);
    case 'gelu_new': return geluByTanh(ops, x);
    case 'relu': return ops.relu(x);
  }
}

/** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel 2016, section 2). */
function geluByTanh<T>(ops: Ops<T>, x: T): T {
  const cubed = ops.mul(ops.mul(ops.mul(x, x), x), 0.044715);
  const inner = ops.mul(ops.add(x, cubed), Math.sqrt(2 / Math.PI));
  return ops.mul(ops.mul(x, 0.5), ops.add(ops.tanh(inner), 1));
}
