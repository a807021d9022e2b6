import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import type { Adapter, AdapterLayer } from '../music/lora.ts';
import { changed, type Matrices } from './matrices.ts';
import { orthonormal, type Columns } from './orthonormal.ts';

/** One part of a mixture. */
export type Part = { readonly adapter: Adapter; readonly weight: number };

/**
 * Several miners' updates in one: Σ weight · ΔW, cut to the rank of the first by its singular values, which is the closest
 * that this rank allows (Eckart and Young 1936). Of k unlike updates of one length its cosine to each is at most 1/√k, so
 * from five on no single comparison finds a copy; but on top of those that it was made from it adds nothing.
 */
export function mixture(parts: readonly [Part, ...Part[]]): Adapter {
  return changed(parts[0].adapter, (layer, module) => truncated(layer, parts.map(({ adapter, weight }) => ({ layer: adapter.layers.get(module)!, weight }))));
}

/** Side by side the parts have the sum of their ranks; the product of the two triangles has all of their singular values. */
function truncated({ rank, in: columns, out, scale }: AdapterLayer, parts: readonly { layer: AdapterLayer; weight: number }[]): Matrices {
  const left = orthonormal(parts.flatMap(({ layer, weight }) => columnsOfB(layer, (weight * layer.scale) / scale)));
  const right = orthonormal(parts.flatMap(({ layer }) => rowsOfA(layer)));
  const core = new Matrix(left.r).mmul(new Matrix(right.r).transpose());
  const { leftSingularVectors: u, rightSingularVectors: v, diagonal } = new SingularValueDecomposition(core);
  const roots = diagonal.map(Math.sqrt);
  const entry = (q: Columns, vectors: Matrix, at: { row: number; r: number }): number => roots[at.r]! * q.reduce((sum, column, i) => sum + column[at.row]! * vectors.get(i, at.r), 0);
  return {
    a: Float32Array.from({ length: rank * columns }, (_, i) => entry(right.q, v, { row: i % columns, r: Math.floor(i / columns) })),
    b: Float32Array.from({ length: out * rank }, (_, i) => entry(left.q, u, { row: Math.floor(i / rank), r: i % rank })),
  };
}

const columnsOfB = ({ b, out, rank }: AdapterLayer, factor: number): Float64Array[] =>
  Array.from({ length: rank }, (_, r) => Float64Array.from({ length: out }, (_, o) => factor * b[o * rank + r]!));

const rowsOfA = ({ a, in: columns, rank }: AdapterLayer): Float64Array[] =>
  Array.from({ length: rank }, (_, r) => Float64Array.from(a.subarray(r * columns, (r + 1) * columns)));
