import { InvalidInput } from '../../errors.ts';
import type { Adapter, AdapterLayer } from '../../music/lora.ts';
import { factorsOf, normOfProduct, plus, singularParts } from './factors.ts';
import { sizedAdapter } from './sized-adapter.ts';

/** ‖ΔW' − ΔW‖ / ‖ΔW‖, Frobenius: 0 for an update that is 0. */
export type CompressionError = { readonly overall: number; readonly modules: ReadonlyMap<string, number> };

export type Recompressed = { readonly adapter: Adapter; readonly error: CompressionError };

/**
 * The adapter of a stated rank that is closest to one of a higher rank: of each ΔW the largest singular values and their
 * vectors (Eckart and Young 1936),
 *
 *     ΔW = Σ_k σ_k u_k v_kᵀ,   B' = [√(σ_k / s) u_k],   A' = [√(σ_k / s) v_kᵀ]
 *
 * in float64, rounded once. A layer whose rank is low enough is kept as it is, unless it is to have another scale.
 *
 * @param rank of all modules, or of each by its name; the result's are no larger, but smaller where the layer's own, or its size, is
 * @param scale s of all layers, alpha / rank: such as a competition demands. Default: each layer's own
 * @returns `error` is that of the float32 factors that are returned, measured by a decomposition of the difference
 * @throws {InvalidInput} when a rank is no positive integer or missing, or a value is not finite
 */
export function recompress(adapter: Adapter, rank: number | Readonly<Record<string, number>>, scale?: number): Recompressed {
  const closest = [...adapter.layers].map(([module, layer]) => ({ module, layer, smaller: ofRank(layer, rankOf(module, rank), scale) }));
  const compressed = sizedAdapter(new Map(closest.map(({ module, smaller }) => [module, smaller])));
  return { adapter: compressed, error: errorOf(adapter, compressed) };
}

/** @throws {InvalidInput} when a module of the one is missing in the other */
export function errorOf(adapter: Adapter, approximate: Adapter): CompressionError {
  const norms = [...adapter.layers].map(([module, layer]) => {
    const other = approximate.layers.get(module);
    if (other === undefined) throw new InvalidInput(`Expected both adapters to have ${module}, got it in one`);
    const exact = factorsOf(layer);
    return { module, norm: normOfProduct(exact), off: other.a === layer.a && other.b === layer.b ? 0 : normOfProduct(plus(exact, factorsOf(other, -1))) };
  });
  const total = (of: (norm: (typeof norms)[number]) => number): number => Math.sqrt(norms.reduce((sum, norm) => sum + of(norm) ** 2, 0));
  return { overall: ratio(total(({ off }) => off), total(({ norm }) => norm)), modules: new Map(norms.map(({ module, off, norm }) => [module, ratio(off, norm)])) };
}

const ratio = (off: number, norm: number): number => (off === 0 ? 0 : off / norm);

function rankOf(module: string, rank: number | Readonly<Record<string, number>>): number {
  const own = typeof rank === 'number' ? rank : rank[module];
  if (own === undefined || !Number.isSafeInteger(own) || own < 1) throw new InvalidInput(`Expected a rank of 1 or more for ${module}, got ${own ?? 'none'}`);
  return own;
}

function ofRank(layer: AdapterLayer, most: number, scale: number | undefined): AdapterLayer {
  const { in: columns, out } = layer;
  const rank = Math.min(most, layer.rank, columns, out);
  if (rank === layer.rank && (scale === undefined || scale === layer.scale)) return layer;
  const own = scale ?? (layer.scale || 1); // any scale will do for an update of 0
  const { values, u, v } = singularParts(factorsOf(layer, 1 / own), rank);
  const roots = values.map(Math.sqrt);
  return {
    a: Float32Array.from({ length: rank * columns }, (_, i) => roots[Math.floor(i / columns)]! * v[Math.floor(i / columns)]![i % columns]!),
    b: Float32Array.from({ length: out * rank }, (_, i) => roots[i % rank]! * u[i % rank]![Math.floor(i / rank)]!),
    in: columns,
    out,
    rank,
    scale: own,
  };
}
