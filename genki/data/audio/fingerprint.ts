import { type Band, bandPower, PowerSpectrum, triangle } from '../../evaluation/clap/power-spectrum.ts';
import { ANALYSIS_RATE } from './analysed.ts';

const FRAME = 4096;
const HOP = 512;
const BITS = 32;
/** Where melodies lie, and where every way to compress sound keeps it. */
const [LOWEST_HZ, HIGHEST_HZ] = [300, 2000];

/** Hops that two prints may be apart: a second of silence, or of what an encoder adds. */
const MAX_SHIFT = 16;
/** Words after which two that differ are known to. */
const GLANCE = 64;
/** Half of the bits of different songs differ: .36 at least of 2,016 pairs of the composer's; of one song as MP3, Ogg, Opus or AAC at 32 to 128 kbit/s, limited or filtered .24 at most. */
const SAME = 0.3;
/** Words below which two that are alike may still be two: of 780 pairs of plain melodies as long, 17 are at 54 words, none at 117. */
const LEAST = 100;
/** By how much lengths may differ: a fade or silence that somebody cut off. */
const LENGTHS = { share: 0.05, seconds: 2 };

/** What a song sounds like, whatever it was compressed with and however loud it is: 32 bits for every 64 ms, and its length. */
export type Fingerprint = { readonly words: Uint32Array; readonly seconds: number };

/**
 * The fingerprint of a song: for each frame f, by neighbouring bands m of 33 evenly spaced on a scale of octaves, the bit
 *
 *     (e[f, m] − e[f, m + 1]) − (e[f − 1, m] − e[f − 1, m + 1]) > 0
 *
 * (Haitsma and Kalker 2002).
 * @param samples `analysed`, at least one
 * @param seconds of the whole song
 */
export function fingerprintOf(samples: Float32Array, seconds: number): Fingerprint {
  const bands = BANDS.length;
  const frames = Math.max(2, Math.floor((samples.length - FRAME) / HOP) + 1);
  const words = new Uint32Array(frames - 1);
  let before = new Float64Array(bands);
  let now = new Float64Array(bands);
  new PowerSpectrum(FRAME, HOP).visit(samples, frames, (power, frame) => {
    [before, now] = [now, before];
    for (let m = 0; m < bands; m++) now[m] = bandPower(power, BANDS[m]!);
    if (frame === 0) return;
    let word = 0;
    for (let m = 0; m < BITS; m++) if (now[m]! - now[m + 1]! > before[m]! - before[m + 1]!) word |= 1 << m;
    words[frame - 1] = word;
  });
  return { words, seconds };
}

const BANDS: readonly Band[] = Array.from({ length: BITS + 1 }, (_, m) => {
  const edge = (n: number): number => (LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (n / (BITS + 2)) * FRAME) / ANALYSIS_RATE;
  return triangle({ lower: edge(m), middle: edge(m + 1), upper: edge(m + 2) }, FRAME / 2);
});

/** Whether two songs are one: as long, but for what may have been cut off, and alike from beginning to end. Of sounds of a few seconds nobody can say. */
export function isSameSong(a: Fingerprint, b: Fingerprint): boolean {
  if (Math.abs(a.seconds - b.seconds) > LENGTHS.seconds + LENGTHS.share * Math.max(a.seconds, b.seconds)) return false;
  for (let shift = -MAX_SHIFT; shift <= MAX_SHIFT; shift++) if (isSameAt(a.words, b.words, shift)) return true;
  return false;
}

/** Whether word i + shift of `a` is like word i of `b`, for every i. */
function isSameAt(a: Uint32Array, b: Uint32Array, shift: number): boolean {
  const from = Math.max(0, -shift);
  const until = Math.min(b.length, a.length - shift);
  if (until - from < LEAST || 2 * (until - from) < Math.min(a.length, b.length)) return false;
  let different = 0;
  for (let i = from; i < until; i++) {
    different += ones(a[i + shift]! ^ b[i]!);
    // by chance half of the bits are the same
    if (i - from === GLANCE && different > 1.4 * SAME * BITS * GLANCE) return false;
  }
  return different < SAME * BITS * (until - from);
}

function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
