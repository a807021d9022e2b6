/** Lags that are looked at, in frames: 1.5 s at 32 ms a frame, which is two beats of the slowest tempo and more. */
export const LAGS = 48;
/** Parts of the spectrum in which onsets are looked for. */
const PARTS = 4;

/** Entries of a rhythm. */
export const RHYTHM_SIZE = PARTS * LAGS;

/**
 * After which times onsets return: the autocorrelation of their strength, in four parts of the spectrum.
 *
 *     o[t] = Σ max(0, x[t] − x[t − 1]) over the part's bands, less its mean;  r[lag] = Σ o[t] o[t + lag] / Σ o[t]²
 *
 * @param logMel shape [frames][bands], bands a multiple of 4
 * @returns −1 … 1, for lags of 1 to 48 frames; 0 where there are no onsets or the clip is no longer. Shape [4][48]
 */
export function rhythmOf(logMel: Float32Array, bands: number): Float32Array {
  const out = new Float32Array(RHYTHM_SIZE);
  for (let part = 0; part < PARTS; part++) {
    const strength = onsets(logMel, bands, part);
    const energy = correlation(strength, 0);
    if (energy === 0) continue;
    for (let lag = 1; lag <= LAGS; lag++) out[part * LAGS + lag - 1] = correlation(strength, lag) / energy;
  }
  return out;
}

function onsets(logMel: Float32Array, bands: number, part: number): Float64Array {
  const frames = logMel.length / bands;
  const strength = new Float64Array(frames);
  for (let t = 1; t < frames; t++) {
    for (let b = (part * bands) / PARTS; b < ((part + 1) * bands) / PARTS; b++) strength[t]! += Math.max(0, logMel[t * bands + b]! - logMel[(t - 1) * bands + b]!);
  }
  const mean = strength.reduce((sum, x) => sum + x, 0) / frames;
  return strength.map((x) => x - mean);
}

function correlation(x: Float64Array, lag: number): number {
  let sum = 0;
  for (let t = 0; t + lag < x.length; t++) sum += x[t]! * x[t + lag]!;
  return sum;
}
