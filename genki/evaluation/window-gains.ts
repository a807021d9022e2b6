import { InvalidInput } from '../errors.ts';

/** Losses of three models on the same clips, nats per code, shape [clips] each. */
export type ClipLosses = {
  /** Of the window's base. */
  readonly before: readonly number[];
  /** Of the base with a peer's update added. */
  readonly after: readonly number[];
  /** Of the base with the mean of the other peers' updates added; none where there are no others. */
  readonly reference: readonly number[] | null;
};

/** What a loss that is not finite gains, nats a code: far below any other, and a number that JSON has. */
export const LOST = -1000;

/** How much lower a loss is, nats a code; finite. */
export type Gain = { readonly gain: number; readonly standardError: number };

/**
 * Mean of before − after over the clips. Pairing takes out what makes a clip hard.
 * @returns the gain `LOST` when a loss is not finite
 * @throws {InvalidInput} when there are fewer than two clips, of which no error can be told
 */
export function meanGain(losses: ClipLosses): Gain {
  const gains = gainsOf(losses, 'after');
  if (!gains.every(Number.isFinite)) return { gain: LOST, standardError: 0 };
  const gain = mean(gains);
  return { gain, standardError: Math.sqrt(squares(gains, gain) / (gains.length - 1) / gains.length) };
}

/**
 * By how much more an update gains on a peer's own pages than on music that nobody could train on: a clip's gain as the
 * reference's gain on it leads to expect, with one slope b for both sets (analysis of covariance, Fisher 1932):
 *
 *     gap = (ȳ_own − ȳ_holdout) − b (x̄_own − x̄_holdout),   b = Σ (x − x̄)(y − ȳ) / Σ (x − x̄)² within the sets
 *     standardError² = s² (1/n_own + 1/n_holdout + (x̄_own − x̄_holdout)² / Σ (x − x̄)²),   s² = Σ residual² / (n − 3)
 *
 * with y the update's gain and x the reference's. What makes one clip easier to learn than another is in both and drops
 * out, which is most of the spread: without a reference b is 0, and the error two to three times as large.
 *
 * @returns the gain `LOST` when a loss is not finite
 * @throws {InvalidInput} when a set has fewer than two clips, or only one set has a reference
 */
export function ownPagesGap(own: ClipLosses, holdout: ClipLosses): Gain {
  if ((own.reference === null) !== (holdout.reference === null)) throw new InvalidInput('Expected a reference on own pages and holdout, got one on one of them');
  const sets = [own, holdout].map((losses) => ({ y: gainsOf(losses, 'after'), x: losses.reference === null ? losses.before.map(() => 0) : gainsOf(losses, 'reference') }));
  if (!sets.every(({ x, y }) => [...x, ...y].every(Number.isFinite))) return { gain: LOST, standardError: 0 };
  const [a, b] = sets.map(momentsOf) as [Moments, Moments];
  const xx = a.xx + b.xx;
  const slope = xx > 0 ? (a.xy + b.xy) / xx : 0;
  const apart = a.x - b.x;
  const residual = Math.max(0, a.yy + b.yy - slope * (a.xy + b.xy)) / (a.n + b.n - 3);
  return { gain: a.y - b.y - slope * apart, standardError: Math.sqrt(residual * (1 / a.n + 1 / b.n + (xx > 0 ? apart ** 2 / xx : 0))) };
}

/** Means, and sums of squares and products around them. */
type Moments = { readonly n: number; readonly x: number; readonly y: number; readonly xx: number; readonly xy: number; readonly yy: number };

function momentsOf({ x, y }: { x: readonly number[]; y: readonly number[] }): Moments {
  const [meanX, meanY] = [mean(x), mean(y)];
  return { n: x.length, x: meanX, y: meanY, xx: squares(x, meanX), yy: squares(y, meanY), xy: x.reduce((sum, value, i) => sum + (value - meanX) * (y[i]! - meanY), 0) };
}

function gainsOf(losses: ClipLosses, of: 'after' | 'reference'): number[] {
  const { before } = losses;
  const later = losses[of]!;
  if (before.length < 2) throw new InvalidInput(`Expected at least 2 clips to tell a gain and its error of, got ${before.length}`);
  if (later.length !== before.length) throw new InvalidInput(`Expected ${before.length} losses, one a clip, got ${later.length}`);
  // what JSON made of a number that is none would count as 0
  return before.map((loss, i) => (Number.isFinite(loss) && Number.isFinite(later[i]) ? loss - later[i]! : NaN));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const squares = (values: readonly number[], center: number): number => values.reduce((sum, value) => sum + (value - center) ** 2, 0);
