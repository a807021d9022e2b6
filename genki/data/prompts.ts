import type { Clip } from '../music/clip.ts';
import { heldOut } from './held-out.ts';

/**
 * Fresh music of some styles in turn, whose captions a round's miners are asked to play: the same seed gives the same
 * pieces, and another `draw` other pieces of the same styles in the same order.
 * @returns shape [count]
 */
export function promptClips({ styles, count, seed, draw = 0 }: { readonly styles: readonly string[]; readonly count: number; readonly seed: string; readonly draw?: number }): Clip[] {
  const turns = Math.ceil(count / styles.length);
  const clips = Array.from({ length: turns }, (_, turn) => heldOut({ clips: Object.fromEntries(styles.map((style) => [style, 1])), seed: draw === 0 ? `${seed}/${turn}` : `${seed}/${turn}/${draw}` }));
  return clips.flat().slice(0, count);
}
