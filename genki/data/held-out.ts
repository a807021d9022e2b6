import type { Clip } from '../music/clip.ts';
import { compose } from './composer.ts';

/**
 * Fresh music to measure by: nobody can have it before the seed is known, and no dataset of the composer holds it.
 * @param clips how many of each style
 * @returns by style in alphabetical order
 * @throws {InvalidInput} when there is no such style
 */
export function heldOut({ clips, seed }: { clips: Readonly<Record<string, number>>; seed: string }): Clip[] {
  return Object.keys(clips).sort().flatMap((style) => Array.from({ length: clips[style]! }, (_, i) => compose({ style, seed: `held-out/${seed}/${i}` })));
}
