import type { EncodecNet } from './net.ts';

export const codebookName = (k: number): string => `quantizer.layers.${k}.codebook`;

/** The latent that residual codes stand for, their vectors' sum: int32 [B, T] each -> [B, hiddenSize, T]. */
export function dequantize<T>({ ops, weight }: EncodecNet<T>, codes: readonly T[]): T {
  const vectors = codes.map((ids, k) => ops.gather(weight(`${codebookName(k)}.embed`), ids)); // [B, T] -> [B, T, D]
  return ops.transpose(vectors.reduce((sum, part) => ops.add(sum, part)), [0, 2, 1]);
}

/**
 * Residual vector quantisation (Zeghidour et al. 2021, algorithm 1): each codebook's vector nearest to what those before
 * have left over, the first of equally near ones: [B, hiddenSize, T] -> int32 [B, T] each.
 */
export function quantize<T>(net: EncodecNet<T>, latent: T): T[] {
  const { ops, config, weight } = net;
  let rest = ops.transpose(latent, [0, 2, 1]); // [B, D, T] -> [B, T, D]
  return Array.from({ length: config.numQuantizers }, (_, k) => {
    const table = weight(`${codebookName(k)}.embed`);
    // |x − e|² is smallest where x·e − |e|²/2 is largest
    const nearness = ops.sub(ops.matmul(rest, table, { transposeB: true }), weight(`${codebookName(k)}.halfSquares`)); // [B, T, D] -> [B, T, V]
    const ids = ops.argMax(nearness); // [B, T, V] -> [B, T]
    rest = ops.sub(rest, ops.gather(table, ids));
    return ids;
  });
}
