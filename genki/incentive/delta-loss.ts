import { known, originality, shares, type Policy } from './policy.ts';

/** From this similarity on nothing is paid, whatever the loss. */
const LEAST_ALIKE = 0.95;

/**
 * Pays for learning what no earlier submission brought (early Genki-Dama):
 *
 *     w ∝ max(0, 0.95 − similarity) · max(0, Δloss)
 *
 * Both factors are clamped before they are multiplied: a copy that does harm would else earn.
 */
export const deltaLoss: Policy = (measurements, { leastAlike = LEAST_ALIKE } = {}) =>
  shares(measurements.map((one, index) => (one.accepted ? originality(one, index, leastAlike) * Math.max(0, known(one.deltaLoss, 0)) : 0)));
