/** The sounds of the noise channel, in the order of their codes. */
export const DRUMS = [
  'kick', 'snare', 'hat', 'open-hat', 'low-tom', 'mid-tom', 'high-tom', 'crash',
  'ride', 'clap', 'rim', 'shaker', 'bell', 'tambourine', 'boom', 'gust',
] as const;
export type Drum = (typeof DRUMS)[number];

/** A falling tone under the noise, as games make it with the triangle channel; times are exponential constants. */
export type Body = { readonly fromHz: number; readonly toHz: number; readonly sweepMs: number; readonly decayMs: number; readonly gain: number };

export type DrumSound = {
  /** Cycles of the console's 1.789773 MHz clock between two steps of the noise register; one of the chip's 16 periods. */
  readonly period: number;
  /** The register's short loop of 93 steps, which has a pitch. */
  readonly short: boolean;
  /** Time constant of the noise's exponential decay. */
  readonly decayMs: number;
  readonly gain: number;
  readonly body?: Body;
};

const noise = (period: number, decayMs: number, gain: number): DrumSound => ({ period, short: false, decayMs, gain });
const metal = (period: number, decayMs: number, gain: number): DrumSound => ({ period, short: true, decayMs, gain });
const skin = (sound: DrumSound, fromHz: number, toHz: number): DrumSound => ({ ...sound, body: { fromHz, toHz, sweepMs: 35, decayMs: 110, gain: 0.9 } });

export const DRUM_SOUNDS: Readonly<Record<Drum, DrumSound>> = {
  kick: skin(noise(762, 18, 0.45), 190, 48),
  snare: { ...noise(202, 75, 0.75), body: { fromHz: 240, toHz: 170, sweepMs: 30, decayMs: 45, gain: 0.5 } },
  hat: noise(32, 25, 0.9),
  'open-hat': noise(32, 130, 0.75),
  'low-tom': skin(noise(508, 30, 0.3), 150, 80),
  'mid-tom': skin(noise(380, 28, 0.3), 210, 115),
  'high-tom': skin(noise(254, 26, 0.3), 290, 165),
  crash: noise(64, 380, 0.6),
  ride: noise(8, 140, 0.9),
  clap: noise(128, 60, 0.7),
  rim: metal(16, 18, 1),
  shaker: noise(16, 40, 0.9),
  bell: metal(32, 150, 0.6),
  tambourine: noise(8, 70, 1.2),
  boom: { ...noise(1016, 120, 0.3), body: { fromHz: 95, toHz: 41, sweepMs: 80, decayMs: 320, gain: 1 } },
  gust: noise(160, 700, 0.5),
};

/** How many frames of 1/12 s a drum rings before it is hardly heard: 1.5 time constants, at least one. */
export function ringFrames(drum: Drum): number {
  const { decayMs, body } = DRUM_SOUNDS[drum];
  return Math.max(1, Math.round((1.5 * Math.max(decayMs, body?.decayMs ?? 0) * 12) / 1000));
}
