/**
 * The nonces that have been used, so that no request counts twice. Bounded in number, and no bound lets an old one in
 * again: where there is no room for another nonce, it is not taken.
 */
export class SeenNonces {
  readonly #limits: NonceLimits;
  /** Until when each is kept, in the order in which they came. */
  readonly #keptUntil = new Map<string, number>();
  readonly #count = new Map<string, number>();

  constructor(limits: NonceLimits) {
    this.#limits = limits;
  }

  /** How many are kept. */
  get size(): number {
    return this.#keptUntil.size;
  }

  /**
   * `fresh` when it is the first time, and then it is kept for `keepMs`; `full` when there is no room for it.
   * @param now milliseconds, by the same clock each time
   */
  take(owner: string, nonce: string, now: number): 'fresh' | 'replayed' | 'full' {
    this.#forget(now);
    const key = `${owner}/${nonce}`;
    if (this.#keptUntil.has(key)) return 'replayed';
    const count = this.#count.get(owner) ?? 0;
    if (count >= this.#limits.perOwner || this.size >= this.#limits.inAll) return 'full';
    this.#keptUntil.set(key, now + this.#limits.keepMs);
    this.#count.set(owner, count + 1);
    return 'fresh';
  }

  #forget(now: number): void {
    for (const [key, until] of this.#keptUntil) {
      if (until > now) return;
      this.#keptUntil.delete(key);
      const owner = key.slice(0, key.lastIndexOf('/'));
      const left = this.#count.get(owner)! - 1;
      if (left > 0) this.#count.set(owner, left);
      else this.#count.delete(owner);
    }
  }
}

export type NonceLimits = {
  /** At least for as long as a request with the nonce would be taken. */
  readonly keepMs: number;
  readonly perOwner: number;
  readonly inAll: number;
};
