import { type Band, bandPower, PowerSpectrum, triangle } from './power-spectrum.ts';

export type MelConfig = {
  /** Hz. */
  readonly sampleRate: number;
  /** Samples that one frame looks at, under a Hann window; a power of two. */
  readonly frameSize: number;
  /** Samples from one frame to the next. */
  readonly hop: number;
  /** Triangular bands, evenly spaced in mel = 2595 log10(1 + Hz / 700) between the lowest and the highest frequency. */
  readonly bands: number;
  readonly lowestHz: number;
  readonly highestHz: number;
};

/** Power below this is silence: −90 dB of a sine at full scale. */
export const SILENT_POWER = 1e-9;

/** ln of the power in each mel band of each frame. */
export class LogMel {
  readonly #spectrum: PowerSpectrum;
  readonly #bands: readonly Band[];

  /** @throws {RangeError} when `frameSize` is no power of two */
  constructor(config: MelConfig) {
    this.#spectrum = new PowerSpectrum(config.frameSize, config.hop);
    this.#bands = melBands(config);
  }

  /**
   * The clip goes round: what a frame lacks behind its end comes from its beginning.
   *
   * @param samples −1 … 1, at least one
   * @returns shape [frames][bands], row-major; frame f begins at sample f · hop
   */
  frames(samples: Float32Array, frames: number): Float32Array {
    const bands = this.#bands;
    const out = new Float32Array(frames * bands.length);
    this.#spectrum.visit(samples, frames, (power, frame) => {
      for (let band = 0; band < bands.length; band++) out[frame * bands.length + band] = Math.log(Math.max(bandPower(power, bands[band]!), SILENT_POWER));
    });
    return out;
  }
}

const melOf = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
const hertzOf = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

/** Each band reaches from its lower to its upper neighbour's middle. */
function melBands({ sampleRate, frameSize, bands, lowestHz, highestHz }: MelConfig): Band[] {
  const [lowest, highest] = [melOf(lowestHz), melOf(highestHz)];
  const edge = (n: number): number => (hertzOf(lowest + ((highest - lowest) * n) / (bands + 1)) * frameSize) / sampleRate;
  return Array.from({ length: bands }, (_, band) => triangle({ lower: edge(band), middle: edge(band + 1), upper: edge(band + 2) }, frameSize / 2));
}
