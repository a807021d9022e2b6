import { resample } from '../../evaluation/clap/resample.ts';
import { type Audio, checkSound } from '../codec.ts';
import type { ChromaConfig } from '../config.ts';
import { chromagram } from './chromagram.ts';

/** What MusicGen melody is trained on: 30 s at 32 kHz, in frames of 128 ms. */
export const SAMPLE_RATE = 32_000;
const MAX_SECONDS = 30;
const FRAME = { size: 16_384, hop: 4_096 } as const;

/**
 * The melody of a sound, as MusicGen melody is told it: of each frame the pitch class that is heard most, as `bins` values
 * of which one is 1 (Copet et al. 2023, section 3.2). As transformers' `MusicgenMelodyFeatureExtractor` computes it from a
 * sound as it is: voice and drums are not parted from it first, which the model's authors do to make out a melody among them.
 * Another rate than 32 kHz is resampled by our own filter; what lies behind 30 s is not heard.
 * @returns shape [length, bins], stretched as `stretchMelody` does
 * @throws {InvalidInput} for a sound without samples, or with some that are not finite
 */
export function chromaOf({ channels, sampleRate }: Audio, chroma: ChromaConfig): Float32Array {
  checkSound({ channels: channels.length === 2 ? 2 : 1 }, channels);
  const [first, second] = channels as [Float32Array, Float32Array?];
  const mono = first.slice(0, heardSamples(sampleRate));
  if (second !== undefined) for (let i = 0; i < mono.length; i++) mono[i] = (mono[i]! + second[i]!) / 2;
  const samples = resample(mono, sampleRate, SAMPLE_RATE).subarray(0, MAX_SECONDS * SAMPLE_RATE);
  return stretchMelody(loudestClasses(chromagram(samples, { sampleRate: SAMPLE_RATE, bins: chroma.bins, ...FRAME }), chroma.bins), chroma);
}

/**
 * The melody of a sound from a moment on, in seconds, for music that is made in windows: the sound goes round, so that a
 * later window hears its beginning once it is over, as audiocraft has it.
 * @throws {InvalidInput} from what it returns, as `chromaOf` does
 */
export const melodyFrom = (audio: Audio, chroma: ChromaConfig) => (seconds: number): Float32Array => {
  const { channels, sampleRate } = audio;
  const start = Math.round(seconds * sampleRate);
  if (start === 0) return chromaOf(audio, chroma);
  const turned = (samples: Float32Array): Float32Array => Float32Array.from({ length: samples.length === 0 ? 0 : heardSamples(sampleRate) }, (_, i) => samples[(start + i) % samples.length]!);
  return chromaOf({ channels: channels.map(turned), sampleRate }, chroma);
};

/** A second more than is kept, for the filter. */
const heardSamples = (sampleRate: number): number => Math.ceil((MAX_SECONDS + 1) * sampleRate);

/**
 * A melody of the model's length: one that is longer is cut, one that is over sooner begins anew.
 * @param frames shape [at least 1, bins]
 * @returns shape [length, bins]
 */
export function stretchMelody(frames: Float32Array, { bins, length }: ChromaConfig): Float32Array {
  return Float32Array.from({ length: length * bins }, (_, i) => frames[i % frames.length]!);
}

/** 1 at the largest value of each frame, the first of equal ones, else 0: [frames, bins] -> [frames, bins]. */
export function loudestClasses(energy: Float64Array, bins: number): Float32Array {
  const out = new Float32Array(energy.length);
  for (let from = 0; from < energy.length; from += bins) {
    const frame = energy.subarray(from, from + bins);
    out[from + frame.indexOf(Math.max(...frame))] = 1;
  }
  return out;
}
