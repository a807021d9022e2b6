import type { Drum } from '../../music/apu/drums.ts';

/** The chip's drum for each key of General MIDI's percussion, 35 … 87. */
const KEYS: Readonly<Record<Drum, readonly number[]>> = {
  kick: [36, 35, 64],
  snare: [38, 40, 31],
  hat: [42, 44, 33],
  'open-hat': [46],
  'low-tom': [45, 41, 43, 61, 66, 68, 78],
  'mid-tom': [47, 48, 60, 63, 65, 67, 79],
  'high-tom': [50, 62],
  crash: [49, 52, 55, 57],
  ride: [51, 59],
  clap: [39],
  rim: [37, 32, 75, 76, 77, 85],
  shaker: [82, 69, 70, 73],
  bell: [56, 53, 34, 80, 81, 83, 84],
  tambourine: [54],
  boom: [87, 86],
  gust: [58, 71, 72, 74],
};

const DRUM_OF: ReadonlyMap<number, Drum> = new Map((Object.keys(KEYS) as Drum[]).flatMap((drum) => KEYS[drum].map((key): [number, Drum] => [key, drum])));

/** undefined where General MIDI has no drum. */
export const drumOf = (key: number): Drum | undefined => DRUM_OF.get(key);

/** The key that stands for a drum. */
export const keyOf = (drum: Drum): number => KEYS[drum][0]!;
