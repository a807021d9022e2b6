import { InvalidInput } from '../../../errors.ts';
import { LogMel } from '../log-mel.ts';
import { PitchProfile, PROFILE_SIZE } from '../pitch-profile.ts';
import { RHYTHM_SIZE, rhythmOf } from '../rhythm.ts';
import { type NanoConfig, windowFrames, windowSamples } from './config.ts';

/** What the network is told of a clip. */
export type Sound = {
  /** Normalised log-mel of all windows: shape [windows, patches, framesPerPatch · bands], row-major. */
  readonly patches: Float32Array;
  /** Of the whole clip: its rhythm, then its pitch profile. */
  readonly summary: Float32Array;
};

/** Entries of a summary. */
export const SUMMARY_SIZE = RHYTHM_SIZE + PROFILE_SIZE;

/** Of a clip so many samples long; the last window may begin anywhere before the clip's end. */
export const windowCount = (config: NanoConfig, samples: number): number => Math.ceil(samples / windowSamples(config));

/** Turns sound into what the network is told. */
export class Ear {
  readonly #config: NanoConfig;
  readonly #mel: LogMel;
  readonly #pitch: PitchProfile;

  constructor(config: NanoConfig) {
    this.#config = config;
    this.#mel = new LogMel(config.mel);
    this.#pitch = new PitchProfile(config.mel.sampleRate);
  }

  /**
   * What a clip's last window lacks comes from its beginning, again and again where it is shorter than a window.
   * @throws {InvalidInput} when there is no sample, or one that is no number
   */
  hear(samples: Float32Array): Sound {
    if (samples.length === 0) throw new InvalidInput('Expected a clip of at least one sample, got none');
    const strange = samples.findIndex((sample) => !Number.isFinite(sample));
    if (strange >= 0) throw new InvalidInput(`Expected samples that are numbers, got ${samples[strange]} at ${strange}`);
    const { mel, normalization } = this.#config;
    const patches = this.#mel.frames(samples, windowCount(this.#config, samples.length) * windowFrames(this.#config));
    const rhythm = rhythmOf(patches, mel.bands);
    for (let i = 0; i < patches.length; i++) patches[i] = (patches[i]! - normalization.mean) / normalization.deviation;
    return { patches, summary: Float32Array.of(...rhythm, ...this.#pitch.of(samples)) };
  }
}
