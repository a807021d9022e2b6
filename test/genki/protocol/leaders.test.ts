import { describe, expect, it } from 'vitest';
import type { Neuron } from '../../../genki/chain/chain.ts';
import { leaderBlocks, leaderSeed, leadersOf } from '../../../genki/protocol/leaders.ts';
import { Random } from '../../../genki/protocol/random.ts';

// sha256('competition')
const competition = 'RyGBmyvz4zJ4fx8krkrHcjfmyuPfJEJ+46es3NgI/iM=';
const blockHashes = Array.from({ length: 5 }, (_, i) => `0x${`0${i}`.repeat(32)}`);

const neuron = (hotkey: string, stake: bigint, validatorPermit = true): Neuron => ({ uid: 0, hotkey, coldkey: '5Owner', registeredAt: 0, stake: String(stake), validatorPermit, active: true, lastUpdate: 0, consensus: 0, incentive: 0, dividends: 0, emission: '0', axon: null });
const neurons = [neuron('5C-carol', 3n * 10n ** 21n), neuron('5A-anna', 10n ** 9n), neuron('5M-miner', 10n ** 30n, false), neuron('5B-bert', 10n ** 21n), neuron('5D-dora', 0n), neuron('5E-emil', 10n ** 21n)];

describe('leaders', () => {
  // from an independent implementation in Python, with integers of any size
  it.each([
    [0, '469e5b15b83dccfb641d55aae8abaf1cbb920f53ea4b91f7c8567b99d44baca1', ['5C-carol', '5B-bert', '5E-emil', '5A-anna', '5D-dora']],
    [1, '906da703f46c14e400761c0a3496762d38509ad7ee9216772bbffa726f083b25', ['5C-carol', '5E-emil', '5B-bert', '5A-anna', '5D-dora']],
    [2, 'f0429a4ec0c083048b50d61b647eaa37e02f6dd5b38a13d9063da996ec3b8dd2', ['5E-emil', '5C-carol', '5B-bert', '5A-anna', '5D-dora']],
  ])('of window %i are in the published order', (window, seed, order) => {
    expect(leaderSeed({ blockHashes, competition }, window)).toBe(seed);
    expect(leadersOf({ neurons }, seed)).toEqual(order);
  });

  it('do not depend on the order of the neurons', () => {
    const random = new Random('neurons');
    for (let i = 0; i < 200; i++) expect(leadersOf({ neurons: random.shuffle(neurons) }, `${i}`)).toEqual(leadersOf({ neurons }, `${i}`));
  });

  it('are each once, and first as often as their stake', () => {
    const draws = 4000;
    const three = [neuron('5A', 1n), neuron('5B', 3n), neuron('5C', 6n), neuron('5Z', 0n)];
    const first = new Map<string, number>();
    for (let i = 0; i < draws; i++) {
      const order = leadersOf({ neurons: three }, `draw/${i}`);
      expect(order.toSorted()).toEqual(['5A', '5B', '5C', '5Z']);
      expect(order.at(-1)).toBe('5Z');
      first.set(order[0]!, (first.get(order[0]!) ?? 0) + 1);
    }
    // 4.5 standard deviations of a binomial
    for (const [hotkey, share] of [['5A', 0.1], ['5B', 0.3], ['5C', 0.6]] as const) expect(Math.abs(first.get(hotkey)! - share * draws)).toBeLessThan(4.5 * Math.sqrt(draws * share * (1 - share)));
  });

  it('are none where nobody may', () => {
    expect(leadersOf({ neurons: [neuron('5M', 5n, false)] }, 'seed')).toEqual([]);
  });

  it('are decided by the window’s first block and those after it', () => {
    expect(leaderBlocks(160, 4)).toEqual([160, 161, 162, 163, 164]);
  });
});
