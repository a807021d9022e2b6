import { describe, expect, it } from 'vitest';
import { segmentBegins } from '../../../../genki/data/audio/segments.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('segmentBegins', () => {
  it('is one at the beginning for a song that is no longer than a segment', () => {
    expect(segmentBegins(1, { segment: 30, max: 9, seed: 'a' })).toEqual([0]);
    expect(segmentBegins(30, { segment: 30, max: 9, seed: 'a' })).toEqual([0]);
  });

  it('lies side by side where it fits exactly, and has one overlap where it nearly does', () => {
    expect(segmentBegins(90, { segment: 30, max: 9, seed: 'a' })).toEqual([0, 30, 60]);
    expect([[0, 20, 50], [0, 30, 50]]).toContainEqual(segmentBegins(80, { segment: 30, max: 9, seed: 'a' }));
  });

  it('draws where the only one of a longer song lies', () => {
    const begins = new Set(Array.from({ length: 200 }, (_, i) => segmentBegins(44, { segment: 30, max: 9, seed: `${i}` })[0]));
    expect(begins.size).toBe(15);
    expect([Math.min(...begins as Set<number>), Math.max(...begins as Set<number>)]).toEqual([0, 14]);
  });

  it('keeps its laws for songs of any length', () => {
    const random = new Random('segments');
    for (let n = 0; n < 1000; n++) {
      const [segment, max] = [1 + random.int(50), 1 + random.int(12)];
      const length = 1 + random.int(600);
      const rule = { segment, max, seed: `${n}` };
      const begins = segmentBegins(length, rule);
      expect(begins).toEqual(segmentBegins(length, rule));
      expect(begins.length).toBe(Math.min(max, Math.max(1, Math.round(length / segment))));
      const overlaps = begins.slice(1).map((begin, i) => begins[i]! + segment - begin).filter((overlap) => overlap > 0);
      const needed = Math.max(0, begins.length * segment - length);
      if (length > segment) {
        expect(begins[0]! >= 0 && begins.at(-1)! + segment <= length).toBe(true);
        expect(overlaps.reduce((sum, overlap) => sum + overlap, 0)).toBe(needed);
        // all of a song that is cut with overlaps is in a segment
        if (needed > 0) expect([begins[0], begins.at(-1)! + segment]).toEqual([0, length]);
      }
    }
  });

  it('refuses what is none', () => {
    expect(() => segmentBegins(0, { segment: 30, max: 1, seed: '' })).toThrow('Expected a length, a segment and a number of them of 1 or more, got 0, 30 and 1');
  });
});
