import type { Cast, Play } from '../cast.ts';

/** Most that an attack may take, and by how much it may move the honest ones against each other, under the default policy. */
export type Tolerance = { readonly captured: number; readonly honestChange: number };

export type Scenario = {
  /** In a few words, for the table. */
  readonly tries: string;
  readonly play: (cast: Cast) => Play | Promise<Play>;
  /** Where it is not the usual one. */
  readonly tolerance?: Tolerance;
};

/** Nothing; a thousandth, since one more candidate is one more to be told from chance, and norms are searched from another median. */
export const TOLERANCE: Tolerance = { captured: 1e-3, honestChange: 1e-3 };

/** Where the attacker spoils work of its own the others are worth more without it, each by another amount. */
export const OWN_LOSS: Tolerance = { captured: 1e-3, honestChange: 0.02 };
