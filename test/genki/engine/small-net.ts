import type { Dim, Ops, Program } from '../../../genki/engine/engine.ts';

/** A small language model of an even width: embedding, norm, causal attention of two heads, GELU layer; `logits` and `loss`. */
export const smallNet = (width: number): Program => ({
  name: 'small net',
  inputs: {
    ids: { shape: ['B', 'T'], dtype: 'int32' },
    labels: { shape: ['B', 'T'], dtype: 'int32' },
    mask: { shape: ['T', 'T'], dtype: 'float32' },
    table: { shape: [5, width], dtype: 'float32' },
    gain: { shape: [width], dtype: 'float32' },
    bias: { shape: [width], dtype: 'float32' },
    mix: { shape: [2 * width, width], dtype: 'float32' },
    widen: { shape: [width, 3 * width], dtype: 'float32' },
    narrow: { shape: [5, 3 * width], dtype: 'float32' },
  },
  build: <T>(ops: Ops<T>, { ids, labels, mask, table, gain, bias, mix, widen, narrow }: Readonly<Record<string, T>>, size: (dim: Dim) => Dim) => {
    const [B, T] = [size('B'), size('T')];
    const x = ops.gather(table!, ids!); // [B, T, width]
    const projected = ops.matmul(ops.layerNorm(x, gain!, bias!, 1e-5), mix!, { transposeB: true });
    const heads = ops.transpose(ops.reshape(projected, [B, T, 2, width]), [0, 2, 1, 3]); // [B, 2, T, width]
    const scores = ops.add(ops.mul(ops.matmul(heads, heads, { transposeB: true }), 0.2), mask!);
    const mixed = ops.transpose(ops.matmul(ops.softmax(scores), heads), [0, 2, 1, 3]);
    const attended = ops.matmul(ops.reshape(mixed, [B, T, 2 * width]), mix!);
    const hidden = ops.gelu(ops.matmul(ops.add(x, attended), widen!));
    const logits = ops.matmul(hidden, narrow!, { transposeB: true });
    return { logits, loss: ops.sum(ops.negativeLogLikelihood(logits, labels!), [0, 1]) };
  },
  gradients: { of: 'loss', wrt: ['table', 'gain', 'bias', 'mix', 'widen', 'narrow'] },
});
