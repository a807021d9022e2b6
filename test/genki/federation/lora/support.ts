import type { WeightedAdapter } from '../../../../genki/federation/lora/stack.ts';
import { type Adapter, type AdapterLayer, loraScale } from '../../../../genki/music/lora.ts';
import { Random } from '../../../../genki/protocol/random.ts';

export type Shape = { readonly out: number; readonly in: number };

const SHAPES: Readonly<Record<string, Shape>> = { 'x.q_proj': { out: 6, in: 5 }, 'x.fc1': { out: 9, in: 4 }, 'x.fc2': { out: 3, in: 8 }, 'y.q_proj': { out: 5, in: 5 } };

/** Any of four modules, each with its own rank up to 7 and alpha. */
export function anyAdapter(random: Random): Adapter {
  const chosen = random.shuffle(Object.keys(SHAPES)).slice(0, 1 + random.int(4));
  const rslora = random.chance(0.5);
  const layers = chosen.map((module): [string, AdapterLayer] => {
    const [rank, alpha] = [1 + random.int(7), 0.1 + 16 * random.float()];
    return [module, anyLayer(random, { ...SHAPES[module]!, rank, scale: loraScale({ rank, alpha, rslora }) })];
  });
  return { config: { rank: 1, alpha: 1, targets: [], rslora }, layers: new Map(layers) };
}

export function anyLayer(random: Random, size: Shape & { rank: number; scale: number }): AdapterLayer {
  const normal = (n: number): Float32Array => Float32Array.from({ length: n }, () => 0.1 * random.normal());
  return { a: normal(size.rank * size.in), b: normal(size.out * size.rank), ...size };
}

export const oneLayer = (layer: AdapterLayer): Adapter => ({ config: { rank: layer.rank, alpha: layer.scale * layer.rank, targets: ['q_proj'], rslora: false }, layers: new Map([['x.q_proj', layer]]) });

/** Σ weight · scale · B A of each module, multiplied out in float64. */
export function denseUpdate(parts: readonly WeightedAdapter[]): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>();
  for (const { adapter, weight } of parts) {
    for (const [module, layer] of adapter.layers) {
      const sum = sums.get(module) ?? new Float64Array(layer.out * layer.in);
      productOf(layer).forEach((value, i) => (sum[i]! += weight * value));
      sums.set(module, sum);
    }
  }
  return sums;
}

export function productOf({ a, b, in: columns, out, rank, scale }: AdapterLayer): Float64Array {
  return Float64Array.from({ length: out * columns }, (_, at) => {
    const [o, i] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += b[o * rank + r]! * a[r * columns + i]!;
    return scale * sum;
  });
}

export const normOf = (values: ArrayLike<number>): number => Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

/** ‖got − wanted‖ over a norm, that of what is wanted where none is given. */
export const distance = (got: ArrayLike<number>, wanted: ArrayLike<number>, norm = normOf(wanted)): number => normOf(Array.from(wanted, (value, i) => value - got[i]!)) / norm;
