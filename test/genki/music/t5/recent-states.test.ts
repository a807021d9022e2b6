import { describe, expect, it } from 'vitest';
import { RecentStates } from '../../../../genki/music/t5/recent-states.ts';

describe('RecentStates', () => {
  it('lets those go first that were asked for longest ago', () => {
    const recent = new RecentStates(3 * 4 * 10);
    for (const text of ['a', 'b', 'c']) recent.add(text, new Float32Array(10));
    recent.get('a');
    recent.add('d', new Float32Array(10));
    expect(['a', 'b', 'c', 'd'].map((text) => recent.get(text)?.length)).toEqual([10, undefined, 10, 10]);
    recent.add('e', new Float32Array(20));
    expect(['a', 'c', 'd', 'e'].map((text) => recent.get(text)?.length)).toEqual([undefined, undefined, 10, 20]);
  });

  it('keeps nothing that is larger than all it may', () => {
    const recent = new RecentStates(4 * 10);
    recent.add('a', new Float32Array(10));
    recent.add('b', new Float32Array(11));
    expect([recent.get('a'), recent.get('b')]).toEqual([undefined, undefined]);
    recent.add('c', new Float32Array(10));
    expect(recent.get('c')?.length).toBe(10);
  });

  it('forgets all', () => {
    const recent = new RecentStates(4 * 10);
    recent.add('a', new Float32Array(10));
    recent.clear();
    expect(recent.get('a')).toBeUndefined();
    recent.add('b', new Float32Array(10));
    expect(recent.get('b')?.length).toBe(10);
  });
});
