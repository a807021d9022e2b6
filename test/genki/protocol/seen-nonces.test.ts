import { expect, it } from 'vitest';
import { Random } from '../../../genki/protocol/random.ts';
import { SeenNonces } from '../../../genki/protocol/seen-nonces.ts';

it('takes a nonce once for each owner', () => {
  const seen = new SeenNonces({ keepMs: 100, perOwner: 2, inAll: 3 });
  expect(seen.take('a', '1', 0)).toBe('fresh');
  expect(seen.take('a', '1', 99)).toBe('replayed');
  expect(seen.take('b', '1', 99)).toBe('fresh');
});

it('takes no more than there is room for, and forgets none before its time', () => {
  const seen = new SeenNonces({ keepMs: 100, perOwner: 2, inAll: 3 });
  expect([seen.take('a', '1', 0), seen.take('a', '2', 50), seen.take('a', '3', 60)]).toEqual(['fresh', 'fresh', 'full']);
  expect([seen.take('b', '1', 60), seen.take('b', '2', 60)]).toEqual(['fresh', 'full']);
  expect([seen.take('a', '1', 99), seen.take('a', '2', 99)]).toEqual(['replayed', 'replayed']);
  // the first one's time is over
  expect([seen.take('a', '3', 100), seen.take('a', '2', 100), seen.size]).toEqual(['fresh', 'replayed', 3]);
  expect([seen.take('c', '1', 1000), seen.size]).toEqual(['fresh', 1]);
});

it('keeps to what a list of all that was ever taken would say', () => {
  const random = new Random('nonces');
  const seen = new SeenNonces({ keepMs: 50, perOwner: 4, inAll: 8 });
  const taken: { owner: string; nonce: string; until: number }[] = [];
  for (let step = 0, now = 0; step < 2000; step++, now += random.int(6)) {
    const [owner, nonce] = [`owner/${random.int(4)}`, String(random.int(12))];
    const kept = taken.slice(-20).filter(({ until }) => until > now);
    const isFull = kept.length >= 8 || kept.filter((one) => one.owner === owner).length >= 4;
    const expected = kept.some((one) => one.owner === owner && one.nonce === nonce) ? 'replayed' : isFull ? 'full' : 'fresh';
    expect([step, seen.take(owner, nonce, now)]).toEqual([step, expected]);
    if (expected === 'fresh') taken.push({ owner, nonce, until: now + 50 });
  }
});

it('holds 10,000 of them, each of which is known again', () => {
  const seen = new SeenNonces({ keepMs: 66_000, perOwner: 256, inAll: 10_000 });
  const owners = Array.from({ length: 50 }, (_, i) => `owner ${i}`);
  const all = owners.flatMap((owner) => Array.from({ length: 200 }, (_, i) => ({ owner, nonce: i.toString(16).padStart(32, '0') })));
  expect(all.filter(({ owner, nonce }, i) => seen.take(owner, nonce, i) !== 'fresh')).toEqual([]);
  expect(seen.take('one more', '0', 10_000)).toBe('full');
  expect(all.filter(({ owner, nonce }) => seen.take(owner, nonce, 65_999) !== 'replayed')).toEqual([]);
  expect([seen.take('one more', '0', 76_000), seen.size]).toEqual(['fresh', 1]);
});
