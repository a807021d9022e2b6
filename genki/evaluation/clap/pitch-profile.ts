import { type Band, bandPower, PowerSpectrum, triangle } from './power-spectrum.ts';

/** Frames of a quarter second at 32 kHz: 4 Hz a bin, a semitone at two octaves below middle C. */
const FRAME_SECONDS = 0.25;
const LOWEST_MIDI = 36;
const HIGHEST_MIDI = 95;
/** From here on it is melody, below bass: the lowest note of the synthesizer's melody. */
const MELODY_MIDI = 57;
export const PITCH_CLASSES = 12;
/** −80 dB of a sine at full scale, in all notes of a register together: below it there are none. */
const SILENT_AMPLITUDE = 1e-4;

/** Entries of a profile: the bass's pitch classes, then the melody's. */
export const PROFILE_SIZE = 2 * PITCH_CLASSES;

/** How much each pitch class sounds, in the bass and in the melody, over a whole clip. */
export class PitchProfile {
  readonly #spectrum: PowerSpectrum;
  readonly #hop: number;
  readonly #notes: readonly Band[];

  /** @param sampleRate Hz */
  constructor(sampleRate: number) {
    const frameSize = 2 ** Math.round(Math.log2(FRAME_SECONDS * sampleRate));
    this.#hop = frameSize;
    this.#spectrum = new PowerSpectrum(frameSize, frameSize);
    const bin = (midi: number): number => (440 * 2 ** ((midi - 69) / 12) * frameSize) / sampleRate;
    this.#notes = Array.from({ length: HIGHEST_MIDI - LOWEST_MIDI + 1 }, (_, n) => LOWEST_MIDI + n).map((midi) =>
      triangle({ lower: bin(midi - 1), middle: bin(midi), upper: bin(midi + 1) }, frameSize / 2, Math.log2),
    );
  }

  /**
   * @param samples at least one
   * @returns by register and pitch class, C first, the share of the register's amplitude times 12, minus 1, which adds up
   *   to 0; all 0 in a register that is silent. Shape [2][12]
   */
  of(samples: Float32Array): Float32Array {
    const sums = new Float64Array(PROFILE_SIZE);
    const frames = Math.ceil(samples.length / this.#hop);
    this.#spectrum.visit(samples, frames, (power) => {
      this.#notes.forEach((note, n) => {
        const register = LOWEST_MIDI + n < MELODY_MIDI ? 0 : PITCH_CLASSES;
        sums[register + ((LOWEST_MIDI + n) % PITCH_CLASSES)]! += Math.sqrt(bandPower(power, note)) / frames;
      });
    });
    return Float32Array.from([...shares(sums.subarray(0, PITCH_CLASSES)), ...shares(sums.subarray(PITCH_CLASSES))]);
  }
}

function shares(sums: Float64Array): Float64Array {
  const total = sums.reduce((sum, x) => sum + x, 0);
  return sums.map((x) => (total < SILENT_AMPLITUDE ? 0 : (PITCH_CLASSES * x) / total - 1));
}
