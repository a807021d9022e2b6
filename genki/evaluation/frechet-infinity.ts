import { InvalidInput } from '../errors.ts';
import { Random } from '../protocol/random.ts';
import { gaussianDistance } from './frechet-distance.ts';
import { checkEmbeddings, type Embeddings, fitGaussian } from './gaussian.ts';

/** Fewer windows say nothing about what more of them would give: the smallest subset, half of them, is too noisy. */
export const LEAST_WINDOWS = 64;
/** Subsets drawn. */
const SUBSETS = 15;

export type FrechetInfinity = {
  /** Distance at 1/N = 0, squared units of the embedding; 0 where the line ends below. */
  readonly value: number;
  /** Of `value`: how well the line fits. It knows the draws, not how far this set is from another of its kind. */
  readonly standardError: number;
  /** Distance that each 1/N adds. */
  readonly slope: number;
  /** What the line was put through: windows in the subset, and its distance. */
  readonly points: readonly { readonly size: number; readonly distance: number }[];
};

/**
 * Fréchet audio distance without the bias of the sample size, FAD∞ (Gui et al. 2023, arXiv 2311.01616, after Chong and
 * Forsyth 2020): a least-squares line over 1/N through the distances of 15 subsets of n/2 to n rows, their sizes evenly
 * apart in 1/N, read at 1/N = 0. The bias of the reference's own size stays. The law is linear where N is a few times the
 * dimensions that vary: at half as many windows as those it corrects too much.
 *
 * @param x what is measured, shape [n][d], n ≥ 64
 * @param reference shape [m][d], all of it in every distance
 * @param seed decides which rows each subset draws, without replacement
 * @throws {InvalidInput} for fewer than 64 rows, or as `frechetDistance`
 */
export function frechetInfinity(x: Embeddings, reference: Embeddings, seed: string): FrechetInfinity {
  if (x.length < LEAST_WINDOWS) throw new InvalidInput(`Expected at least ${LEAST_WINDOWS} windows to extrapolate from, got ${x.length}`);
  checkEmbeddings(x, 'embeddings');
  const fitted = fitGaussian(reference, 'the reference');
  const random = new Random(seed);
  const points = subsetSizes(x.length).map((size) => ({ size, distance: gaussianDistance(fitGaussian(random.shuffle(x).slice(0, size)), fitted) }));
  const { intercept, standardError, slope } = line(points.map(({ size, distance }) => [1 / size, distance]));
  return { value: Math.max(intercept, 0), standardError, slope, points };
}

/** From ⌈n/2⌉ to n, evenly apart in 1/N. */
function subsetSizes(n: number): number[] {
  const [most, least] = [1 / Math.ceil(n / 2), 1 / n];
  return Array.from({ length: SUBSETS }, (_, i) => Math.round(1 / (most + ((least - most) * i) / (SUBSETS - 1))));
}

/**
 * Ordinary least squares through some points [x, y].
 * @returns what is 0 for a point on the line: `standardError` of the intercept, with n − 2 degrees of freedom
 */
function line(points: readonly (readonly [number, number])[]): { intercept: number; slope: number; standardError: number } {
  const n = points.length;
  const mean = (of: (x: number, y: number) => number): number => points.reduce((sum, [x, y]) => sum + of(x, y) / n, 0);
  const [meanX, meanY] = [mean((x) => x), mean((_, y) => y)];
  const varianceX = mean((x) => (x - meanX) ** 2);
  const slope = mean((x, y) => (x - meanX) * (y - meanY)) / varianceX;
  const intercept = meanY - slope * meanX;
  const residual = mean((x, y) => (y - intercept - slope * x) ** 2) * (n / (n - 2));
  return { intercept, slope, standardError: Math.sqrt((residual / n) * (1 + meanX ** 2 / varianceX)) };
}
