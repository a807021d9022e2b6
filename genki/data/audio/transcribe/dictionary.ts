import { DRUMS, type Drum } from '../../../music/apu/drums.ts';
import { encodeNotes, FRAME_RATE, RANGE, type Duty, type NoteEvent } from '../../../music/apu/codes.ts';
import { renderCodes } from '../../../music/apu/synthesizer.ts';
import { RATE, SPECTRUM_SIZE, spectraAt } from './spectra.ts';

/** A sound of the chip's in a frame. */
export type Sound = { readonly kind: 'pulse'; readonly midi: number; readonly duty: Duty } | { readonly kind: 'triangle'; readonly midi: number } | { readonly kind: 'drum'; readonly drum: Drum };

/** What a sound looks like: the entries of its spectrum that count. */
export type Atom = { readonly sound: Sound; readonly at: Uint16Array; readonly weights: Float64Array; readonly peak: number; readonly sum: number };

/** Of a spectrum, what lies 60 dB below its highest entry is left out. */
const FAINT = 1e-3;
/** Pulse 1 is so much louder than pulse 2. */
const PULSE_RATIO = 0.24 / 0.16;
/** Hits that a drum's spectrum is the mean of: noise is never the same twice. */
const HITS = 8;
const HIT_FRAMES = 8;
/** `gust` has no volume above this, half of the loudest. */
const GUST = { volume: 1, scale: 2 } as const;

let cached: readonly Atom[] | undefined;

/**
 * Every sound of the chip as the synthesizer plays it: pulses and triangles in the second frame of a note, drums at their
 * loudest in the first. A pulse has the level of pulse 1, whichever plays it.
 */
export function dictionary(): readonly Atom[] {
  cached ??= [...pulses(), ...triangles(), ...DRUMS.map(drumAtom)];
  return cached;
}

function pulses(): Atom[] {
  return midis(RANGE.pulse2.lowest, RANGE.pulse1.highest).flatMap((midi) =>
    ([0, 1] as const).map((duty) => {
      const channel = midi >= RANGE.pulse1.lowest ? 'pulse1' : 'pulse2';
      const [spectrum] = spectraOf([{ channel, at: 0, frames: 3, midi, duty }], [1.5]);
      return atom({ kind: 'pulse', midi, duty }, channel === 'pulse1' ? spectrum! : spectrum!.map((x) => x * PULSE_RATIO));
    }),
  );
}

const triangles = (): Atom[] =>
  midis(RANGE.triangle.lowest, RANGE.triangle.highest).map((midi) => atom({ kind: 'triangle', midi }, spectraOf([{ channel: 'triangle', at: 0, frames: 3, midi }], [1.5])[0]!));

function drumAtom(drum: Drum): Atom {
  const hits = Array.from({ length: HITS }, (_, i) => i * HIT_FRAMES);
  const spectra = spectraOf(hits.map((at) => ({ channel: 'noise', at, frames: HIT_FRAMES, drum, volume: drum === 'gust' ? GUST.volume : 3 })), hits.map((at) => at + 0.5));
  const mean = new Float64Array(SPECTRUM_SIZE);
  for (const spectrum of spectra) spectrum.forEach((x, i) => (mean[i]! += x / HITS));
  return atom({ kind: 'drum', drum }, drum === 'gust' ? mean.map((x) => GUST.scale * x) : mean);
}

/** @param moments in frames */
function spectraOf(notes: readonly NoteEvent[], moments: readonly number[]): Float64Array[] {
  const frames = notes.reduce((last, { at, frames: length }) => Math.max(last, at + length), 0);
  return spectraAt(renderCodes(encodeNotes(notes, frames)), moments.map((moment) => (moment * RATE) / FRAME_RATE));
}

function atom(sound: Sound, spectrum: Float64Array): Atom {
  const peak = spectrum.reduce((most, x) => Math.max(most, x), 0);
  const at = Uint16Array.from(spectrum.keys()).filter((i) => spectrum[i]! >= FAINT * peak);
  const weights = Float64Array.from(at, (i) => spectrum[i]!);
  return { sound, at, weights, peak, sum: weights.reduce((sum, x) => sum + x, 0) };
}

const midis = (lowest: number, highest: number): number[] => Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i);
