import type { Adapter } from '../music/lora.ts';
import { changed, times } from './matrices.ts';

/** An honest update that claims to be more, to weigh more in the merge. All are clipped to the median norm before they are merged or valued. */
export const inflateNorm = (adapter: Adapter, factor = 3): Adapter => changed(adapter, ({ a, b }) => ({ a, b: times(b, factor) }));

/** An update too short to do anything: many of them would pull the median norm down, and clip the honest ones to nothing. */
export const shrinkNorm = (adapter: Adapter, factor = 1e-3): Adapter => inflateNorm(adapter, factor);
