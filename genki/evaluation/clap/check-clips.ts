import { InvalidInput } from '../../errors.ts';
import { resample } from './resample.ts';

/** What a decoder makes of a sound file. */
export type Decoded = {
  /** One or two, of equal length, full scale at ±1. */
  readonly channels: readonly Float32Array[];
  /** Hz. */
  readonly sampleRate: number;
};

/**
 * Clips as an embedder takes them: mono, the mean of two channels; within −1 … 1; at its rate (`resample`). What lies beyond
 * ±1 is clipped as a 16-bit file would clip it, before the channels are mixed and again after resampling, which overshoots a
 * little: so nothing is gained by playing louder than a file can. Silence is a clip as any other: what it is worth is for the
 * measures to say.
 *
 * @param sampleRate wanted, Hz
 * @returns in the order given, each of ⌈length · sampleRate / its rate⌉ samples; new arrays
 * @throws {InvalidInput} naming the clip, counted from 1: no clips at all, none or more than two channels, channels of
 *   different lengths, no samples, a sample that is no number, a rate that `resample` does not take
 */
export function checkClips(clips: readonly Decoded[], sampleRate: number): Float32Array[] {
  if (clips.length === 0) throw new InvalidInput('Expected at least one clip, got none');
  return clips.map((clip, i) => clipAt(clip, sampleRate, `clip ${i + 1}`));
}

function clipAt({ channels, sampleRate: own }: Decoded, sampleRate: number, what: string): Float32Array {
  const [left, right = left, ...more] = channels;
  if (left === undefined || more.length > 0) throw new InvalidInput(`Expected ${what} to have 1 or 2 channels, got ${channels.length}`);
  if (left.length === 0) throw new InvalidInput(`Expected ${what} to have samples, got none`);
  if (left.length !== right!.length) throw new InvalidInput(`Expected the channels of ${what} to be equally long, got ${left.length} and ${right!.length} samples`);
  for (const channel of channels) checkNumbers(channel, what);
  const mono = new Float32Array(left.length);
  for (let i = 0; i < mono.length; i++) mono[i] = (clipped(left[i]!) + clipped(right![i]!)) / 2;
  try {
    const resampled = resample(mono, own, sampleRate);
    for (let i = 0; i < resampled.length; i++) resampled[i] = clipped(resampled[i]!);
    return resampled;
  } catch (cause) {
    if (!(cause instanceof InvalidInput)) throw cause;
    throw new InvalidInput(`Expected ${what} at a rate that can be changed to ${sampleRate} Hz, got: ${cause.message}`, { cause });
  }
}

function checkNumbers(channel: Float32Array, what: string): void {
  for (let i = 0; i < channel.length; i++) {
    if (!Number.isFinite(channel[i])) throw new InvalidInput(`Expected ${what} to hold numbers, got ${channel[i]} at sample ${i}`);
  }
}

const clipped = (sample: number): number => Math.max(-1, Math.min(1, sample));
