/** Semitones above the tonic of the seven notes of a mode. */
export const MODES = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10],
  harmonic: [0, 2, 3, 5, 7, 8, 11],
  dorian: [0, 2, 3, 5, 7, 9, 10],
  phrygian: [0, 1, 3, 5, 7, 8, 10],
  lydian: [0, 2, 4, 6, 7, 9, 11],
  mixolydian: [0, 2, 4, 5, 7, 9, 10],
} as const;
export type Mode = keyof typeof MODES;

/** A scale on a pitch class, 0 = C. */
export type Key = { readonly tonic: number; readonly mode: Mode };

/** Semitones above the tonic of any degree, 0 = tonic, 7 = the octave, −1 = the note below the tonic. */
export function semitones(mode: Mode, degree: number): number {
  return MODES[mode][modulo(degree, 7)]! + 12 * Math.floor(degree / 7);
}

/** Where a degree lies when its root is put into the octave that begins at `lowest`; MIDI. */
export function placed(key: Key, { root, degree, lowest }: { root: number; degree: number; lowest: number }): number {
  const rootMidi = lowest + modulo(key.tonic + semitones(key.mode, root) - lowest, 12);
  return rootMidi + semitones(key.mode, degree) - semitones(key.mode, root);
}

/** The same note, by octaves, within a range of at least an octave. */
export function folded(midi: number, { lowest, highest }: { lowest: number; highest: number }): number {
  if (midi < lowest) return midi + 12 * Math.ceil((lowest - midi) / 12);
  if (midi > highest) return midi - 12 * Math.ceil((midi - highest) / 12);
  return midi;
}

/**
 * The chord's own note that lies nearest to a step above its root, the lower one of two.
 * @param chord steps above the root within an octave, ascending from 0
 */
export function nearestChordStep(chord: readonly number[], step: number): number {
  const octave = 7 * Math.floor(step / 7);
  const candidates = [...chord.map((s) => s + octave), octave + 7];
  return candidates.reduce((best, s) => (Math.abs(s - step) < Math.abs(best - step) ? s : best));
}

/** The n-th note of a chord counted upwards from its root, in steps; the octaves follow, and −1 lies below the root. */
export const chordStep = (chord: readonly number[], n: number): number => chord[modulo(n, chord.length)]! + 7 * Math.floor(n / chord.length);

const modulo = (a: number, n: number): number => ((a % n) + n) % n;
