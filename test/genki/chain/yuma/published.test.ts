import { describe, expect, it } from 'vitest';
import { maxUpscale } from '../../../../genki/chain/yuma/max-upscale.ts';
import type { SparseRow } from '../../../../genki/chain/yuma/sparse.ts';
import { runEpoch, type EpochOutput } from '../../../../genki/chain/yuma/yuma.ts';
import { subnet } from './subnet.ts';

/** Vectors that subtensor's own tests publish (`pallets/subtensor/src/tests/epoch.rs`), emission 10⁹. */

type Row = SparseRow<number>;

const bondTo = (output: EpochOutput, i: number, j: number): number => new Map(output.bonds[i]).get(j) ?? 0;
const rao = (output: EpochOutput): number[] => output.emission.map(Number);

describe('test_active_stake', () => {
  const half: Row = [[2, 32767], [3, 32767]];
  const base = subnet([1, 1, 1, 1], { lastUpdate: [1, 1, 0, 0], blockAtRegistration: [0, 0, 0, 0], weights: [half, half, [], []] });
  const first = runEpoch(base);
  const second = runEpoch({ ...base, block: 5002, lastTempo: 5001, lastUpdate: [5002, 1, 0, 0], bonds: first.bonds });
  const third = runEpoch({ ...base, block: 5003, lastTempo: 5002, lastUpdate: [5002, 5002, 0, 0], bonds: second.bonds });

  it('pays two equal validators the same', () => {
    expect(first.dividends.slice(0, 2)).toEqual([32767, 32767]);
    expect(rao(first)).toEqual([250_000_000, 250_000_000, 250_000_000, 250_000_000]);
    expect([bondTo(first, 0, 2), bondTo(first, 1, 3)]).toEqual([65535, 65535]);
  });

  it('lets the bonds of an inactive one fade', () => {
    expect(second.active).toEqual([true, false, false, false]);
    expect(second.dividends.slice(0, 2)).toEqual([36044, 29490]);
    expect(rao(second)).toEqual([274_999_999, 224_999_999, 250_000_000, 250_000_000]);
    expect([bondTo(second, 0, 2), bondTo(second, 1, 2)]).toEqual([65535, 53619]);
  });

  it('lets them come back with it', () => {
    expect(third.dividends.slice(0, 2)).toEqual([35716, 29818]);
    expect(rao(third)).toEqual([272_501_132, 227_498_866, 250_000_000, 250_000_000]);
    expect([bondTo(third, 0, 2), bondTo(third, 1, 2)]).toEqual([65535, 54712]);
  });
});

describe('test_bonds', () => {
  const all: Row = [[4, 16383], [5, 32767], [6, 49149], [7, 65535]];
  const self = (i: number): Row => [[i, 65535]];
  const rows: Row[][] = [
    [all, all, all, all],
    [self(0), all, all, all],
    [self(0), self(1), all, all],
    [self(0), self(1), self(2), all],
    ...Array.from({ length: 4 }, (): Row[] => [self(0), self(1), self(7), all]),
  ];
  const servers = [49_998_779, 100_000_610, 149_996_337, 200_004_272];
  const expected: { column: number; bonds: number[]; validators: number[]; miners: number[] }[] = [
    { column: 4, bonds: [16383, 32767, 49151, 65535], validators: [49_999_998, 99_999_999, 150_000_000, 200_000_001], miners: servers },
    { column: 4, bonds: [14582, 32767, 49151, 65535], validators: [44_998_351, 101_110_561, 151_667_215, 202_223_870], miners: servers },
    { column: 4, bonds: [12603, 28321, 49151, 65535], validators: [40_496_805, 90_999_783, 157_929_636, 210_573_773], miners: servers },
    { column: 7, bonds: [12602, 28320, 49150, 65535], validators: [99_999_999, 199_999_999, 299_999_999, 399_999_999], miners: [0, 0, 0, 0] },
    { column: 7, bonds: [10951, 24609, 49150, 65535], validators: [36_443_733, 81_898_628, 163_565_493, 218_092_144], miners: [0, 0, 0, 500_000_000] },
    { column: 7, bonds: [9559, 21482, 49150, 65535], validators: [32_799_427, 73_706_612, 168_638_129, 224_855_830], miners: [0, 0, 0, 500_000_000] },
    { column: 7, bonds: [8376, 18824, 49150, 65535], validators: [29_518_068, 66_336_137, 173_203_134, 230_942_659], miners: [0, 0, 0, 500_000_000] },
    { column: 7, bonds: [7363, 16549, 49150, 65535], validators: [26_565_175, 59_701_871, 177_311_856, 236_421_095], miners: [0, 0, 0, 500_000_000] },
  ];

  it('moves bonds and emission over eight epochs exactly', () => {
    let bonds: readonly Row[] = rows[0]!.concat(rows[0]!).map(() => []);
    expected.forEach(({ column, bonds: toColumn, validators, miners }, e) => {
      const block = e + 1;
      const output = runEpoch(subnet([1, 2, 3, 4, 0, 0, 0, 0], { block, lastTempo: block - 1, weights: [...rows[e]!, [], [], [], []], bonds }));
      expect([0, 1, 2, 3].map((i) => bondTo(output, i, column)), `bonds of epoch ${block}`).toEqual(toColumn);
      expect(rao(output), `emission of epoch ${block}`).toEqual([...validators, ...miners]);
      bonds = output.bonds;
    });
  });
});

describe('test_outdated_weights', () => {
  const [most, least] = maxUpscale([43690, 21845]);
  const row: Row = [[2, most!], [3, least!]];
  const base = subnet([1, 1, 1, 1], { weights: [row, row, [], []] });

  it('counts both votes while they are fresh', () => {
    expect(rao(runEpoch(base))).toEqual([250_000_000, 250_000_000, 333_331_637, 166_668_361]);
  });

  it('drops a vote older than the registration it points at', () => {
    const output = runEpoch({ ...base, block: 2, stake: [1n, 1n, 1n, 0n], lastUpdate: [2, 1, 1, 1], blockAtRegistration: [0, 0, 0, 1] });
    expect(output.dividends).toEqual([32767, 32767, 0, 0]);
    expect(output.incentive).toEqual([0, 0, 65535, 0]);
    expect(rao(output)).toEqual([250_000_000, 250_000_000, 500_000_000, 0]);
  });
});

describe('test_zero_weights', () => {
  it.each([
    ['no weights', {}],
    ['self weights', { weights: [[[0, 65535]], []] as Row[] }],
    ['outdated weights', { weights: [[[1, 65535]], []] as Row[], blockAtRegistration: [0, 1] }],
  ])('pays the only stake when there are %s', (_, change) => {
    expect(rao(runEpoch(subnet([1, 0], change)))).toEqual([1_000_000_000, 0]);
  });

  it('halves between validator and miner once a weight is valid', () => {
    expect(rao(runEpoch(subnet([1, 0], { weights: [[[1, 65535]], []] })))).toEqual([500_000_000, 500_000_000]);
  });

  it('shares by stake among self-weighting equals (test_10_graph)', () => {
    const weights = Array.from({ length: 10 }, (_, i): Row => [[i, 65535]]);
    const output = runEpoch(subnet(weights.map(() => 1), { weights }));
    expect(rao(output)).toEqual(weights.map(() => 99_999_999));
    expect([...output.consensus, ...output.incentive, ...output.dividends].every((x) => x === 0)).toBe(true);
  });
});

describe('the owner', () => {
  it('needs neither stake nor a permit where the runtime exempts it', () => {
    const input = subnet([5, 1], { stakeThreshold: 3n, validatorPermit: [true, false], maxAllowedValidators: 1, ownerUid: 1, weights: [[[1, 65535]], [[0, 65535]]] });
    expect(runEpoch(input).validatorPermit).toEqual([true, false]);
    const exempt = runEpoch({ ...input, ownerExempt: true });
    expect(exempt.validatorPermit).toEqual([true, true]);
    expect(exempt.stakeWeight[1]).toBeGreaterThan(0);
  });
});

describe('a weight that the published tests say nothing of', () => {
  const one: Row = [[2, 65535]];

  it('to itself counts for the owner alone', () => {
    const input = subnet([2, 1, 0], { weights: [[[0, 65535]], one, []] });
    expect(runEpoch(input).incentive).toEqual([0, 0, 0]);
    expect(runEpoch({ ...input, ownerUid: 0 }).incentive).toEqual([65535, 0, 0]);
  });

  it('is void to who came after its maker began to hide others', () => {
    const input = subnet([1, 1, 0, 0], { block: 200, lastUpdate: [150, 150, 0, 0], blockAtRegistration: [0, 0, 0, 100], weights: [[[2, 65535], [3, 65535]], [[2, 65535], [3, 65535]], [], []] });
    expect(runEpoch(input).incentive).toEqual([0, 0, 32767, 32767]);
    // hidden since before uid 3 came, since its block, and since after
    expect(runEpoch({ ...input, hiddenSince: [99, 99, null, null] }).incentive).toEqual([0, 0, 65535, 0]);
    expect(runEpoch({ ...input, hiddenSince: [100, 101, null, null] }).incentive).toEqual([0, 0, 32767, 32767]);
  });

  it('of a row of zeros is a cell: liquid alpha lets the bond on it fade, and not vanish', () => {
    const input = subnet([3, 1, 0], { lastTempo: 1, yuma3: true, liquidAlpha: true, bondsPenalty: 0, maxAllowedValidators: 2, weights: [one, [[2, 0]], []], bonds: [[], [[2, 60000]], []] });
    const bond = bondTo(runEpoch(input), 1, 2);
    expect(bond).toBeGreaterThan(5000);
    expect(bond).toBeLessThan(60000);
    expect(bondTo(runEpoch({ ...input, weights: [one, [], []] }), 1, 2)).toBe(0);
  });

  it('out of the order of uids is taken for 0 by liquid alpha, though it counts', () => {
    const sorted: Row = [[2, 65535], [3, 32767]];
    const input = (row: Row) => runEpoch(subnet([3, 1, 0, 0], { lastTempo: 1, yuma3: true, liquidAlpha: true, bondsPenalty: 0, maxAllowedValidators: 2, weights: [sorted, row, [], []], bonds: [[], [[2, 9000], [3, 9000]], [], []] }));
    const [inOrder, outOfOrder] = [input(sorted), input([sorted[1]!, sorted[0]!])];
    expect(outOfOrder.incentive).toEqual(inOrder.incentive);
    expect(bondTo(outOfOrder, 1, 3)).toBe(bondTo(inOrder, 1, 3));
    // its bond of .137 now seems far above the weight, so that it moves faster
    expect(bondTo(outOfOrder, 1, 2)).toBeGreaterThan(bondTo(inOrder, 1, 2));
  });

  it('to nobody, or a bond to nobody, is left out', () => {
    const input = subnet([1, 0], { lastTempo: 1, weights: [[[1, 65535], [7, 65535]], []], bonds: [[[7, 65535]], []] });
    expect(runEpoch(input).incentive).toEqual([0, 65535]);
  });
});

type Yuma3 = { stake: number[]; liquid: boolean; votes: string[]; at: Record<number, { dividends: number[]; bonds: [number, number][] }> };
const yuma3: Record<string, Yuma3> = {
  kappa_moves_first: {
    stake: [8, 1, 1],
    liquid: true,
    votes: ['333', '433', '443', '444', '444', '444'],
    at: {
      0: { dividends: [0.8, 0.1, 0.1], bonds: [[0.1013, 0], [0.1013, 0], [0.1013, 0]] },
      1: { dividends: [1, 0, 0], bonds: [[0.0908, 0.1013], [0.3697, 0], [0.3697, 0]] },
      2: { dividends: [0.9382, 0.0618, 0], bonds: [[0.0815, 0.1924], [0.317, 0.1013], [0.558, 0]] },
      3: { dividends: [0.8819, 0.0773, 0.0407], bonds: [[0.0731, 0.2742], [0.2765, 0.1924], [0.4306, 0.1013]] },
      5: { dividends: [0.8418, 0.0884, 0.0697], bonds: [[0.0588, 0.4139], [0.2157, 0.3478], [0.3089, 0.2742]] },
    },
  },
  kappa_moves_second: {
    stake: [8, 1, 1],
    liquid: true,
    votes: ['333', '343', '443', '444', '444', '444'],
    at: {
      1: { dividends: [0.8446, 0.0498, 0.1056], bonds: [[0.1924, 0], [0.0908, 0.2987], [0.1924, 0]] },
      2: { dividends: [0.6868, 0.3132, 0], bonds: [[0.1715, 0.1013], [0.0815, 0.3697], [0.4336, 0]] },
      5: { dividends: [0.773, 0.1508, 0.0762], bonds: [[0.1225, 0.3478], [0.0588, 0.5426], [0.2712, 0.2742]] },
    },
  },
  kappa_moves_last: {
    stake: [8, 1, 1],
    liquid: true,
    votes: ['333', '343', '344', '444', '444', '444'],
    at: {
      2: { dividends: [0.8966, 0.0333, 0.0701], bonds: [[0.2742, 0], [0.0815, 0.5081], [0.1715, 0.2987]] },
      3: { dividends: [0.4663, 0.321, 0.2127], bonds: [[0.2416, 0.1013], [0.0731, 0.558], [0.1531, 0.3697]] },
      5: { dividends: [0.6592, 0.1932, 0.1475], bonds: [[0.1903, 0.2742], [0.0588, 0.643], [0.1225, 0.491]] },
    },
  },
  one_epoch_switch: {
    stake: [33, 33, 34],
    liquid: true,
    votes: ['333', '333', '334', '333', '333', '333'],
    at: {
      1: { dividends: [0.33, 0.33, 0.34], bonds: [[0.1924, 0], [0.1924, 0], [0.1924, 0]] },
      2: { dividends: [0.3782, 0.3782, 0.2436], bonds: [[0.2742, 0], [0.2742, 0], [0.1715, 0.2987]] },
      5: { dividends: [0.3487, 0.3487, 0.3026], bonds: [[0.4733, 0], [0.4733, 0], [0.3987, 0.2051]] },
    },
  },
  liquid_alpha_disabled: {
    stake: [33, 33, 34],
    liquid: false,
    votes: ['333', '333', '334', '333', '333', '333'],
    at: {
      0: { dividends: [0.33, 0.33, 0.34], bonds: [[0.025, 0], [0.025, 0], [0.025, 0]] },
      2: { dividends: [0.3734, 0.3734, 0.2532], bonds: [[0.0731, 0], [0.0731, 0], [0.0481, 0.025]] },
      5: { dividends: [0.3495, 0.3495, 0.3009], bonds: [[0.1409, 0], [0.1409, 0], [0.1178, 0.0232]] },
    },
  },
};

describe('Yuma3', () => {
  it.each(Object.entries(yuma3))('%s', (_, { stake, liquid, votes, at }) => {
    const base = subnet([...stake, 0, 0], {
      yuma3: true,
      bondsPenalty: 0,
      bondsMovingAverage: 975_000,
      liquidAlpha: liquid,
      alphaLow: 6553,
      alphaHigh: 19660,
      maxAllowedValidators: 3,
    });
    let bonds = base.bonds;
    // a weight of 0 is a cell too: bonds survive on it
    votes.forEach((vote, e) => {
      const weights: Row[] = [...vote.split('').map((to): Row => [3, 4].map((j) => [j, j === Number(to) ? 65535 : 0])), [], []];
      const output = runEpoch({ ...base, block: e + 2, lastTempo: e + 1, lastUpdate: base.lastUpdate.map(() => e + 1), weights, bonds });
      bonds = output.bonds;
      // the table is rounded to four digits, and the originals are held to 1e-3
      const near = (xs: number[]): unknown[] => xs.map((x) => expect.closeTo(x, 3));
      if (!at[e]) return;
      expect(output.dividends.slice(0, 3).map((d) => d / 65535), `dividends of epoch ${e}`).toEqual(near(at[e].dividends));
      for (const column of [3, 4]) {
        const shares = [0, 1, 2].map((i) => bondTo(output, i, column) / 65535);
        expect(shares, `bonds to ${column} after epoch ${e}`).toEqual(near(at[e].bonds.map((pair) => pair[column - 3]!)));
      }
    });
  });
});
