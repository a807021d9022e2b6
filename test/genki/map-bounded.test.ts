import { describe, expect, it } from 'vitest';
import { Random } from '../../genki/protocol/random.ts';
import { mapBounded } from '../../genki/map-bounded.ts';

/** Tasks that end when told, and the order in which they began. */
function tasks() {
  const begun: number[] = [];
  const settle = new Map<number, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  const task = (item: number): Promise<string> => new Promise((resolve, reject) => {
    begun.push(item);
    settle.set(item, { resolve, reject });
  });
  return { begun, settle, task };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('mapBounded', () => {
  it('keeps at most so many under way, and takes the next when one has ended', async () => {
    const { begun, settle, task } = tasks();
    const done = mapBounded([0, 1, 2, 3], 2, task);
    expect(begun).toEqual([0, 1]);
    settle.get(1)!.resolve('b');
    await turn();
    expect(begun).toEqual([0, 1, 2]);
    settle.get(2)!.resolve('c');
    await turn();
    settle.get(3)!.resolve('d');
    settle.get(0)!.resolve('a');
    expect(await done).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each(['0', '1', '2'])('gives results in the order of the items, whatever the order of their ends (seed %s)', async (seed) => {
    const random = new Random(seed);
    const items = Array.from({ length: 30 }, (_, i) => i);
    let under = 0;
    let most = 0;
    const results = await mapBounded(items, 4, async (item, index) => {
      most = Math.max(most, ++under);
      for (let i = random.int(5); i > 0; i--) await turn();
      under--;
      return [item, index];
    });
    expect(results).toEqual(items.map((item) => [item, item]));
    expect(most).toBe(4);
  });

  it('of nothing is nothing; a limit above the number of items does no harm', async () => {
    expect(await mapBounded([], 3, () => Promise.reject(new Error('not called')))).toEqual([]);
    expect(await mapBounded([1], 3, async (item) => item + 1)).toEqual([2]);
  });

  it('fails with the first failure', async () => {
    const { settle, task } = tasks();
    const done = mapBounded([0, 1], 2, task);
    settle.get(1)!.reject(new Error('the second one'));
    await expect(done).rejects.toThrow('the second one');
  });
});
