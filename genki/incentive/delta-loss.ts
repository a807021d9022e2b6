import { known, originality, shares, type Policy } from './policy.ts';
import { withDefaults } from './policy-parameters.ts';

export const deltaLossParameters = {
  leastAlike: { meaning: 'Similarity from which on nothing is paid, whatever the loss.', default: 0.95, least: 0, most: 1 },
} as const;

/**
 * Pays for learning what no earlier submission brought (early Genki-Dama):
 *
 *     w ∝ max(0, 0.95 − similarity) · max(0, Δloss)
 *
 * Both factors are clamped before they are multiplied: a copy that does harm would else earn.
 */
export const deltaLoss: Policy = (measurements, given) => {
  const { leastAlike } = withDefaults(deltaLossParameters, given);
  return shares(measurements.map((one, index) => (one.accepted ? originality(one, index, leastAlike) * Math.max(0, known(one.deltaLoss, 0)) : 0)));
};
