import type { Volume } from '../music/apu/codes.ts';
import { type Drum, DRUMS } from '../music/apu/drums.ts';

export type Stick = { readonly drum: Drum; readonly volume: Volume };

/** What the symbols of a drum pattern strike; capitals are loud. */
export const STICKS: Readonly<Record<string, Stick>> = {
  K: { drum: 'kick', volume: 3 },
  k: { drum: 'kick', volume: 2 },
  S: { drum: 'snare', volume: 3 },
  s: { drum: 'snare', volume: 1 },
  r: { drum: 'snare', volume: 0 },
  H: { drum: 'hat', volume: 2 },
  h: { drum: 'hat', volume: 1 },
  o: { drum: 'open-hat', volume: 1 },
  L: { drum: 'low-tom', volume: 2 },
  M: { drum: 'mid-tom', volume: 2 },
  T: { drum: 'high-tom', volume: 2 },
  C: { drum: 'crash', volume: 2 },
  D: { drum: 'ride', volume: 2 },
  d: { drum: 'ride', volume: 1 },
  P: { drum: 'clap', volume: 2 },
  i: { drum: 'rim', volume: 2 },
  z: { drum: 'shaker', volume: 1 },
  b: { drum: 'bell', volume: 1 },
  t: { drum: 'tambourine', volume: 1 },
  B: { drum: 'boom', volume: 2 },
  g: { drum: 'gust', volume: 0 },
};

/** Every drum at every volume that the chip has. */
export const ALL_STICKS: readonly Stick[] = DRUMS.flatMap((drum) => (drum === 'gust' ? [0, 1] as const : [0, 1, 2, 3] as const).map((volume) => ({ drum, volume })));
