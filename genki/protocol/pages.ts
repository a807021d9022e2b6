import { InvalidInput } from '../errors.ts';
import { Random } from './random.ts';

export type PageDraw = {
  readonly hotkey: string;
  readonly window: number;
  /** Of one miner, and in all, which is even. */
  readonly pages: { readonly perWindow: number; readonly count: number };
  /** Digest of the competition, base64. */
  readonly competitionDigest: string;
};

/**
 * The pages that a miner is assigned in a window, in the order in which they were drawn (protocol §2.8).
 *
 * 1. The generator is `Random`, from the text `pages/<competition digest>/<hotkey>/<window>`, the window in decimal.
 * 2. Draw `int(count / 2)`; one that was drawn before is passed over; until there are `perWindow`.
 * 3. Page number = 2 · draw + window mod 2: even pages in even windows, odd ones in odd, so that two windows one after the
 *    other share none, whoever has them.
 *
 * @returns shape [perWindow], in 0 … count − 1, each once
 * @throws {InvalidInput} when half of the pages are too few, or their number is odd
 */
export function pagesOf({ hotkey, window, pages: { perWindow, count }, competitionDigest }: PageDraw): number[] {
  const half = count / 2;
  if (!Number.isInteger(half) || perWindow > half) throw new InvalidInput(`Expected an even number of pages, at least ${2 * perWindow}, got ${count}`);
  const random = new Random(`pages/${competitionDigest}/${hotkey}/${window}`);
  const drawn = new Set<number>();
  while (drawn.size < perWindow) drawn.add(random.int(half));
  return [...drawn].map((draw) => 2 * draw + (window % 2));
}
