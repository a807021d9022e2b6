import type { Adapter, AdapterLayer } from '../../music/lora.ts';
import { errorOf, recompress, type Recompressed } from './recompress.ts';
import { stackAdapters, type WeightedAdapter } from './stack.ts';

/**
 * What training of an adapter's shape begins with so that Σ weight · ΔW is in it already: the sum exactly as far as it fits,
 * else the closest of that rank. A single adapter of that shape is taken as it is.
 *
 * @param blank an adapter of the wanted ranks and scales that changes nothing; ranks that the sum has no need of are its, to be learnt
 * @returns `error` is what did not fit, relative, Frobenius
 * @throws {InvalidInput} as `stackAdapters`
 */
export function startOf(parts: readonly WeightedAdapter[], blank: Adapter): Recompressed {
  const sum = stackAdapters(parts);
  const ranks = Object.fromEntries([...sum.layers.keys()].map((module) => [module, blank.layers.get(module)?.rank ?? 1]));
  const [{ scale }] = [...blank.layers.values()] as [AdapterLayer];
  const { layers } = recompress(sum, ranks, scale).adapter;
  const adapter = { config: blank.config, layers: new Map([...blank.layers].map(([module, layer]) => [module, filled(layer, layers.get(module))])) };
  return { adapter, error: errorOf(sum, adapter) };
}

/** Below this part of the largest, what a rank adds is what rounding has left. */
const ROUNDED = 2 ** -24;

/** A layer's ranks that add something, and a blank one's in the place of all others. */
function filled(blank: AdapterLayer, layer: AdapterLayer | undefined): AdapterLayer {
  if (layer === undefined) return blank;
  const { rank, out, in: columns } = blank;
  const norms = Array.from({ length: layer.rank }, (_, r) => normOf(layer.a.subarray(r * columns, (r + 1) * columns)) * normOf(layer.b.filter((_, i) => i % layer.rank === r)));
  const used = norms.flatMap((norm, r) => (norm > ROUNDED * Math.max(...norms) ? [r] : []));
  if (used.length === rank) return { ...blank, a: layer.a, b: layer.b };
  const a = blank.a.slice();
  const b = blank.b.slice();
  used.forEach((r, k) => {
    a.set(layer.a.subarray(r * columns, (r + 1) * columns), k * columns);
    for (let o = 0; o < out; o++) b[o * rank + k] = layer.b[o * layer.rank + r]!;
  });
  return { ...blank, a, b };
}

const normOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
