import type { Layer } from './layers.ts';
import { reachOf } from './padding.ts';

/** How many elements of their input, at most, layers without an LSTM look at beyond either end of what an output is of. */
export const contextOf = (layers: readonly Layer[]): number =>
  layers.reduceRight((context, layer) => {
    switch (layer.kind) {
      case 'elu':
        return context;
      case 'conv':
        return context * layer.stride + reachOf(layer);
      case 'convTranspose':
        return Math.ceil((context + layer.kernel) / layer.stride);
      case 'residual':
        return context + contextOf(layer.block);
      case 'lstm':
        throw new RangeError('Expected layers that see what lies near, got an LSTM');
    }
  }, 0);
