import { runEpoch, type EpochInput, type EpochOutput } from './yuma.ts';

/** What an epoch stores of a subnet: incentives and bonds of each mechanism, everything else once. */
export type SubnetEpoch = Omit<EpochOutput, 'incentive' | 'bonds'> & {
  readonly mechanisms: readonly Pick<EpochOutput, 'incentive' | 'bonds'>[];
};

/**
 * One epoch of a subnet, bit for bit as subtensor's `epoch_with_mechanisms` computes it: each mechanism by itself, then
 * the sum of each term over them, weighted by the mechanism's share of the emission.
 *
 * @param inputs of each mechanism, `emission` as `splitEmission` gives it
 */
export function runMechanisms(inputs: readonly EpochInput[]): SubnetEpoch {
  const outputs = inputs.map(runEpoch);
  const total = inputs.reduce((sum, { emission }) => sum + emission, 0n);
  const shares = inputs.map(({ emission }, mechanism) => (total === 0n ? BigInt(mechanism === 0) << 64n : (emission << 64n) / total));
  const n = inputs[0]?.stake.length ?? 0;
  const weighted = (termOf: (output: EpochOutput, i: number) => bigint): bigint[] =>
    Array.from({ length: n }, (_, i) => outputs.reduce((sum, output, mechanism) => sum + ((termOf(output, i) * shares[mechanism]!) >> 64n), 0n));
  const share = (field: 'stakeWeight' | 'consensus' | 'dividends' | 'validatorTrust'): number[] => weighted((output, i) => BigInt(output[field][i]!)).map(Number);
  const any = (field: 'validatorPermit' | 'active'): boolean[] => Array.from({ length: n }, (_, i) => outputs.some((output) => output[field][i]!));
  return {
    stakeWeight: share('stakeWeight'),
    consensus: share('consensus'),
    dividends: share('dividends'),
    validatorTrust: share('validatorTrust'),
    validatorPermit: any('validatorPermit'),
    active: any('active'),
    emission: weighted((output, i) => output.emission[i]!),
    mechanisms: outputs.map(({ incentive, bonds }) => ({ incentive, bonds })),
  };
}

/**
 * The emission of each mechanism of a subnet.
 *
 * @param split u16 shares that add up to 65535; null: evenly
 * @returns `count` amounts that add up to `emission`: what rounding leaves goes to the first
 */
export function splitEmission(emission: bigint, split: readonly number[] | null, count: number): bigint[] {
  const parts = Array.from({ length: count }, (_, i) => (split ? (emission * BigInt(split[i] ?? 0)) / 65535n : emission / BigInt(count)));
  const rest = emission - parts.reduce((sum, part) => sum + part, 0n);
  return parts.map((part, i) => (i === 0 ? part + rest : part));
}
