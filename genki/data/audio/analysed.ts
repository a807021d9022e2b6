import { resample } from '../../evaluation/clap/resample.ts';
import type { Audio } from '../../music/codec.ts';

/** Hz. What is measured of a song lies below 4 kHz. */
export const ANALYSIS_RATE = 8000;
/** Of a longer song only the beginning is looked at. */
export const ANALYSED_SECONDS = 240;

/** The beginning of a song as it is measured: the mean of its channels, at 8 kHz, 4 minutes at most, its peak at 1. */
export function analysed({ channels, sampleRate }: Audio): Float32Array {
  const heard = channels.map((samples) => samples.subarray(0, ANALYSED_SECONDS * sampleRate));
  const [first] = heard;
  if (first === undefined) throw new RangeError('Expected at least one channel, got none');
  const mono = heard.length === 1 ? first : first.map((_, i) => heard.reduce((sum, samples) => sum + samples[i]!, 0) / heard.length);
  const samples = resample(mono, sampleRate, ANALYSIS_RATE);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return peak === 0 ? samples : samples.map((sample) => sample / peak);
}
