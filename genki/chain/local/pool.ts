import { ExtrinsicRefused } from '../../errors.ts';
import type { Hotkey, SignedExtrinsic } from '../chain.ts';

const MAX_TOTAL = 4096;
const MAX_AHEAD = 64;

/** Extrinsics that wait for a block, one for each nonce of a signer, in the order of arrival. */
export class Pool<E extends SignedExtrinsic> {
  #waiting = new Map<string, E>();
  #toLose = 0;

  has({ signer, nonce, hash }: E): boolean {
    return this.#waiting.get(slot(signer, nonce))?.hash === hash;
  }

  /** @throws {ExtrinsicRefused} `Stale`, `Future`, `TooLowPriority` or `ImmediatelyDropped` */
  checkPlace({ signer, nonce }: E, nextNonce: number): void {
    if (nonce < nextNonce) throw new ExtrinsicRefused('Stale', `Expected a nonce from ${nextNonce}, got ${nonce}`);
    if (nonce >= nextNonce + MAX_AHEAD) throw new ExtrinsicRefused('Future', `Expected a nonce below ${nextNonce + MAX_AHEAD}, got ${nonce}`);
    if (this.#waiting.has(slot(signer, nonce))) throw new ExtrinsicRefused('TooLowPriority', `Another extrinsic with nonce ${nonce} waits already`);
    if (this.#waiting.size >= MAX_TOTAL) throw new ExtrinsicRefused('ImmediatelyDropped', `Expected fewer than ${MAX_TOTAL} waiting extrinsics`);
  }

  add(extrinsic: E): void {
    if (this.#toLose > 0) {
      this.#toLose--;
      return;
    }
    this.#waiting.set(slot(extrinsic.signer, extrinsic.nonce), extrinsic);
  }

  /** The first nonce, from `nonce` on, that nothing waits with. */
  nextFree(signer: Hotkey, nonce: number): number {
    let next = nonce;
    while (this.#waiting.has(slot(signer, next))) next++;
    return next;
  }

  /** Those waiting now, first come first. */
  waiting(): E[] {
    return [...this.#waiting.values()];
  }

  /** Puts those of dropped blocks before all others; what was born after `best` was signed for a block that is gone. */
  takeBack(extrinsics: readonly E[], best: number): void {
    const before = [...extrinsics, ...this.#waiting.values()].filter(({ bornAt }) => bornAt <= best);
    this.#waiting = new Map(before.map((extrinsic) => [slot(extrinsic.signer, extrinsic.nonce), extrinsic]));
  }

  remove(extrinsics: readonly E[]): void {
    for (const extrinsic of extrinsics) if (this.has(extrinsic)) this.#waiting.delete(slot(extrinsic.signer, extrinsic.nonce));
  }

  /** Forgets all. @returns how many those were */
  clear(): number {
    const { size } = this.#waiting;
    this.#waiting.clear();
    return size;
  }

  /** The next one to be added is forgotten at once. */
  loseNext(): void {
    this.#toLose++;
  }

  /** Drops those that no block after `block` can take, for their nonce or their age. */
  prune(block: number, nonceOf: (signer: Hotkey) => number): void {
    for (const [key, { diesAt, nonce, signer }] of this.#waiting) {
      if (diesAt <= block || nonce < nonceOf(signer)) this.#waiting.delete(key);
    }
  }
}

const slot = (signer: Hotkey, nonce: number): string => `${signer}/${nonce}`;
