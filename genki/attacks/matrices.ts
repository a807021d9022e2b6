import type { Adapter, AdapterLayer } from '../music/lora.ts';

/** What an attack changes of a layer: A, shape [rank, in], and B, shape [out, rank]. */
export type Matrices = { readonly a: Float32Array; readonly b: Float32Array };

/** The adapter with other matrices in each layer. */
export const changed = (adapter: Adapter, change: (layer: AdapterLayer, module: string) => Matrices): Adapter => ({
  config: adapter.config,
  layers: new Map([...adapter.layers].map(([module, layer]) => [module, { ...layer, ...change(layer, module) }])),
});

export const times = (matrix: Float32Array, factor: number): Float32Array => matrix.map((value) => value * factor);

export const rootMeanSquare = (matrix: Float32Array): number => Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0) / matrix.length);
