import { CancelledFailure } from '@temporalio/activity';
import { describe, expect, it } from 'vitest';
import { Places } from '../../workers/runners/places.ts';

const never = new AbortController().signal;

/** Work that is over when it is told so. */
function jobs() {
  const begun: number[] = [];
  const ends = new Map<number, (fails?: boolean) => void>();
  const work = (name: number) => () => {
    begun.push(name);
    return new Promise<number>((resolve, reject) => ends.set(name, (fails = false) => (fails ? reject(new Error(`${name}`)) : resolve(name))));
  };
  return { begun, work, end: (name: number, fails?: boolean) => ends.get(name)!(fails) };
}
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('places', () => {
  it('lets so many work at once, the others in the order in which they came', async () => {
    const { begun, work, end } = jobs();
    const places = new Places(2);
    const all = [0, 1, 2, 3].map((name) => places.take(never, work(name)).catch((error: Error) => error.message));
    await soon();
    expect(begun).toEqual([0, 1]);
    end(1);
    await soon();
    expect(begun).toEqual([0, 1, 2]);
    end(2, true);
    await soon();
    expect(begun).toEqual([0, 1, 2, 3]);
    [0, 3].forEach((name) => end(name));
    expect(await Promise.all(all)).toEqual([0, 1, '2', 3]);
  });

  it('is left by who is cancelled while waiting, and no place is lost with it', async () => {
    const { begun, work, end } = jobs();
    const places = new Places(1);
    const gone = new AbortController();
    const first = places.take(never, work(0));
    const second = places.take(gone.signal, work(1));
    const third = places.take(never, work(2));
    await soon();
    gone.abort();
    await expect(second).rejects.toThrow(CancelledFailure);
    end(0);
    await first;
    await soon();
    expect(begun).toEqual([0, 2]);
    end(2);
    expect(await third).toBe(2);
    await expect(places.take(gone.signal, work(3))).rejects.toThrow(CancelledFailure);
    expect(begun).toEqual([0, 2]);
  });

  it('has room for everybody without a limit', async () => {
    const { begun, work } = jobs();
    const places = new Places(Infinity);
    for (let name = 0; name < 50; name++) void places.take(never, work(name));
    await soon();
    expect(begun).toHaveLength(50);
  });
});
