import { epsilonOf } from '../genki/federation/privacy/accountant.ts';
import type { PrivacyConfig } from '../genki/federation/privacy/privacy-config.ts';
import { privacyStatement } from '../genki/federation/privacy/privacy-statement.ts';
import type { MadeUpdate } from './made-updates.ts';

/** What one more update costs, before it is made. */
export type PrivacyCost = {
  /** ε of the updates made so far, and with one more. */
  readonly before: number;
  readonly epsilon: number;
  readonly delta: number;
  /** Both in words, and what they mean. */
  readonly statement: string;
  /** Whether it is more than the miner allows. */
  readonly isTooMuch: boolean;
};

/**
 * What a miner's next update costs it in privacy. Updates that had other noise count as so many of this noise as have the
 * same Rényi divergence, rounded up.
 * @param so what the miner has made of its own music so far
 */
export function privacyCost(config: PrivacyConfig, so: MadeUpdate['own'] | undefined): PrivacyCost {
  const { noise, delta, maxEpsilon } = config;
  const exact = (so?.noised ?? []).reduce((sum, one) => sum + one.windows * (noise / one.noise) ** 2, 0);
  const windows = Math.ceil(exact - 1e-9);
  const [before, epsilon] = [windows, windows + 1].map((count) => epsilonOf({ noise, delta, windows: count }).epsilon) as [number, number];
  const bare = so?.bare ?? 0;
  const unprotected = bare > 0 ? ` Of ${bare} ${bare === 1 ? 'update' : 'updates'} before, sent without noise, nothing is promised.` : '';
  return { before, epsilon, delta, statement: privacyStatement({ ...config, windows }) + unprotected, isTooMuch: epsilon > maxEpsilon };
}

/** What has been made of a miner's own music, with one more update. */
export function withOneMore(so: MadeUpdate['own'] | undefined, { noise, ofOwnMusic }: { readonly noise: number | undefined; readonly ofOwnMusic: boolean }): MadeUpdate['own'] {
  const { noised, bare } = so ?? { noised: [], bare: 0 };
  if (noise === undefined) return { noised, bare: bare + (ofOwnMusic ? 1 : 0) };
  const same = noised.find((one) => one.noise === noise);
  return { noised: same ? noised.map((one) => (one === same ? { noise, windows: one.windows + 1 } : one)) : [...noised, { noise, windows: 1 }], bare };
}
