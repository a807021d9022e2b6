import { ONE, clamp, div, exp, fromInt, mul, proportion, type Fixed } from './fixed-point.ts';
import { mapCells, maxScaleColumns, normalizeColumns, zipRows, type SparseMatrix, type SparseRow } from './sparse.ts';

/** How validators' bonds to miners grow and fade. */
export type BondRules = {
  readonly yuma3: boolean;
  /** u16: 0 bonds on the weights as set, 65535 on the clipped ones. */
  readonly bondsPenalty: number;
  /** Parts in a million that last epoch's bonds keep. */
  readonly bondsMovingAverage: number;
  readonly liquidAlpha: boolean;
  /** u16 */
  readonly alphaLow: number;
  /** u16 */
  readonly alphaHigh: number;
  /** Hundredths. */
  readonly alphaSigmoidSteepness: number;
};

type Inputs = {
  readonly weights: SparseMatrix;
  readonly clipped: SparseMatrix;
  /** Stored u16 bonds, outdated cells already dropped. */
  readonly bonds: readonly SparseRow<number>[];
  readonly consensus: readonly Fixed[];
  readonly activeStake: readonly Fixed[];
};

/** Share of dividends that each cell earns, and the bonds to store, in I32F32; see `runEpoch` for the algorithm's source. */
export function moveBonds(inputs: Inputs, rules: BondRules): { claims: SparseMatrix; stored: SparseMatrix } {
  const votes = bondedWeights(inputs, rules);
  if (rules.yuma3) {
    const old = mapCells(inputs.bonds, (bond) => proportion(bond));
    const alphas = rules.liquidAlpha && inputs.consensus.some((c) => c !== 0n) ? liquidAlpha(votes, old, inputs.consensus, rules) : undefined;
    const moved = alphas ? votes.map((row, i) => liquidRow(row, old[i]!, alphas[i]!)) : average(votes, old, rules);
    return { claims: normalizeColumns(moved), stored: moved };
  }
  const old = normalizeColumns(mapCells(inputs.bonds, (bond) => fromInt(bond)));
  const delta = normalizeColumns(mapCells(votes, (w, i) => mul(inputs.activeStake[i]!, w)));
  const claims = normalizeColumns(average(delta, old, rules));
  return { claims, stored: maxScaleColumns(claims) };
}

function bondedWeights({ weights, clipped }: Inputs, { bondsPenalty }: BondRules): SparseMatrix {
  if (bondsPenalty === 65535) return clipped;
  if (bondsPenalty === 0) return weights;
  const penalty = proportion(bondsPenalty);
  return weights.map((row, i) => zipRows(row, clipped[i]!, (w, c) => w + mul(penalty, c - w)).filter(([, w]) => w > 0n));
}

/** I64F64 division, cut to I32F32. */
const keptShare = (bondsMovingAverage: number): Fixed => ((BigInt(bondsMovingAverage) << 64n) / 1_000_000n) >> 32n;

function average(fresh: SparseMatrix, old: SparseMatrix, { bondsMovingAverage }: BondRules): SparseMatrix {
  const alpha = ONE - keptShare(bondsMovingAverage);
  return fresh.map((row, i) => zipRows(row, old[i]!, (x, y) => mul(alpha, x) + mul(ONE - alpha, y)).filter(([, b]) => b > 0n));
}

/** Only cells with a vote survive, and none exceeds 1. */
function liquidRow(votes: SparseRow<Fixed>, old: SparseRow<Fixed>, alphas: ReadonlyMap<number, Fixed>): SparseRow<Fixed> {
  const bonds = new Map(old);
  return votes.flatMap(([j, vote]) => {
    const alpha = alphas.get(j)!;
    const bond = clamp(mul(ONE - alpha, bonds.get(j) ?? 0n) + mul(alpha, vote), 0n, ONE);
    return bond > 0n ? [[j, bond] as const] : [];
  });
}

/** The moving average's rate per cell: a sigmoid of how far the vote left consensus or the bond left the vote. */
function liquidAlpha(votes: SparseMatrix, old: SparseMatrix, consensus: readonly Fixed[], rules: BondRules): ReadonlyMap<number, Fixed>[] {
  const low = proportion(rules.alphaLow);
  const high = proportion(rules.alphaHigh);
  const steepness = div(fromInt(rules.alphaSigmoidSteepness), fromInt(100));
  const reach = fromInt(20);
  return votes.map((row, i) => {
    const seenVotes = inStep(row);
    const seenBonds = inStep(old[i]!);
    return new Map(
      row.map(([j]) => {
        const [w, b] = [seenVotes.get(j) ?? 0n, seenBonds.get(j) ?? 0n];
        const distance = clamp(w >= b ? w - consensus[j]! : b - w, 0n, ONE);
        const exponent = clamp(mul(-steepness, distance - ONE / 2n), -reach, reach);
        const sigmoid = div(ONE, ONE + exp(exponent));
        return [j, clamp(low + mul(sigmoid, high - low), low, high)] as const;
      }),
    );
  });
}

/** Of a row out of order the runtime, which walks along columns and row together, sees only what no later column precedes. */
function inStep(row: SparseRow<Fixed>): ReadonlyMap<number, Fixed> {
  const seen = new Map<number, Fixed>();
  let reached = -1;
  for (const [j, value] of row) {
    if (j <= reached) continue;
    seen.set(j, value);
    reached = j;
  }
  return seen;
}
