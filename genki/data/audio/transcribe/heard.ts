import { decompose, type Part } from './decompose.ts';
import { dictionary } from './dictionary.ts';
import { lineStrength, RATE, spectraAt } from './spectra.ts';

/** What is heard, frame by frame. */
export type Heard = {
  /** Magnitudes around the middle of each frame. */
  readonly spectra: readonly Float64Array[];
  readonly parts: readonly (readonly Part[])[];
  /** Level that the chip's 1 has. */
  readonly scale: number;
  /** How strong a pitch sounds across the beginning of a frame, of how strong in the weaker of that frame and the one before. */
  throughBegin(frame: number, midi: number): number;
  /** How strong a pitch sounds in a frame, of how strong in the weaker of its neighbours. */
  throughFrame(frame: number, midi: number): number;
};

/** −80 dB of a full sine: a line that is no stronger is silence. */
const SILENCE = 1e-4;
/** Of the levels of all notes in all frames the one below which so many are is the chip's own. */
const USUAL = 0.8;

const hertz = (midi: number): number => 440 * 2 ** ((midi - 69) / 12);

/** @param samples at 32 kHz */
export function hear(samples: Float32Array, { frames, frameRate }: { readonly frames: number; readonly frameRate: number }): Heard {
  const moments = (offset: number): number[] => Array.from({ length: frames }, (_, frame) => ((frame + offset) * RATE) / frameRate);
  const spectra = spectraAt(samples, moments(0.5));
  const begins = spectraAt(samples, moments(0));
  const parts = spectra.map((spectrum) => (spectrum.some((x) => x > SILENCE) ? decompose(spectrum, dictionary()) : []));
  const strength = (spectrum: Float64Array | undefined, midi: number): number => (spectrum === undefined ? 0 : lineStrength(spectrum, hertz(midi)));
  const of = (strong: number, beside: number): number => (beside === 0 ? 0 : strong / beside);
  return {
    spectra,
    parts,
    scale: scaleOf(parts),
    throughBegin: (frame, midi) => of(strength(begins[frame], midi), Math.min(strength(spectra[frame - 1], midi), strength(spectra[frame], midi))),
    throughFrame: (frame, midi) => of(strength(spectra[frame], midi), Math.min(strength(spectra[frame - 1], midi), strength(spectra[frame + 1], midi))),
  };
}

/** Of notes, or of drums where there are none. */
function scaleOf(frames: readonly (readonly Part[])[]): number {
  const levels = (isDrum: boolean): number[] => frames.flatMap((parts) => parts.filter(({ atom }) => (atom.sound.kind === 'drum') === isDrum).map(({ level }) => level));
  const usual = (values: number[]): number | undefined => values.sort((a, b) => a - b)[Math.floor(USUAL * values.length)];
  return usual(levels(false)) ?? usual(levels(true)) ?? 1;
}
