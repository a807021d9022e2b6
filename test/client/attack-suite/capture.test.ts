import { describe, expect, it } from 'vitest';
import { captureOf } from '../../../client/attack-suite/capture.ts';

const shares = (of: Record<string, number>): Map<string, number> => new Map(Object.entries(of));
const before = shares({ a: 0.5, b: 0.3, c: 0.2 });

describe('an attack', () => {
  it('that takes nothing and moves nobody captures nothing', () => {
    expect(captureOf(before, shares({ a: 0.5, b: 0.3, c: 0.2, x: 0 }), { attackers: ['x'], own: [], honest: ['a', 'b', 'c'] })).toEqual({ captured: 0, honestChange: 0 });
  });

  it('that takes from all alike moves nobody against another', () => {
    const { captured, honestChange } = captureOf(before, shares({ a: 0.45, b: 0.27, c: 0.18, x: 0.06, y: 0.04 }), { attackers: ['x', 'y'], own: [], honest: ['a', 'b', 'c'] });
    expect(captured).toBeCloseTo(0.1, 12);
    expect(honestChange).toBeCloseTo(0, 12);
  });

  it('that takes all from its victim moves it by what it had', () => {
    const { captured, honestChange } = captureOf(before, shares({ a: 0.5, b: 0.3, x: 0.2 }), { attackers: ['x'], own: [], honest: ['a', 'b', 'c'] });
    expect(captured).toBeCloseTo(0.2, 12);
    // of the .8 that the honest have, c has nothing, a .625 and b .375
    expect(honestChange).toBeCloseTo(0.2, 12);
  });

  it('from one’s own place captures what is beyond one’s own share', () => {
    const { captured, honestChange } = captureOf(before, shares({ x: 0.35, y: 0.25, b: 0.24, c: 0.16 }), { attackers: ['x', 'y'], own: ['a'], honest: ['b', 'c'] });
    expect(captured).toBeCloseTo(0.1, 12);
    expect(honestChange).toBeCloseTo(0, 12);
  });

  it('that leaves the honest with nothing changes everything, and where nobody was paid nothing', () => {
    expect(captureOf(before, shares({ x: 1 }), { attackers: ['x'], own: [], honest: ['a', 'b', 'c'] })).toEqual({ captured: 1, honestChange: 1 });
    expect(captureOf(shares({}), shares({}), { attackers: ['x'], own: [], honest: ['a'] })).toEqual({ captured: 0, honestChange: 0 });
  });
});
