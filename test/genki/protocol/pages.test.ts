import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { pagesOf } from '../../../genki/protocol/pages.ts';
import { Random } from '../../../genki/protocol/random.ts';

// sha256('competition')
const competitionDigest = 'RyGBmyvz4zJ4fx8krkrHcjfmyuPfJEJ+46es3NgI/iM=';
const anna = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const bert = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';

describe('pagesOf', () => {
  // from an independent implementation in Python: hashlib.blake2b and xoshiro128** on plain integers
  it.each([
    [anna, 0, 4, 2 ** 20, [349286, 357398, 800914, 246174]],
    [anna, 1, 4, 2 ** 20, [236759, 924005, 602267, 872581]],
    [bert, 0, 4, 2 ** 20, [485774, 547414, 934978, 118318]],
    [bert, 4711, 3, 6, [3, 1, 5]],
    [anna, 2, 2, 4, [2, 0]],
    [anna, 7, 3, 2 ** 31, [2043138865, 1199031375, 288861155]],
  ])('draws the published pages for %s in window %i', (hotkey, window, perWindow, count, vector) => {
    expect(pagesOf({ hotkey, window, pages: { perWindow, count }, competitionDigest })).toEqual(vector);
  });

  it('gives each page once, and none of the window before, whoever asks', () => {
    const random = new Random('pages');
    for (let i = 0; i < 2000; i++) {
      const perWindow = 1 + random.int(8);
      const pages = { perWindow, count: 2 * (perWindow + random.int(20)) };
      const window = random.int(10_000);
      const [before, after] = [window, window + 1].map((w, k) => pagesOf({ hotkey: k === 0 ? anna : bert, window: w, pages, competitionDigest }));
      expect(new Set([...before!, ...after!]).size).toBe(2 * perWindow);
      expect([...before!, ...after!].every((page) => page >= 0 && page < pages.count)).toBe(true);
    }
  });

  it('differs between hotkeys, windows and competitions', () => {
    const draw = { hotkey: anna, window: 4, pages: { perWindow: 4, count: 2 ** 20 }, competitionDigest };
    const draws = [draw, { ...draw, hotkey: bert }, { ...draw, window: 6 }, { ...draw, competitionDigest: 'A'.repeat(43) + '=' }].map((one) => pagesOf(one).join());
    expect(new Set(draws).size).toBe(4);
  });

  it('comes to every page in the end', () => {
    const seen = new Set<number>();
    for (let window = 0; window < 200; window++) for (const page of pagesOf({ hotkey: anna, window, pages: { perWindow: 2, count: 32 }, competitionDigest })) seen.add(page);
    expect(seen.size).toBe(32);
  });

  it.each([[4, 6], [1, 3], [1, 0]])('refuses %i of %i pages', (perWindow, count) => {
    expect(() => pagesOf({ hotkey: anna, window: 0, pages: { perWindow, count }, competitionDigest })).toThrow(InvalidInput);
  });
});
