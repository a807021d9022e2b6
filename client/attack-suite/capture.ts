/** Share of the weight by whose it is. */
export type Shares = ReadonlyMap<string, number>;

export type Capture = {
  /** The attacker's weight under all of its hotkeys beyond what it earns by handing in its own honest work once; target 0. */
  readonly captured: number;
  /** Largest change of an honest miner's part of what the honest ones earn together; target 0, 1 when they earn nothing any more. */
  readonly honestChange: number;
};

/**
 * What an attack takes (protocol §8), from a round with it and the same round without.
 *
 *     captured     = Σ_attackers after − Σ_own before
 *     honestChange = max_i |after_i / Σ_honest after − before_i / Σ_honest before|
 *
 * What the attackers took is renormalised away, so that `honestChange` tells whether they moved the honest against each
 * other.
 *
 * @param of `attackers` hand in something hostile; `own` are those of the honest round in whose place they do so, whose
 *   shares are theirs anyway; `honest` are all others
 */
export function captureOf(before: Shares, after: Shares, of: { readonly attackers: readonly string[]; readonly own: readonly string[]; readonly honest: readonly string[] }): Capture {
  const sum = (shares: Shares, names: readonly string[]): number => names.reduce((total, name) => total + (shares.get(name) ?? 0), 0);
  const [had, has] = [sum(before, of.honest), sum(after, of.honest)];
  const part = (shares: Shares, name: string, total: number): number => (total > 0 ? (shares.get(name) ?? 0) / total : 0);
  const changes = of.honest.map((name) => Math.abs(part(after, name, has) - part(before, name, had)));
  return {
    captured: sum(after, of.attackers) - sum(before, of.own),
    honestChange: (had > 0) !== (has > 0) ? 1 : Math.max(0, ...changes),
  };
}
