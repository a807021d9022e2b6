import { LogMel } from '../../evaluation/clap/log-mel.ts';
import { ANALYSIS_RATE } from './analysed.ts';

const HOP = 64;
const FRAMES_PER_SECOND = ANALYSIS_RATE / HOP;
const BANDS = 32;
const FRAME = 256;
/** ln of power below which a band is as good as silent: noise there is no onset. */
const QUIET = -12;
/** Onsets are told from how strong they are within a second. */
const AROUND_SECONDS = 0.5;

const SLOWEST = 50;
const FASTEST = 220;
const STEP = 1.0025;
/** Beats that onsets are looked for after. */
const BEATS = 4;
/** Where most music lies; an octave away half of a doubt is enough. */
const USUAL = { bpm: 130, octaves: 0.8 };
/** Below this correlation there is no pulse. */
const CLEAR = 0.25;
/** Of the strength of onsets, in nats: the composer's pieces have 3 to 16, a lasting tone has .06. */
const FAINT = 0.5;

/**
 * The tempo of a song whose onsets return evenly: of all tempos that whose 1 to 4 beats they correlate best after, those
 * near 130 preferred where several do (Ellis 2007).
 *
 *     o[t] = Σ over 32 mel bands of max(0, x[t] − x[t − 1]), less its mean around t;  r[lag] = Σ o[t] o[t + lag] / Σ o[t]²
 *
 * @param samples `analysed`
 * @returns beats a minute, whole; undefined where nothing is clear
 */
export function tempoOf(samples: Float32Array): number | undefined {
  const frames = Math.floor((samples.length - FRAME) / HOP);
  if (frames < (BEATS * FRAMES_PER_SECOND * 60) / SLOWEST) return undefined;
  const mel = new LogMel({ sampleRate: ANALYSIS_RATE, frameSize: FRAME, hop: HOP, bands: BANDS, lowestHz: 40, highestHz: 3900 });
  const pulse = correlations(onsets(mel.frames(samples, frames)));
  let best = { bpm: 0, fit: 0, score: 0 };
  for (let bpm = SLOWEST; bpm <= FASTEST; bpm *= STEP) {
    const lag = (60 * FRAMES_PER_SECOND) / bpm;
    const fit = Array.from({ length: BEATS }, (_, n) => around(pulse, (n + 1) * lag)).reduce((sum, r) => sum + r, 0) / BEATS;
    const score = fit * Math.exp(-0.5 * (Math.log2(bpm / USUAL.bpm) / USUAL.octaves) ** 2);
    if (score > best.score) best = { bpm, fit, score };
  }
  return best.fit < CLEAR ? undefined : Math.round(best.bpm);
}

/** How strongly sounds begin at each time, around 0. */
function onsets(logMel: Float32Array): Float64Array {
  const frames = logMel.length / BANDS;
  const sums = new Float64Array(frames + 1);
  for (let t = 0; t < frames; t++) {
    let strength = 0;
    for (let b = t * BANDS; t > 0 && b < (t + 1) * BANDS; b++) strength += Math.max(0, Math.max(QUIET, logMel[b]!) - Math.max(QUIET, logMel[b - BANDS]!));
    sums[t + 1] = sums[t]! + strength;
  }
  const reach = Math.round(AROUND_SECONDS * FRAMES_PER_SECOND);
  return Float64Array.from({ length: frames }, (_, t) => {
    const [from, until] = [Math.max(0, t - reach), Math.min(frames, t + reach + 1)];
    return sums[t + 1]! - sums[t]! - (sums[until]! - sums[from]!) / (until - from);
  });
}

/** By lag, up to four beats of the slowest tempo; 0 where nothing begins. */
function correlations(x: Float64Array): Float64Array {
  const longest = Math.ceil((BEATS * FRAMES_PER_SECOND * 60) / SLOWEST);
  const mean = (lag: number): number => {
    let sum = 0;
    for (let t = 0; t + lag < x.length; t++) sum += x[t]! * x[t + lag]!;
    return sum / Math.max(1, x.length - lag);
  };
  const energy = mean(0);
  return Float64Array.from({ length: longest + 2 }, (_, lag) => (energy < FAINT ** 2 ? 0 : mean(lag) / energy));
}

/** The most within a frame of a lag: a beat lies between frames, and players do not keep to it either. */
function around(pulse: Float64Array, lag: number): number {
  const at = (place: number): number => {
    const i = Math.min(Math.floor(place), pulse.length - 2);
    return pulse[i]! * (1 - (place - i)) + pulse[i + 1]! * (place - i);
  };
  return Math.max(at(lag - 1), at(lag - 0.5), at(lag), at(lag + 0.5), at(Math.min(lag + 1, pulse.length - 1)));
}
