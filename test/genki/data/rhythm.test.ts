import { describe, expect, it } from 'vitest';
import { CELLS, strokes } from '../../../genki/data/rhythm.ts';
import { TEMPOS } from '../../../genki/data/styles/style.ts';

describe('rhythms', () => {
  it('read a gallop, a tie over the beat and a rest', () => {
    expect(strokes(['x-xx', '-.x-'], { at: 8, frames: 4 })).toEqual([
      { symbol: 'x', at: 8, frames: 2 },
      { symbol: 'x', at: 10, frames: 1 },
      { symbol: 'x', at: 11, frames: 2 },
      { symbol: 'x', at: 14, frames: 2 },
    ]);
  });

  it('leave a tie to nothing silent', () => {
    expect(strokes(['-', '.-', 'x'], { at: 0, frames: 2 })).toEqual([{ symbol: 'x', at: 4, frames: 2 }]);
  });

  it.each(Object.keys(TEMPOS).map(Number))('give every stroke time of its own at %i frames a beat, within the beat', (frames) => {
    for (const cell of CELLS) {
      let end = 0;
      for (const stroke of strokes([cell], { at: 0, frames })) {
        expect(stroke.at).toBeGreaterThanOrEqual(end);
        expect(stroke.frames).toBeGreaterThanOrEqual(1);
        end = stroke.at + stroke.frames;
      }
      expect(end).toBeLessThanOrEqual(frames);
    }
  });
});
