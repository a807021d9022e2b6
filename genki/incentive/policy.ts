/** What a round measured of one submission. A number that is missing or not finite earns nothing. */
export type Measurement = {
  /** Whether it passed the filter that stands before every policy: it is no copy, and it adds to the others. */
  readonly accepted: boolean;
  /** Held-out loss of the base minus the submission's, nats per code. */
  readonly deltaLoss?: number | undefined;
  /** Held-out losses of the submission alone, one a batch, nats per code: the same batches for all. */
  readonly losses?: readonly number[] | undefined;
  /** Shapley value of the relative gain. */
  readonly contribution?: number | undefined;
  /** To the closest earlier submission, in [0, 1]. */
  readonly similarity?: number | undefined;
  /** How well the clips fit their captions, anchored to [0, 1]; in no measurement where the competition does not ask for it. */
  readonly quality?: number | undefined;
  /** How far the clips lie from the other miners', anchored to [0, 1]; likewise. */
  readonly diversity?: number | undefined;
  /** Mean cosine of clips and captions, in [−1, 1]: quality as the embedder puts it out. */
  readonly cosine?: number | undefined;
  /** Mean Fréchet audio distance to the other accepted miners, ≥ 0: diversity as it is measured; missing for who has no company. */
  readonly distance?: number | undefined;
  /** Cosine of the update with the validator's own descent direction, in [−1, 1]. */
  readonly agreement?: number | undefined;
  /** Whether it was the one that earned most in the epoch before. */
  readonly leader?: boolean | undefined;
};

/** A competition's numbers for its policy, each with a default. */
export type PolicyParameters = Readonly<Record<string, number>>;

/**
 * Weights from recorded measurements, pure.
 * @param measurements in commit order
 * @returns shape [measurements], finite, ≥ 0, summing to 1, or all 0 when nobody earned anything
 */
export type Policy = (measurements: readonly Measurement[], parameters?: PolicyParameters) => number[];

/** The value if it is a number, else what stands for "not known". */
export const known = (value: number | undefined, instead: number): number => (value !== undefined && Number.isFinite(value) ? value : instead);

/** Into [0, 1]. */
export const unit = (value: number): number => Math.min(1, Math.max(0, value));

/**
 * How unlike the earlier ones a submission is: up to `from` above 0. The first in commit order has nothing before it;
 * for any other an unknown similarity counts as a copy's.
 */
export function originality({ similarity }: Measurement, index: number, from: number): number {
  return Math.max(0, from - unit(known(similarity, index === 0 ? 0 : 1)));
}

/** Scores as shares of 1; all 0 when no score is above 0. */
export function shares(scores: readonly number[]): number[] {
  const positive = scores.map((score) => Math.max(0, known(score, 0)));
  const largest = Math.max(0, ...positive);
  if (largest === 0) return positive;
  const scaled = positive.map((score) => score / largest); // so that no sum overflows
  const sum = scaled.reduce((total, score) => total + score, 0);
  return scaled.map((score) => score / sum);
}
