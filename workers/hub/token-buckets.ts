/** A bucket of tokens for everybody who asks: so many at once, then as many as flow in. */
export type Rate = { readonly burst: number; readonly perSecond: number };

type Bucket = { tokens: number; at: number };

/**
 * Limits how often each of many may do something, in bounded memory: of more than `maxKeys`, whoever was silent the
 * longest is forgotten, and begins with a full bucket.
 */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #maxKeys: number;
  /** Who was silent the longest comes first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, maxKeys: number) {
    this.#rate = rate;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes a token: 0, or in how many milliseconds there will be one.
   * @param now milliseconds, by the same clock each time
   */
  take(key: string, now: number): number {
    const { burst, perSecond } = this.#rate;
    const before = this.#buckets.get(key) ?? { tokens: burst, at: now };
    // a clock that is set back gives nothing, and takes nothing
    const tokens = Math.min(burst, before.tokens + (Math.max(0, now - before.at) / 1000) * perSecond);
    const isTaken = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: isTaken ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > this.#maxKeys) this.#buckets.delete(this.#buckets.keys().next().value!);
    return isTaken ? 0 : ((1 - tokens) / perSecond) * 1000;
  }
}
