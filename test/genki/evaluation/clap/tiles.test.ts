import { describe, expect, it } from 'vitest';
import { repeatPad, tileBegins, tiles } from '../../../../genki/evaluation/clap/tiles.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('the windows of a clip', () => {
  it('begin where these vectors say', () => {
    expect(tileBegins(480_000, 480_000, 'a')).toEqual([0]);
    expect(tileBegins(513_600, 480_000, 'a')).toEqual([0, 33_600]); // 10.7 s: nothing to draw
    expect(tileBegins(1_440_000, 480_000, 'a')).toEqual([0, 480_000, 960_000]); // 30 s: no slack
    expect(tileBegins(1_200_000, 480_000, 'a')).toEqual([0, 281_327, 720_000]);
    expect(tileBegins(1_200_000, 480_000, 'b')).toEqual([0, 462_232, 720_000]);
    expect(tileBegins(10, 3, 'a').length).toBe(4);
  });

  it('are the fewest that hold every sample, lie inside the clip and move as one', () => {
    const random = new Random('tiles');
    for (let i = 0; i < 2000; i++) {
      const window = 1 + random.int(50);
      const length = 1 + random.int(400);
      const begins = tileBegins(length, window, `${i}`);
      expect(begins.length).toBe(Math.ceil(length / window));
      expect(begins[0]).toBe(0);
      expect(begins.at(-1)).toBe(Math.max(0, length - window));
      const steps = begins.slice(1).map((begin, n) => begin - begins[n]!);
      expect(steps.filter((step) => step <= 0 || step > window)).toEqual([]);
      expect(steps.slice(1, -1).filter((step) => step !== window)).toEqual([]);
    }
  });

  it('lie anywhere: each offset is drawn about as often', () => {
    const seen = new Map<number, number>();
    for (let i = 0; i < 4000; i++) {
      const second = tileBegins(26, 10, `${i}`)[1]!; // slack 4
      seen.set(second, (seen.get(second) ?? 0) + 1);
    }
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual([6, 7, 8, 9, 10]);
    for (const count of seen.values()) expect(Math.abs(count - 800)).toBeLessThan(130); // 5 standard deviations
  });

  it.each([[0, 10], [10, 0], [1.5, 10], [NaN, 10]])('are none of %s samples in windows of %s', (length, window) => {
    expect(() => tileBegins(length, window, 'a')).toThrow(RangeError);
  });

  it('are whole windows of the clip, in its order', () => {
    const clip = Float32Array.from({ length: 26 }, (_, i) => i);
    const begins = tileBegins(26, 10, 'seed');
    expect(tiles(clip, 10, 'seed')).toEqual(begins.map((begin) => clip.slice(begin, begin + 10)));
    expect(tiles(clip.subarray(0, 4), 10, 'seed')).toEqual([Float32Array.of(0, 1, 2, 3, 0, 1, 2, 3, 0, 0)]);
  });
});

describe('repeatPad', () => {
  it('repeats whole copies, then is silent', () => {
    expect(repeatPad(Float32Array.of(1, 2), 6)).toEqual(Float32Array.of(1, 2, 1, 2, 1, 2));
    expect(repeatPad(Float32Array.of(1, 2, 3, 4), 6)).toEqual(Float32Array.of(1, 2, 3, 4, 0, 0));
    expect(repeatPad(Float32Array.of(1, 2, 3), 3)).toEqual(Float32Array.of(1, 2, 3));
  });

  it('takes no empty clip, and none that is longer', () => {
    expect(() => repeatPad(new Float32Array(0), 6)).toThrow('Expected a clip of 1 to 6 samples, got 0');
    expect(() => repeatPad(new Float32Array(7), 6)).toThrow('Expected a clip of 1 to 6 samples, got 7');
  });
});
