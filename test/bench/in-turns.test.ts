import { describe, expect, it } from 'vitest';
import { inTurns, median } from '../../bench/in-turns.ts';

describe('two sides in turns', () => {
  const notes: string[] = [];
  const note = (line: string): void => void notes.push(line);
  const sides = (order: string) => {
    const said: string[] = [];
    const side = (name: string, times: number[]) => async (each: number) => { said.push(name); return times.splice(0, each); };
    return { said, ours: side('A', [5, 4, 7, 3]), peer: order === 'AB' ? side('B', [40, 21, 30, 20]) : undefined };
  };

  it('work alternately and give the median of all turns', async () => {
    const { said, ...both } = sides('AB');
    expect(await inTurns(both, { turns: 2, each: 2, note })).toEqual({ ours: 4.5, peer: 25.5 });
    expect(said).toEqual(['A', 'B', 'A', 'B']);
  });

  it('are only one where there is no peer', async () => {
    const { said, ...one } = sides('A');
    expect(await inTurns(one, { turns: 4, each: 1, note })).toEqual({ ours: 4.5, peer: null });
    expect(said).toEqual(['A', 'A', 'A', 'A']);
  });

  it('are not to be trusted when the median is far from the fastest time', async () => {
    notes.splice(0);
    await inTurns({ ours: async () => [10, 11, 12], peer: async () => [10, 20, 30] }, { turns: 1, each: 3, note });
    expect(notes).toEqual([expect.stringContaining("The peer's median is 2.0 times the fastest")]);
  });

  it('are summed up by the middle value', () => {
    expect(median([3])).toBe(3);
    expect(median([10, 9, 1])).toBe(9);
    expect(median([4, 100, 1, 2])).toBe(3);
  });
});
