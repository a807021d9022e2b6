import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SparseRow } from '../../../../genki/chain/yuma/sparse.ts';
import { runEpoch, type EpochInput, type EpochOutput } from '../../../../genki/chain/yuma/yuma.ts';

type Stored = Omit<EpochOutput, 'emission'>;
type Golden = {
  readonly name: string;
  readonly input: Omit<EpochInput, 'lastTempo' | 'hiddenSince' | 'stake' | 'stakeThreshold' | 'emission' | 'ownerExempt'> & {
    readonly tempo: number;
    readonly stakeRao: string[];
    readonly stakeThreshold: string;
  };
  readonly expected: Stored;
};
const { cases } = JSON.parse(readFileSync(new URL('../../../goldens/golden-epoch-vectors.json', import.meta.url), 'utf8')) as { cases: Golden[] };

const inputOf = ({ tempo, stakeRao, stakeThreshold, ...input }: Golden['input']): EpochInput => ({
  ...input,
  lastTempo: input.block - tempo,
  hiddenSince: stakeRao.map(() => null),
  stake: stakeRao.map(BigInt),
  stakeThreshold: BigInt(stakeThreshold),
  emission: 1_000_000_000n,
  ownerExempt: false,
});

const STORED = ['stakeWeight', 'validatorPermit', 'active', 'consensus', 'incentive', 'dividends', 'validatorTrust'] as const;

describe('an epoch of a real runtime (spec 293)', () => {
  it('has 30 cases', () => {
    expect(cases).toHaveLength(30);
  });

  it.each(cases)('is reproduced bit for bit: $name', ({ input, expected }) => {
    const output = runEpoch(inputOf(input));
    for (const field of STORED) expect(output[field], field).toEqual(expected[field]);
    // that runtime leaves a row alone when its uid held no permit before and holds none after
    const bonds: SparseRow<number>[] = output.bonds.map((row, i) => (input.validatorPermit[i] || output.validatorPermit[i] ? row : input.bonds[i]!));
    expect(bonds).toEqual(expected.bonds);
  });

  it.each(cases)('shares out at most the emission, short of a rao a neuron or two: $name', ({ input }) => {
    const { emission } = runEpoch(inputOf(input));
    const total = emission.reduce((sum, e) => sum + e, 0n);
    expect(total).toBeLessThanOrEqual(1_000_000_000n);
    expect(total).toBeGreaterThan(1_000_000_000n - 2n * BigInt(input.stakeRao.length));
  });
});
