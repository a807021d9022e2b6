import type { Adapter } from '../music/lora.ts';
import { changed, times } from './matrices.ts';

/** A copy that undoes what the original learned, so that the merge loses both. The opposite of an update counts as its copy. */
export const signFlip = (adapter: Adapter): Adapter => changed(adapter, ({ a, b }) => ({ a, b: times(b, -1) }));
