import type { Audio } from './codec.ts';

/** A second-order filter: y = b0 x + b1 x₁ + b2 x₂ − a1 y₁ − a2 y₂. */
type Biquad = { readonly b: readonly [number, number, number]; readonly a: readonly [number, number] };

const BLOCK_HOPS = 4; // blocks of 400 ms that overlap by three quarters
const HOPS_PER_SECOND = 10;
const ABSOLUTE_GATE_LUFS = -70;
const RELATIVE_GATE_LU = -10;
/** What a sine of 1 kHz is lifted by, taken off again. */
const OFFSET_DB = -0.691;

/**
 * Integrated loudness of a sound in LUFS (ITU-R BS.1770-4): the mean square of K-weighted samples, summed over channels,
 * averaged over the blocks of 400 ms that are above −70 LUFS and above 10 LU below the mean of those.
 * A sound shorter than a block is one block.
 * @returns −∞ when no block is above the gate, as of silence
 */
export function integratedLoudness(audio: Audio): number {
  const powers = blockPowers(audio).filter((power) => loudnessOf(power) > ABSOLUTE_GATE_LUFS);
  const gate = loudnessOf(mean(powers)) + RELATIVE_GATE_LU;
  return loudnessOf(mean(powers.filter((power) => loudnessOf(power) > gate)));
}

/** Where loudness goes (LUFS), and what no sample may exceed on the way (dB of full scale). */
export type LoudnessTarget = { readonly target?: number; readonly peak?: number };

/**
 * The sound at −16 LUFS, or as near as its highest sample allows. Silence stays silence.
 * @returns samples of at most `peak` dB of full scale
 */
export function normalizeLoudness(audio: Audio, { target = -16, peak = -1 }: LoudnessTarget = {}): Audio {
  const loudness = integratedLoudness(audio);
  if (loudness === -Infinity) return audio;
  const highest = audio.channels.reduce((most, samples) => samples.reduce((max, x) => Math.max(max, Math.abs(x)), most), 0);
  const gain = Math.min(ratioOf(target - loudness), ratioOf(peak) / highest);
  return { ...audio, channels: audio.channels.map((samples) => samples.map((x) => gain * x)) };
}

const ratioOf = (db: number): number => 10 ** (db / 20);
const loudnessOf = (power: number): number => OFFSET_DB + 10 * Math.log10(power);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((sum, x) => sum + x, 0) / values.length);

/** Mean square of each block, summed over channels. */
function blockPowers({ channels, sampleRate }: Audio): number[] {
  const length = channels[0]?.length ?? 0;
  const hops = Math.floor((length * HOPS_PER_SECOND) / sampleRate);
  const starts = Array.from({ length: hops + 1 }, (_, i) => Math.round((i * sampleRate) / HOPS_PER_SECOND));
  const isShort = hops < BLOCK_HOPS;
  const edges = isShort ? [0, length] : starts;
  const energies = new Float64Array(edges.length - 1);
  for (const samples of channels) hopEnergies(weighted(samples, sampleRate), edges).forEach((energy, i) => (energies[i]! += energy));
  if (isShort) return length === 0 ? [] : [energies[0]! / length];
  return Array.from({ length: hops - BLOCK_HOPS + 1 }, (_, i) => mean([...energies.subarray(i, i + BLOCK_HOPS)]) * (BLOCK_HOPS / (edges[i + BLOCK_HOPS]! - edges[i]!)));
}

/** Sums of squares between the edges. */
function hopEnergies(samples: Float64Array, edges: readonly number[]): number[] {
  return edges.slice(1).map((end, i) => {
    let sum = 0;
    for (let at = edges[i]!; at < end; at++) sum += samples[at]! ** 2;
    return sum;
  });
}

/** K-weighted: the effect of the head, then the low end taken off. */
const weighted = (samples: Float32Array, sampleRate: number): Float64Array => [headShelf(sampleRate), lowCut(sampleRate)].reduce(filtered, Float64Array.from(samples));

/** BS.1770 gives the filters for 48 kHz only; these are the analogue ones behind them, which give the same there (Brecht De Man 2014). */
function headShelf(sampleRate: number): Biquad {
  const k = Math.tan((Math.PI * 1681.974450955533) / sampleRate);
  const q = 0.7071752369554196;
  const high = ratioOf(3.999843853973347);
  const middle = high ** 0.4996667741545416;
  const a0 = 1 + k / q + k * k;
  return {
    b: [(high + (middle * k) / q + k * k) / a0, (2 * (k * k - high)) / a0, (high - (middle * k) / q + k * k) / a0],
    a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0],
  };
}

function lowCut(sampleRate: number): Biquad {
  const k = Math.tan((Math.PI * 38.13547087602444) / sampleRate);
  const q = 0.5003270373238773;
  const a0 = 1 + k / q + k * k;
  return { b: [1, -2, 1], a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0] };
}

/** In place. */
function filtered(samples: Float64Array, { b: [b0, b1, b2], a: [a1, a2] }: Biquad): Float64Array {
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i]!;
    const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    samples[i] = y;
  }
  return samples;
}
