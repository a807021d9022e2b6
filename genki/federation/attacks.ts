import { updateNorm, type Adapter, type AdapterLayer } from '../music/lora.ts';
import type { Random } from '../protocol/random.ts';

/** A byte copy: the same matrices in a file of its own. */
export const byteCopy = (adapter: Adapter): Adapter => changed(adapter, ({ a, b }) => ({ a: a.slice(), b: b.slice() }));

/**
 * A copy hidden under noise: each matrix gets `amount` of its own root mean square. The digest changes and
 * the cosine becomes 1 / (1 + amount²): .99 at a tenth, below the threshold for copies from 1 on.
 */
export const noisyCopy = (adapter: Adapter, random: Random, amount = 0.1): Adapter =>
  changed(adapter, ({ a, b }) => ({ a: disturbed(a, random, amount), b: disturbed(b, random, amount) }));

/** The same update from other matrices: A · factor and B / factor. */
export const rescaledCopy = (adapter: Adapter, factor = 2): Adapter => changed(adapter, ({ a, b }) => ({ a: times(a, factor), b: times(b, 1 / factor) }));

/** The same update from other matrices: the rows of A and the columns of B in reverse. */
export const permutedCopy = (adapter: Adapter): Adapter =>
  changed(adapter, ({ a, b, in: columns, rank }) => ({
    a: a.map((_, i) => a[(rank - 1 - Math.floor(i / columns)) * columns + (i % columns)]!),
    b: b.map((_, i) => b[Math.floor(i / rank) * rank + rank - 1 - (i % rank)]!),
  }));

/** Random matrices as long as honest ones: what was never trained. */
export const junk = (honest: Adapter, random: Random): Adapter =>
  changed(honest, (layer) => {
    const norm = (one: AdapterLayer): number => updateNorm({ config: honest.config, layers: new Map([['', one]]) });
    const a = layer.a.map(() => random.normal());
    const b = layer.b.map(() => random.normal());
    return { a, b: times(b, norm(layer) / norm({ ...layer, a, b })) };
  });

/** A copy that undoes what the original learned. */
export const signFlip = (adapter: Adapter): Adapter => changed(adapter, ({ a, b }) => ({ a, b: times(b, -1) }));

/** An honest update that claims to be more. */
export const inflateNorm = (adapter: Adapter, factor = 3): Adapter => changed(adapter, ({ a, b }) => ({ a, b: times(b, factor) }));

/** Nothing at all, in the right shape. */
export const nothing = (adapter: Adapter): Adapter => changed(adapter, ({ a, b }) => ({ a, b: times(b, 0) }));

/** The first half of a file. */
export const truncated = (bytes: Uint8Array): Uint8Array => bytes.slice(0, bytes.length >> 1);

/** A safetensors file whose header claims to be longer than the file, by far. */
export function lyingHeader(bytes: Uint8Array): Uint8Array {
  const lie = bytes.slice();
  new DataView(lie.buffer).setBigUint64(0, 2n ** 60n, true);
  return lie;
}

/** A safetensors file whose last float is not a number. */
export function withNaN(bytes: Uint8Array): Uint8Array {
  const poisoned = bytes.slice();
  new DataView(poisoned.buffer).setFloat32(poisoned.length - 4, NaN, true);
  return poisoned;
}

type Matrices = { readonly a: Float32Array; readonly b: Float32Array };

const changed = (adapter: Adapter, change: (layer: AdapterLayer) => Matrices): Adapter => ({
  config: adapter.config,
  layers: new Map([...adapter.layers].map(([module, layer]) => [module, { ...layer, ...change(layer) }])),
});

const times = (matrix: Float32Array, factor: number): Float32Array => matrix.map((value) => value * factor);

function disturbed(matrix: Float32Array, random: Random, amount: number): Float32Array {
  const rootMeanSquare = Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0) / matrix.length);
  return matrix.map((value) => value + amount * rootMeanSquare * random.normal());
}
