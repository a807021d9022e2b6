import { type Band, bandPower, PowerSpectrum, triangle } from '../../evaluation/clap/power-spectrum.ts';
import type { Key } from '../harmony.ts';
import { ANALYSIS_RATE } from './analysed.ts';

/** Frames of half a second, 2 Hz a bin: semitones from 35 Hz on. */
const FRAME = 4096;
/** MIDI. Higher up there are more overtones than notes. */
const [LOWEST, HIGHEST] = [33, 84];
/** Of a semitone, to either side of a note: its neighbours' bands hardly touch. */
const WIDTH = 0.6;

/** How often each degree from the tonic is played in 490 pieces of 1600 to 1900 (Albrecht and Shanahan 2013). */
const PROFILES = {
  major: [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.08, 0.008, 0.081],
  minor: [0.22, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
} as const;
/** Correlation from which a key is named, and by how much more than any other. */
const CLEAR = { fit: 0.7, lead: 0.1 };

/**
 * The key of a song, major or minor: the one whose profile correlates best with how much each pitch class sounds;
 * undefined where none fits well or two do.
 * @param samples `analysed`, at least one
 */
export function soundingKey(samples: Float32Array): Key | undefined {
  const sounding = pitchClasses(samples);
  const fits = (['major', 'minor'] as const).flatMap((mode) =>
    Array.from({ length: 12 }, (_, tonic) => ({ key: { tonic, mode }, fit: correlation(PROFILES[mode], PROFILES[mode].map((_, degree) => sounding[(tonic + degree) % 12]!)) })),
  );
  const [best, next] = fits.sort((a, b) => b.fit - a.fit);
  return best!.fit >= CLEAR.fit && best!.fit - next!.fit >= CLEAR.lead ? best!.key : undefined;
}

/** How much each pitch class sounds, C first. */
function pitchClasses(samples: Float32Array): Float64Array {
  const sounding = new Float64Array(12);
  const hop = FRAME / 2;
  new PowerSpectrum(FRAME, hop).visit(samples, Math.max(1, Math.floor((samples.length - FRAME) / hop) + 1), (power) => {
    NOTES.forEach((note, n) => (sounding[(LOWEST + n) % 12]! += Math.sqrt(bandPower(power, note))));
  });
  return sounding;
}

const NOTES: readonly Band[] = Array.from({ length: HIGHEST - LOWEST + 1 }, (_, n) => {
  const bin = (midi: number): number => (440 * 2 ** ((midi - 69) / 12) * FRAME) / ANALYSIS_RATE;
  return triangle({ lower: bin(LOWEST + n - WIDTH), middle: bin(LOWEST + n), upper: bin(LOWEST + n + WIDTH) }, FRAME / 2, Math.log2);
});

/** −1 … 1; 0 when one of them is constant. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const sum = (of: (i: number) => number): number => x.reduce((total, _, i) => total + of(i), 0);
  const norm = Math.sqrt(sum((i) => (x[i]! - mx) ** 2) * sum((i) => (y[i]! - my) ** 2));
  return norm === 0 ? 0 : sum((i) => (x[i]! - mx) * (y[i]! - my)) / norm;
}
