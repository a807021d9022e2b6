import { describe, expect, it } from 'vitest';
import { drawPlaces, type Applicant } from '../../../genki/protocol/places.ts';

const named = (name: string, count: number, incentive = 0): Applicant[] => Array.from({ length: count }, (_, i) => ({ hotkey: `5${name}${i}`, incentive }));
const taken = (places: ReadonlySet<string>, name: string): number => [...places].filter((hotkey) => hotkey.startsWith(`5${name}`)).length;

describe('the places of a window', () => {
  it('are there for everybody while there are enough', () => {
    expect(drawPlaces(named('any', 8), 8, 'seed').size).toBe(8);
    expect(drawPlaces([], 8, 'seed').size).toBe(0);
  });

  it('are drawn among all where nobody has earned anything yet', () => {
    const seen = new Map<string, number>();
    for (let n = 0; n < 2000; n++) for (const hotkey of drawPlaces(named('any', 10), 4, `seed ${n}`)) seen.set(hotkey, (seen.get(hotkey) ?? 0) + 1);
    // five standard deviations of a binomial of 2000 and 4/10
    for (const count of seen.values()) expect(Math.abs(count - 800)).toBeLessThan(5 * Math.sqrt(480));
    expect(seen.size).toBe(10);
  });

  it.each([10, 100, 1000])('stay three quarters with those who earn, beside %i hotkeys that have earned nothing', (junk) => {
    for (let n = 0; n < 20; n++) {
      const places = drawPlaces([...named('junk', junk), ...named('honest', 60, 1000)], 64, `seed ${n}`);
      expect(places.size).toBe(64);
      expect(taken(places, 'honest')).toBeGreaterThanOrEqual(48);
      expect(taken(places, 'junk')).toBeGreaterThan(0);
    }
  });

  it('go to those who have earned the most, of equals by lot', () => {
    const places = drawPlaces([...named('little', 8, 1), ...named('much', 5, 9)], 8, 'seed');
    expect(taken(places, 'much')).toBe(5);
    expect(drawPlaces(named('same', 12, 5), 8, 'one')).not.toEqual(drawPlaces(named('same', 12, 5), 8, 'two'));
  });

  it('are the same of those whom two validators both received', () => {
    const all = named('any', 40);
    const [one, other] = [drawPlaces(all, 10, 'seed'), drawPlaces(all.slice(1), 10, 'seed')];
    expect([...one].filter((hotkey) => !other.has(hotkey)).length).toBeLessThanOrEqual(1);
    expect(drawPlaces(all.toReversed(), 10, 'seed')).toEqual(one);
  });
});
