import { moveBonds, type BondRules } from './bonds.ts';
import { consensusOf } from './consensus.ts';
import { div, fromInt, mul, normalize, proportion, shares, sum, toU16, type Fixed } from './fixed-point.ts';
import { mapCells, normalizeRows, type SparseMatrix, type SparseRow } from './sparse.ts';

/** One subnet just before its epoch; every vector is by uid, shape [n]. */
export type EpochInput = BondRules & {
  readonly block: number;
  /** Bonds to a uid registered at or after this block are dropped. */
  readonly lastTempo: number;
  /** Blocks without an update after which a validator stops counting. */
  readonly activityCutoff: number;
  /** Least stake that counts, in rao. */
  readonly stakeThreshold: bigint;
  readonly lastUpdate: readonly number[];
  readonly blockAtRegistration: readonly number[];
  /** Block of each uid's oldest commit of weights that can still be revealed; null where there is none, or nothing is hidden. */
  readonly hiddenSince: readonly (number | null)[];
  /** In rao; or in any finer unit, if the threshold is, too. */
  readonly stake: readonly bigint[];
  readonly validatorPermit: readonly boolean[];
  readonly maxAllowedValidators: number;
  /** u16 rows. */
  readonly weights: readonly SparseRow<number>[];
  /** u16 rows. */
  readonly bonds: readonly SparseRow<number>[];
  /** u16 */
  readonly kappa: number;
  /** May weight itself. */
  readonly ownerUid: number | null;
  /** The owner always has a permit and needs no stake (runtimes from 425 on). */
  readonly ownerExempt: boolean;
  /** To share out, in rao. */
  readonly emission: bigint;
};

/** What the epoch stores; shares are u16, emission in rao. */
export type EpochOutput = {
  readonly stakeWeight: number[];
  /** Valid from the next epoch on. */
  readonly validatorPermit: boolean[];
  readonly active: boolean[];
  readonly consensus: number[];
  readonly incentive: number[];
  readonly dividends: number[];
  readonly validatorTrust: number[];
  /** Rows of uids without a new permit are empty. */
  readonly bonds: SparseRow<number>[];
  readonly emission: bigint[];
};

/**
 * One Yuma epoch, bit for bit as subtensor's `epoch_mechanism` computes it (I32F32 throughout).
 *
 * @param input the subnet before the epoch, shapes [n]; rows as they are stored
 * @returns what the chain stores, shapes [n]
 */
export function runEpoch(input: EpochInput): EpochOutput {
  const n = input.stake.length;
  const isOwner = (i: number): boolean => input.ownerExempt && i === input.ownerUid;
  const active = input.lastUpdate.map((updated) => updated + input.activityCutoff >= input.block);
  const stake = shares(input.stake.map((s, i) => (s >= input.stakeThreshold || isOwner(i) ? s : 0n)));
  const permit = input.validatorPermit.map((has, i) => has || isOwner(i));
  const newPermit = topValidators(stake, input.maxAllowedValidators).map((has, i) => has || isOwner(i));
  const activeStake = normalize(stake.map((s, i) => (active[i] && permit[i] ? s : 0n)));

  const weights = validWeights(input, permit);
  const consensus = consensusOf(weights, activeStake, proportion(input.kappa));
  // a stored 0 on a column without consensus stays a cell: liquid alpha keeps bonds only where a cell is
  const clipped = mapCells(weights, (w, _, j) => (w <= consensus[j]! ? w : consensus[j] || undefined));
  const incentive = normalize(rankOf(clipped, activeStake));

  const outdated = (j: number): boolean => input.lastTempo <= input.blockAtRegistration[j]!;
  const oldBonds = input.bonds.map((row) => row.filter(([j]) => j < n && !outdated(j)));
  const { claims, stored } = moveBonds({ weights, clipped, bonds: oldBonds, consensus, activeStake }, input);
  const earned = claims.map((row, i) => {
    const claim = row.reduce((total, [j, b]) => total + mul(b, incentive[j]!), 0n);
    return input.yuma3 ? mul(claim, activeStake[i]!) : claim;
  });
  const dividends = normalize(earned);

  return {
    stakeWeight: stake.map(toU16),
    validatorPermit: newPermit,
    active,
    consensus: consensus.map(toU16),
    incentive: incentive.map(toU16),
    dividends: dividends.map(toU16),
    validatorTrust: clipped.map((row) => toU16(row.reduce((total, [, w]) => total + w, 0n))),
    bonds: Array.from({ length: n }, (_, i) => (newPermit[i] ? storedRow(stored[i]!) : [])),
    emission: shareOut(input.emission, incentive, dividends, sum(activeStake) > 0n ? activeStake : stake),
  };
}

/** The `k` largest non-zero stakes; of equal ones the higher uid wins. */
function topValidators(stake: readonly Fixed[], k: number): boolean[] {
  const ascending = stake.map((_, i) => i).sort((a, b) => (stake[a]! < stake[b]! ? -1 : stake[a]! > stake[b]! ? 1 : a - b));
  const top = new Set(ascending.slice(Math.max(0, stake.length - k)));
  return stake.map((s, i) => s > 0n && top.has(i));
}

/**
 * Rows of permitted validators, each summing to 1, without self weights and without weights older than their target, or
 * whose maker has hidden others since before the target came.
 */
const validWeights = ({ weights, stake, ownerUid, lastUpdate, blockAtRegistration, hiddenSince }: EpochInput, permit: readonly boolean[]): SparseMatrix =>
  normalizeRows(
    mapCells(weights, (w, i, j) => {
      const self = i === j && i !== ownerUid;
      const registeredAt = blockAtRegistration[j]!;
      const outdated = lastUpdate[i]! <= registeredAt || (hiddenSince[i] ?? registeredAt) < registeredAt;
      return !permit[i] || j >= stake.length || self || outdated ? undefined : fromInt(w);
    }),
  );

function rankOf(clipped: SparseMatrix, activeStake: readonly Fixed[]): Fixed[] {
  const rank = clipped.map(() => 0n);
  clipped.forEach((row, i) => {
    for (const [j, w] of row) rank[j]! += mul(activeStake[i]!, w);
  });
  return rank;
}

const storedRow = (row: SparseRow<Fixed>): SparseRow<number> =>
  row.flatMap(([j, bond]) => {
    const u16 = toU16(bond);
    return u16 > 0 ? [[j, u16] as const] : [];
  });

/** By incentive plus dividend; by stake when nobody earned anything. */
function shareOut(emission: bigint, incentive: readonly Fixed[], dividends: readonly Fixed[], stake: readonly Fixed[]): bigint[] {
  const total = sum(incentive) + sum(dividends);
  const share = incentive.map((x, i) => (total === 0n ? stake[i]! : div(x + dividends[i]!, total)));
  return share.map((x) => (x * emission) >> 32n);
}
