import { describe, expect, it } from 'vitest';
import type { Chain, Metagraph } from '../../genki/chain/chain.ts';
import { ChainUnavailable } from '../../genki/errors.ts';
import { Random } from '../../genki/protocol/random.ts';
import { clientAddress } from '../../workers/hub/client-address.ts';
import { createRegistry } from '../../workers/hub/registry.ts';
import { TokenBuckets } from '../../workers/hub/token-buckets.ts';

describe('token buckets', () => {
  it('give so many at once, then as many as flow in', () => {
    const buckets = new TokenBuckets({ burst: 2, perSecond: 4 }, 10);
    expect([buckets.take('a', 0), buckets.take('a', 0), buckets.take('a', 0)]).toEqual([0, 0, 250]);
    expect([buckets.take('a', 125), buckets.take('a', 250), buckets.take('b', 250)]).toEqual([125, 0, 0]);
  });

  it('never give more than a burst and what has flowed in since', () => {
    const random = new Random('buckets');
    const buckets = new TokenBuckets({ burst: 5, perSecond: 3 }, 10);
    let [now, taken] = [0, 0];
    for (let i = 0; i < 2000; i++) {
      now += random.int(200);
      if (buckets.take('a', now) === 0) taken++;
      expect(taken).toBeLessThanOrEqual(5 + (now / 1000) * 3 + 1e-6);
    }
    expect(taken).toBeGreaterThan((now / 1000) * 2.9);
  });

  it('give nothing for a clock that is set back', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, 10);
    expect([buckets.take('a', 1000), buckets.take('a', 0), buckets.take('a', 999) > 0, buckets.take('a', 1000)]).toEqual([0, 1000, true, 0]);
  });

  it('forget who was silent the longest', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, 100);
    for (let i = 0; i < 1000; i++) buckets.take(`address ${i}`, i / 1000);
    expect(buckets.size).toBe(100);
    expect([buckets.take('address 999', 1), buckets.take('address 0', 1)]).toEqual([expect.closeTo(999.999, 1), 0]);
  });
});

describe('the address of who asks', () => {
  it.each([
    ['1.2.3.4', undefined, 0, '1.2.3.4'],
    ['::ffff:1.2.3.4', undefined, 0, '1.2.3.4'],
    ['::1', undefined, 0, '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', undefined, 0, '2001:db8:1:2::/64'],
    ['2001:0db8::5', undefined, 0, '2001:db8:0:0::/64'],
    ['fe80::1%eth0', undefined, 0, 'fe80:0:0:0::/64'],
    ['64:ff9b::1.2.3.4', undefined, 0, '64:ff9b:0:0::/64'],
    ['10.0.0.1', '1.2.3.4', 0, '10.0.0.1'],
    ['10.0.0.1', '6.6.6.6, 1.2.3.4', 1, '1.2.3.4'],
    ['10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.2', 2, '1.2.3.4'],
    ['10.0.0.1', '1.2.3.4', 2, '10.0.0.1'],
    ['10.0.0.1', 'unknown', 1, '10.0.0.1'],
    ['10.0.0.1', ',,', 1, '10.0.0.1'],
  ] as const)('%s, forwarded for %s, behind %i proxies, is %s', (remote, forwarded, proxies, expected) => {
    expect(clientAddress(remote, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }, proxies)).toBe(expected);
  });
});

/** A chain that knows one hotkey, named by how often it was asked. */
function chainOf() {
  const world = { asked: 0, isUp: true, now: 1_000_000 };
  const chain = {
    head: async () => {
      world.asked++;
      if (!world.isUp) throw new ChainUnavailable('Expected an answer from the chain, got none');
      return { number: 1, hash: '0x1' };
    },
    metagraph: async () => ({ neurons: [{ hotkey: `hotkey ${world.asked}`, coldkey: 'cold' }] }) as unknown as Metagraph,
  } as unknown as Chain;
  return { world, registry: createRegistry({ chain, netuid: 1, retryMs: 1000, now: () => world.now }) };
}

describe('the registry', () => {
  it('asks the chain once for all who want to know, and again when what it knows is too old', async () => {
    const { world, registry } = chainOf();
    const all = await Promise.all([registry.read(3000), registry.read(3000), registry.read(3000)]);
    expect([world.asked, all.map((coldkeys) => coldkeys.get('hotkey 1'))]).toEqual([1, ['cold', 'cold', 'cold']]);
    world.now += 2000;
    expect([(await registry.read(3000)).has('hotkey 1'), (await registry.read(1000)).has('hotkey 2'), world.asked]).toEqual([true, true, 2]);
  });

  it('goes by what it knew for an hour in which the chain is silent, and does not press it', async () => {
    const { world, registry } = chainOf();
    await registry.read(3000);
    world.isUp = false;
    world.now += 4000;
    for (let i = 0; i < 10; i++) expect((await registry.read(3000)).has('hotkey 1')).toBe(true);
    expect(world.asked).toBe(2);
    world.now += 60 * 60_000;
    await expect(registry.read(3000)).rejects.toThrow(ChainUnavailable);
    world.isUp = true;
    world.now += 1001;
    expect((await registry.read(3000)).has('hotkey 4')).toBe(true);
  });

  it('knows nobody where the chain never answered', async () => {
    const { world, registry } = chainOf();
    world.isUp = false;
    await expect(registry.read(3000)).rejects.toThrow(ChainUnavailable);
    await expect(registry.read(3000)).rejects.toThrow(ChainUnavailable);
    expect(world.asked).toBe(1);
  });
});
