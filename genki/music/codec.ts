import { InvalidInput } from '../errors.ts';
import type { Codes } from './clip.ts';

/** Sound as one array of samples in −1 … 1 for each channel, all of one length. */
export type Audio = { readonly channels: readonly Float32Array[]; readonly sampleRate: number };

/** Turns sound into codes and back. */
export interface Codec {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** Frames a second. */
  readonly frameRate: number;
  readonly numCodebooks: number;
  readonly vocabSize: number;
  /**
   * @param codes shape [numCodebooks, frames]
   * @throws {InvalidInput} for codes that it does not have
   */
  decode(codes: Codes, frames: number): Promise<Audio>;
  /**
   * @param channels as many as it has, at its own sample rate
   * @returns codes of shape [numCodebooks, frames]
   * @throws {InvalidInput} for sound that it cannot code
   */
  encode(channels: readonly Float32Array[]): Promise<{ readonly codes: Codes; readonly frames: number }>;
  /** Lets go of what is loaded; it is loaded again when it is needed. */
  dispose(): Promise<void>;
}

/** @throws {InvalidInput} when codes are not [numCodebooks, frames], at least one frame, each below vocabSize */
export function checkCodes({ numCodebooks, vocabSize }: Pick<Codec, 'numCodebooks' | 'vocabSize'>, codes: Codes, frames: number): void {
  if (!Number.isInteger(frames) || frames < 1) throw new InvalidInput(`Expected 1 frame or more, got ${frames}`);
  if (codes.length !== numCodebooks * frames) throw new InvalidInput(`Expected ${numCodebooks} codebooks of ${frames} frames, got ${codes.length} codes in all`);
  const at = codes.findIndex((code) => code >= vocabSize);
  if (at !== -1) throw new InvalidInput(`Expected codes of 0 to ${vocabSize - 1}, got ${codes[at]} in codebook ${Math.floor(at / frames)} at frame ${at % frames}`);
}

/**
 * How many samples a sound has.
 * @throws {InvalidInput} when there are not as many channels as the codec has, not of one length, empty, or not finite
 */
export function checkSound({ channels: wanted }: Pick<Codec, 'channels'>, channels: readonly Float32Array[]): number {
  if (channels.length !== wanted) throw new InvalidInput(`Expected ${wanted === 1 ? '1 channel' : '2 channels'}, got ${channels.length}`);
  const samples = channels[0]!.length;
  if (samples === 0) throw new InvalidInput('Expected 1 sample or more, got none');
  channels.forEach((channel, c) => {
    if (channel.length !== samples) throw new InvalidInput(`Expected channels of ${samples} samples, got one of ${channel.length}`);
    const at = channel.findIndex((sample) => !Number.isFinite(sample));
    if (at !== -1) throw new InvalidInput(`Expected finite samples, got ${channel[at]} in channel ${c} at ${at}`);
  });
  return samples;
}
