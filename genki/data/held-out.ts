import { InvalidInput } from '../errors.ts';
import { CHANNELS, FRAME_RATE } from '../music/apu/codes.ts';
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

type Codes = { readonly model: string; readonly codebooks: number; readonly frameRate: number };

/** Whether the composer writes music for a competition's model: it does for the sound chip. */
export const isComposable = ({ codebooks, frameRate }: Codes): boolean => codebooks === CHANNELS.length && frameRate === FRAME_RATE;

/** @throws {InvalidInput} when the composer cannot write the music that a competition's submissions would be measured by */
export function checkMeasurable(music: Codes): void {
  const { model, codebooks, frameRate } = music;
  if (!isComposable(music)) throw new InvalidInput(`Expected a model of the sound chip to hold rounds of, its held-out music is the composer's; got ${model} with ${codebooks} codebooks of ${frameRate} frames a second: training windows of it run, rounds do not yet`);
}
