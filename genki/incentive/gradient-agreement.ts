import { known, shares, type Measurement, type Policy } from './policy.ts';
import { withDefaults } from './policy-parameters.ts';

/** It has none. */
export const gradientAgreementParameters = {} as const;

/**
 * Pays for going where the validator's own gradient goes (Boltzmann): max(0, S) / Σ max(0, S) with S the agreement. A sum
 * that is not positive pays nobody, where dividing by it would turn the signs over.
 */
export const gradientAgreement: Policy = (measurements, given) => {
  withDefaults(gradientAgreementParameters, given);
  return shares(agreements(measurements));
};

/** The agreement of those accepted, in [−1, 1]; 0 for all others and where it is unknown. */
export const agreements = (measurements: readonly Measurement[]): number[] =>
  measurements.map((one) => (one.accepted ? Math.max(-1, Math.min(1, known(one.agreement, 0))) : 0));
