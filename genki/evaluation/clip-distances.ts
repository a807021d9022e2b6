import { InvalidInput } from '../errors.ts';
import { gaussianDistance } from './frechet-distance.ts';
import { checkEmbeddings, type Embeddings, fitGaussian, type Gaussian, meanOf, squaredDistance } from './gaussian.ts';

/** How far one clip lies from a reference. */
export type ClipDistance = {
  /** Of two windows or more their Fréchet distance; of one window, which has no covariance, ||w − μ||² alone. */
  readonly distance: number;
  /** Only clips with one window each, or with several each, compare. */
  readonly windows: number;
};

/** Deviations above the median from which a clip is an outlier (Iglewicz and Hoaglin 1993). */
export const OUTLIER_DEVIATIONS = 3.5;
/** Standard deviations of a normal distribution in its median and in its mean absolute deviation. */
const PER_MEDIAN_DEVIATION = 1.4826;
const PER_MEAN_DEVIATION = 1.2533;
/** Of a distance: equal clips differ by less. */
const ROUNDING = 1e-9;

/**
 * The distance of each clip's own windows to a reference set, in squared units of the embedding: per-song FAD (Gui et al.
 * 2023, arXiv 2311.01616), which finds the clips that spoil a set.
 *
 * @param clips of each its windows: shape [clips][windows][d]
 * @param reference shape [m][d], m ≥ 2
 * @throws {InvalidInput} naming the clip without a window, of another width or with a value that is not finite
 */
export function clipDistances(clips: readonly Embeddings[], reference: Embeddings): ClipDistance[] {
  const fitted = fitGaussian(reference, 'the reference');
  return clips.map((windows, clip) => ({ distance: clipDistance(windows, fitted, `clip ${clip}`), windows: windows.length }));
}

function clipDistance(windows: Embeddings, reference: Gaussian, whose: string): number {
  const [first] = windows;
  if (first === undefined) throw new InvalidInput(`Expected a window of ${whose}, got none`);
  const width = reference.mean.length;
  if (first.length !== width) throw new InvalidInput(`Expected ${width} dimensions of ${whose}, as of the reference, got ${first.length}`);
  if (windows.length > 1) return gaussianDistance(fitGaussian(windows, whose), reference);
  checkEmbeddings(windows, whose);
  return squaredDistance(meanOf(windows), reference.mean);
}

/**
 * The clips that lie too far out: beyond median + 3.5 · 1.4826 · MAD, where MAD is the median absolute deviation; where that
 * is 0, as more than half are alike, beyond median + 3.5 · 1.2533 · mean absolute deviation. Clips of one window are judged
 * among themselves. None is too close.
 *
 * @returns their indices, ascending
 */
export function outliers(clips: readonly ClipDistance[]): number[] {
  const limit = { one: outlierLimit(clips.filter(({ windows }) => windows === 1)), several: outlierLimit(clips.filter(({ windows }) => windows > 1)) };
  return [...clips.keys()].filter((i) => clips[i]!.distance > (clips[i]!.windows === 1 ? limit.one : limit.several));
}

function outlierLimit(clips: readonly ClipDistance[]): number {
  if (clips.length === 0) return Infinity;
  const distances = clips.map(({ distance }) => distance);
  const middle = median(distances);
  const deviations = distances.map((distance) => Math.abs(distance - middle));
  const spread = median(deviations) * PER_MEDIAN_DEVIATION || (deviations.reduce((sum, value) => sum + value, 0) / deviations.length) * PER_MEAN_DEVIATION;
  return middle + Math.max(OUTLIER_DEVIATIONS * spread, ROUNDING * middle);
}

function median(values: readonly number[]): number {
  const rising = values.toSorted((a, b) => a - b);
  const upper = Math.floor(rising.length / 2);
  return rising.length % 2 === 1 ? rising[upper]! : (rising[upper - 1]! + rising[upper]!) / 2;
}
