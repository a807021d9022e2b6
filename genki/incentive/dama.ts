import { known, originality, shares, unit, type Measurement, type Policy } from './policy.ts';
import { withDefaults } from './policy-parameters.ts';

/** It has none. */
export const damaParameters = {} as const;

/**
 * Pays for what a submission contributes to the merged Dama (the default):
 *
 *     w ∝ max(0, φ) · (1 − similarity) · (q + d) / 2
 *
 * with φ the contribution, q the quality and d the diversity. The last factor is the mean of what the competition
 * measures of the two, and 1 where it measures neither.
 */
export const dama: Policy = (measurements, given) => {
  withDefaults(damaParameters, given);
  const measured = (['quality', 'diversity'] as const).filter((name) => measurements.some((one) => one[name] !== undefined));
  const listening = (one: Measurement): number =>
    measured.length === 0 ? 1 : measured.reduce((sum, name) => sum + unit(known(one[name], 0)), 0) / measured.length;
  return shares(
    measurements.map((one, index) => (one.accepted ? Math.max(0, known(one.contribution, 0)) * originality(one, index, 1) * listening(one) : 0)),
  );
};
