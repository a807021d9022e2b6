import type { Codes } from '../clip.ts';
import { CHANNELS, HOLD } from './codes.ts';

export type GateVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A model that samples now and then draws a poor clip; one that is broken draws them nearly always. */
const TOLERATED_SHARE = 0.5;
/** Sound is judged in windows of 50 ms at 32 kHz. */
const WINDOW = 1600;
/** −50 dBFS: the quietest drum that the synthesizer plays is 20 dB louder while it sounds. */
const SILENT_RMS = 10 ** (-50 / 20);
/** Composed music is at most half silent, slow pieces with few notes included. */
const MAX_SILENT_SHARE = 0.8;
const CLIPPED = 0.999;
/** A sample in a thousand at full scale is heard as distortion; the synthesizer stays below .9. */
const MAX_CLIPPED_SHARE = 0.001;
/** A constant part above −40 dBFS; the synthesizer's is a hundredth of that. */
const MAX_CONSTANT = 0.01;
/** Composed music begins at least 15 sounds in 128 frames; a chord held by all four channels begins four. */
const MIN_ONSETS_PER_FRAME = 8 / 128;

/**
 * Whether clips, each generated for a prompt of its own, can be music at all: neither silent, clipped, humming nor one
 * held note in more than half of them, and no two of them the same.
 * @param audio by clip, mono at 32 kHz, −1 … 1
 * @param codes by clip, shape [4, frames]
 */
export function technicalGate(audio: readonly Float32Array[], codes: readonly Codes[]): GateVerdict {
  const faults = audio.flatMap((samples, i) => faultOf(samples, codes[i]!) ?? []);
  if (faults.length > TOLERATED_SHARE * audio.length) {
    return { ok: false, reason: `${faults.length} of ${audio.length} clips are no music: ${[...new Set(faults)].join(', ')}` };
  }
  const twins = identical(codes);
  if (twins !== undefined) return { ok: false, reason: `clips ${twins[0] + 1} and ${twins[1] + 1} are identical although their prompts differ` };
  return { ok: true };
}

function faultOf(samples: Float32Array, codes: Codes): string | undefined {
  if (!samples.every(Number.isFinite)) return 'not a sound';
  if (silentShare(samples) > MAX_SILENT_SHARE) return 'silence';
  if (count(samples, (x) => Math.abs(x) >= CLIPPED) > MAX_CLIPPED_SHARE * samples.length) return 'clipping';
  if (Math.abs(samples.reduce((sum, x) => sum + x, 0)) > MAX_CONSTANT * samples.length) return 'a constant offset';
  const frames = codes.length / CHANNELS.length;
  if (count(codes, (code) => code > HOLD) < MIN_ONSETS_PER_FRAME * frames) return 'a held note';
  return undefined;
}

function silentShare(samples: Float32Array): number {
  const windows = Math.ceil(samples.length / WINDOW);
  let silent = 0;
  for (let w = 0; w < windows; w++) {
    const window = samples.subarray(w * WINDOW, (w + 1) * WINDOW);
    const energy = window.reduce((sum, x) => sum + x * x, 0);
    if (energy < SILENT_RMS ** 2 * window.length) silent++;
  }
  return windows === 0 ? 1 : silent / windows;
}

/** The first pair of clips with the same codes. */
function identical(codes: readonly Codes[]): [number, number] | undefined {
  const seen = new Map<string, number>();
  for (const [i, clip] of codes.entries()) {
    const key = clip.join();
    const earlier = seen.get(key);
    if (earlier !== undefined) return [earlier, i];
    seen.set(key, i);
  }
  return undefined;
}

const count = (values: Float32Array | Codes, holds: (x: number) => boolean): number => {
  let n = 0;
  for (const x of values) if (holds(x)) n++;
  return n;
};
