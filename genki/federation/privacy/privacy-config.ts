import * as z from 'zod';

/** What a miner asks of the private mode, which is off without it. */
export const PrivacyConfig = z.strictObject({
  /** Euclidean norm that no update of a window exceeds: the most that the miner's music can move it. */
  clip: z.number().positive(),
  /** Standard deviation of the noise on every value, in units of `clip`. */
  noise: z.number().positive(),
  /** Probability with which the guarantee may fail; well below one in the number of miners. */
  delta: z.number().positive().lt(1),
  /** The ε that all uploads together may come to: what would exceed it is not uploaded. */
  maxEpsilon: z.number().positive(),
});
export type PrivacyConfig = z.infer<typeof PrivacyConfig>;
