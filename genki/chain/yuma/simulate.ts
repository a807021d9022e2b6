import { InvalidInput } from '../../errors.ts';
import { maxUpscale } from './max-upscale.ts';
import { runMechanisms, type SubnetEpoch } from './mechanisms.ts';
import type { SparseRow } from './sparse.ts';
import type { EpochInput } from './yuma.ts';

/** Weights that a neuron is to set before the epoch. */
export type WeightsChange = {
  readonly uid: number;
  readonly mechanism: number;
  /** Of any size: the chain scales them to u16. */
  readonly weights: SparseRow<number>;
};

/** A neuron after an epoch; shares are u16, emission in rao. */
export type NeuronTerms = { readonly /** by mechanism */ incentive: readonly number[]; readonly dividends: number; readonly consensus: number; readonly emission: bigint };

export type NeuronOutlook = {
  readonly uid: number;
  /** Without the change. */
  readonly before: NeuronTerms;
  readonly after: NeuronTerms;
  readonly permit: { readonly now: boolean; /** from the epoch on, with the change */ readonly next: boolean };
};

/**
 * What the next epoch gives each neuron, by uid, with its weights as they are and with changed ones.
 *
 * @param inputs of each mechanism, as `Chain.epochInput` reads them
 * @throws {InvalidInput} for weights of or to a uid that the subnet does not have, or of another mechanism
 */
export function simulateEpoch(inputs: readonly EpochInput[], changes: readonly WeightsChange[]): NeuronOutlook[] {
  const before = runMechanisms(inputs);
  const after = changes.length === 0 ? before : runMechanisms(changes.reduce(changed, inputs));
  const now = inputs[0]?.validatorPermit ?? [];
  return now.map((has, uid) => ({ uid, before: termsOf(before, uid), after: termsOf(after, uid), permit: { now: has, next: after.validatorPermit[uid]! } }));
}

function changed(inputs: readonly EpochInput[], { uid, mechanism, weights }: WeightsChange): readonly EpochInput[] {
  const input = inputs[mechanism];
  if (!input) throw new InvalidInput(`Expected a mechanism below ${inputs.length}, got ${mechanism}`);
  const n = input.stake.length;
  const strange = [uid, ...weights.map(([j]) => j)].find((j) => !Number.isInteger(j) || j < 0 || j >= n);
  if (strange !== undefined) throw new InvalidInput(`Expected uids below ${n}, got ${strange}`);
  if (new Set(weights.map(([j]) => j)).size !== weights.length) throw new InvalidInput('Expected a weight for each uid once');
  const values = maxUpscale(u16s(weights.map(([, weight]) => weight)));
  const row = weights.map(([j], at): readonly [number, number] => [j, values[at]!]);
  // set at the last moment: the epoch of a block runs before its extrinsics
  const lastUpdate = input.lastUpdate.with(uid, input.block - 1);
  return inputs.with(mechanism, { ...input, lastUpdate, weights: input.weights.with(uid, row) });
}

/** As `setWeights` would send them: the largest is 65535. */
function u16s(weights: readonly number[]): number[] {
  if (!weights.every((weight) => Number.isFinite(weight) && weight >= 0)) throw new InvalidInput('Expected weights that are finite and not below 0');
  const max = Math.max(0, ...weights);
  return max === 0 || weights.every((weight) => Number.isInteger(weight) && weight <= 65535) ? [...weights] : weights.map((weight) => Math.round((weight / max) * 65535));
}

const termsOf = ({ mechanisms, dividends, consensus, emission }: SubnetEpoch, uid: number): NeuronTerms => ({
  incentive: mechanisms.map(({ incentive }) => incentive[uid]!),
  dividends: dividends[uid]!,
  consensus: consensus[uid]!,
  emission: emission[uid]!,
});
