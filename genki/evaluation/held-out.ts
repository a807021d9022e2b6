import { InvalidInput } from '../errors.ts';

/** How one part of the hold-out is grouped; the groups are of equal weight, whatever their number of clips. */
export type HoldOut = {
  /** The style of each clip, shape [clips]. */
  readonly styles: readonly string[];
  /** Styles that are to be learned, with the loss in nats per code below which nothing is left to learn. */
  readonly floors: Readonly<Record<string, number>>;
  /** Styles that the Dama knows already and must not forget. */
  readonly guards: readonly string[];
};

/** One model's loss on each clip, nats per code, shape [clips]. */
export type Losses = readonly number[];

/** A mean with its standard error. */
export type Estimate = { readonly mean: number; readonly standardError: number };

/**
 * Checks that a hold-out can be scored: clips of every group, at least two each so that an error can be told, none of a
 * style that is neither learned nor guarded.
 * @throws {InvalidInput} naming the style
 */
export function checkHoldOut({ styles, floors, guards }: HoldOut): void {
  const learned = Object.keys(floors);
  if (learned.length === 0 || styles.length === 0) throw new InvalidInput('Expected a hold-out with clips of at least one style to learn, got an empty one');
  for (const style of [...learned, ...guards]) {
    const clips = styles.filter((other) => other === style).length;
    if (clips < 2) throw new InvalidInput(`Expected at least 2 held-out clips of style ${style}, got ${clips}`);
  }
  const stray = styles.find((style) => !learned.includes(style) && !guards.includes(style));
  if (stray !== undefined) throw new InvalidInput(`Expected clips of ${[...learned, ...guards].join(', ')} in the hold-out, got ${stray}`);
  const both = guards.find((style) => learned.includes(style));
  if (both !== undefined) throw new InvalidInput(`Expected a style to be learned or guarded, got ${both} in both`);
}

/**
 * Mean loss of each style. A loss that is not finite counts as infinite.
 * @returns style -> nats per code, in the order of the styles' first clips
 */
export function lossByStyle(losses: Losses, styles: readonly string[]): Record<string, number> {
  sameLength(losses, styles);
  const sums = new Map<string, { sum: number; clips: number }>();
  styles.forEach((style, i) => {
    const { sum, clips } = sums.get(style) ?? { sum: 0, clips: 0 };
    sums.set(style, { sum: sum + finiteOr(losses[i], Infinity), clips: clips + 1 });
  });
  return Object.fromEntries([...sums].map(([style, { sum, clips }]) => [style, sum / clips]));
}

/** Mean over the learned styles, in the order of their names, of each one's mean loss, nats per code. */
export function learnedLoss(losses: Losses, holdOut: HoldOut): number {
  const byStyle = lossByStyle(losses, holdOut.styles);
  const learned = Object.keys(holdOut.floors).sort();
  return learned.reduce((sum, style) => sum + byStyle[style]!, 0) / learned.length;
}

/**
 * How much lower `after` is than `before`, clip by clip, averaged over the learned styles:
 *
 *     mean = 1/G Σ_g mean_g(before − after),   standardError² = 1/G² Σ_g var_g(before − after) / n_g
 *
 * Pairing removes what makes a clip hard, and taking the variance within each style what makes a style hard.
 *
 * @param units style -> by what its differences are divided, nats per code; default 1
 * @returns positive is better, nats per code unless there are units. A loss that is not finite makes the mean −∞
 */
export function pairedGain(before: Losses, after: Losses, holdOut: HoldOut, units: Readonly<Record<string, number>> = {}): Estimate {
  sameLength(before, holdOut.styles);
  sameLength(after, holdOut.styles);
  const learned = Object.keys(holdOut.floors);
  let mean = 0;
  let variance = 0;
  for (const style of learned) {
    const differences = holdOut.styles.flatMap((other, i) => (other === style ? [(finiteOr(before[i], NaN) - finiteOr(after[i], NaN)) / (units[style] ?? 1)] : []));
    if (!differences.every(Number.isFinite)) return { mean: -Infinity, standardError: 0 };
    const center = differences.reduce((sum, d) => sum + d, 0) / differences.length;
    const squares = differences.reduce((sum, d) => sum + (d - center) ** 2, 0);
    mean += center / learned.length;
    variance += squares / (differences.length - 1) / differences.length / learned.length ** 2;
  }
  return { mean, standardError: Math.sqrt(variance) };
}

function sameLength(losses: Losses, styles: readonly string[]): void {
  if (losses.length !== styles.length) throw new InvalidInput(`Expected ${styles.length} losses, one a clip, got ${losses.length}`);
}

/** Also for what JSON made of a loss that is not a number: null would count as 0 in a sum. */
const finiteOr = (loss: number | undefined, instead: number): number => (Number.isFinite(loss) ? loss! : instead);
