import { PowerSpectrum } from '../../../evaluation/clap/power-spectrum.ts';

/** Hz that sound is transcribed at: the chip's own rate. */
export const RATE = 32_000;
/** Samples that a spectrum looks at: 128 ms, of which Hann's window hears the middle 83, a frame of the chip's. */
const WINDOW = 4096;

/** 7.8 Hz each, 16 to 2600 Hz: what notes are told apart by. */
const FIRST_BIN = 2;
const LINES = 331;
/** A semitone each, up to 14 kHz: what is left of notes there, and drums. */
const BANDS = 29;
const FIRST_BAND = FIRST_BIN + LINES;

/** Entries of a spectrum. */
export const SPECTRUM_SIZE = LINES + BANDS;

const edge = (band: number): number => Math.round(FIRST_BAND * 2 ** (band / 12));

/**
 * Magnitudes around some moments: of each line up to 2600 Hz, then of each semitone up to 14 kHz.
 * @param samples at 32 kHz; beyond their ends it is silent
 * @param centres in samples
 * @returns an array of `SPECTRUM_SIZE` for each moment
 */
export function spectraAt(samples: Float32Array, centres: readonly number[]): Float64Array[] {
  if (centres.length === 0) return [];
  const windows = new Float32Array(centres.length * WINDOW);
  centres.forEach((centre, i) => {
    const from = Math.round(centre) - WINDOW / 2;
    const heard = samples.subarray(Math.max(0, from), Math.max(0, from + WINDOW));
    windows.set(heard, i * WINDOW + Math.max(0, -from));
  });
  const spectra: Float64Array[] = [];
  new PowerSpectrum(WINDOW, WINDOW).visit(windows, centres.length, (power) => spectra.push(magnitudes(power)));
  return spectra;
}

function magnitudes(power: Float64Array): Float64Array {
  const out = new Float64Array(SPECTRUM_SIZE);
  for (let i = 0; i < LINES; i++) out[i] = Math.sqrt(power[FIRST_BIN + i]!);
  for (let band = 0; band < BANDS; band++) {
    let sum = 0;
    for (let bin = edge(band); bin < edge(band + 1); bin++) sum += power[bin]!;
    out[LINES + band] = Math.sqrt(sum);
  }
  return out;
}

/** How strong a line is: of the entry nearest to it and those beside that. */
export function lineStrength(spectrum: Float64Array, hertz: number): number {
  const i = Math.min(LINES - 2, Math.max(1, Math.round((hertz * WINDOW) / RATE) - FIRST_BIN));
  return Math.hypot(spectrum[i - 1]!, spectrum[i]!, spectrum[i + 1]!);
}
