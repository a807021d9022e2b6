import type { Adapter, AdapterLayer } from '../../../genki/music/lora.ts';
import { Random } from '../../../genki/protocol/random.ts';
import type { HostTensor, TensorMap } from '../../../genki/protocol/safetensors.ts';

export type Size = { readonly module: string; readonly out: number; readonly in: number };

/** The linears that a ruby-nano adapter changes: 4 layers of 8 square projections and two of the feed-forward network. */
export const nanoSizes: readonly Size[] = Array.from({ length: 4 }, (_, n) => `decoder.model.decoder.layers.${n}`).flatMap((layer) => [
  ...['self_attn', 'encoder_attn'].flatMap((block) => ['q', 'k', 'v', 'out'].map((name) => ({ module: `${layer}.${block}.${name}_proj`, out: 128, in: 128 }))),
  { module: `${layer}.fc1`, out: 512, in: 128 },
  { module: `${layer}.fc2`, out: 128, in: 512 },
]);

export const smallSizes: readonly Size[] = [
  { module: 'x.q_proj', out: 6, in: 5 },
  { module: 'x.fc1', out: 9, in: 4 },
];

/** An adapter of normal draws. */
export function randomAdapter(seed: string, { sizes = smallSizes, rank = 2, alpha = 4 }: { sizes?: readonly Size[]; rank?: number; alpha?: number } = {}): Adapter {
  const random = new Random(seed);
  const normal = (n: number): Float32Array => Float32Array.from({ length: n }, () => 0.05 * random.normal());
  const layer = ({ out, in: columns }: Size): AdapterLayer => ({ a: normal(rank * columns), b: normal(out * rank), in: columns, out, rank, scale: alpha / rank });
  return { config: { rank, alpha, targets: ['q_proj', 'fc1'], rslora: false }, layers: new Map(sizes.map((size) => [size.module, layer(size)])) };
}

export function randomBase(seed: string, sizes: readonly Size[] = smallSizes): TensorMap {
  const random = new Random(seed);
  const tensor = (shape: number[]): HostTensor => ({ shape, dtype: 'F32', data: Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => random.normal()) });
  return new Map([...sizes.map((size): [string, HostTensor] => [`${size.module}.weight`, tensor([size.out, size.in])]), ['x.layer_norm.weight', tensor([5])]]);
}

/** Σ weight · scale · B A of one module in float64, the slow way. */
export function denseSum(updates: readonly { adapter: Adapter; weight: number }[], module: string): number[] {
  const { out, in: columns } = updates[0]!.adapter.layers.get(module)!;
  return Array.from({ length: out * columns }, (_, at) => {
    const [o, i] = [Math.floor(at / columns), at % columns];
    return updates.reduce((sum, { adapter, weight }) => {
      const { a, b, rank, scale } = adapter.layers.get(module)!;
      for (let r = 0; r < rank; r++) sum += weight * scale * b[o * rank + r]! * a[r * columns + i]!;
      return sum;
    }, 0);
  });
}
