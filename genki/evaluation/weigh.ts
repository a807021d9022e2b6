import { epochScores, type Carried } from '../incentive/epoch-scores.ts';
import { policyScores } from '../incentive/policies.ts';
import type { Measurement } from '../incentive/policy.ts';
import { anchored } from './anchors.ts';
import type { Estimate } from './held-out.ts';
import { meanRelativeGain } from './relative-gain.ts';
import type { CoalitionValues, MinerReport, RoundReport } from './round-report.ts';
import { shapley } from './shapley.ts';
import { replayShapley } from './shapley-estimate.ts';

/** What a round recorded of a miner that it scored, before anything is concluded from it. */
export type RecordedMiner = Pick<MinerReport, 'hotkey' | 'registeredAt' | 'losses' | 'agreement'> & {
  readonly overlap: number;
  /** Mean cosine of its clips with their captions. */
  readonly cosine: number | null;
  /** Mean Fréchet distance of its clips to those of the accepted. */
  readonly distance: number | null;
};

/** What a round recorded, before anything is concluded from it. */
export type Recorded = Pick<RoundReport, 'epoch' | 'competition' | 'baseLosses' | 'floors' | 'coalitions' | 'listening' | 'distances' | 'policy' | 'overTime' | 'leader'> & {
  /** Indices of `miners`, ascending. */
  readonly accepted: readonly number[];
  /** Those that were scored, in commit order. */
  readonly miners: readonly RecordedMiner[];
  /** What the epochs before left. */
  readonly scores: Carried | null;
};

/** What follows for one miner. */
export type Concluded = Pick<MinerReport, 'gain' | 'contribution' | 'diversity' | 'score' | 'weight'> & { /** Anchored. */ readonly quality: number | null };

/**
 * From what was measured to who gets what, and nothing else: whoever has a report computes the same.
 * @returns shape [miners], and the scores that this epoch leaves
 * @throws {InvalidInput} {RangeError} when the record contradicts itself
 */
export function weigh(recorded: Recorded): { readonly miners: readonly Concluded[]; readonly scores: Carried } {
  const { accepted, miners, listening, policy, epoch, competition, scores, overTime } = recorded;
  const contributions = new Map(contributionsOf(recorded.coalitions, accepted.length).map((value, i) => [accepted[i]!, value]));
  const diversities = listening ? diversitiesOf(recorded, listening) : [];
  const measured = miners.map((miner, i) => ({
    gain: gainOf(miner, recorded),
    contribution: contributions.get(i) ?? null,
    quality: listening && miner.cosine !== null ? anchored(miner.cosine, listening.quality) : null,
    diversity: diversities[i] ?? null,
  }));
  const paid = policyScores(policy, measured.map((one, i) => measurementOf(recorded, i, one)));
  const { weights, carried } = epochScores({ competition: competition.id, epoch, overTime, previous: scores ?? undefined, measured: miners.map(({ hotkey, registeredAt }, i) => ({ hotkey, registeredAt, score: paid[i]! })) });
  return { miners: measured.map((one, i) => ({ ...one, score: paid[i]!, weight: weights.get(miners[i]!.hotkey) ?? 0 })), scores: carried };
}

type Measured = Omit<Concluded, 'score' | 'weight'>;

function measurementOf({ accepted, miners, leader, floors }: Recorded, index: number, { gain, contribution, quality, diversity }: Measured): Measurement {
  const { hotkey, losses, overlap, cosine, agreement } = miners[index]!;
  return {
    accepted: accepted.includes(index),
    deltaLoss: gain?.natsPerCode,
    losses: losses ? Object.keys(floors).sort().map((style) => losses[style]!) : undefined,
    contribution: contribution?.mean,
    similarity: overlap,
    quality: quality ?? undefined,
    diversity: diversity?.anchored,
    cosine: cosine ?? undefined,
    distance: diversity?.distance ?? undefined,
    agreement: agreement ?? undefined,
    leader: hotkey === leader,
  };
}

function gainOf({ losses }: RecordedMiner, { baseLosses, floors }: Recorded): MinerReport['gain'] {
  if (!losses) return null;
  const styles = Object.keys(floors).sort(); // as a report has them: a sum's last bit depends on its order
  const natsPerCode = styles.reduce((sum, style) => sum + (baseLosses[style]! - losses[style]!), 0) / styles.length;
  return Number.isFinite(natsPerCode) ? { natsPerCode, relative: meanRelativeGain(baseLosses, losses, floors) } : null;
}

/** By the order of the accepted. */
function contributionsOf(coalitions: CoalitionValues, players: number): Estimate[] {
  if (players === 0) return [];
  if (coalitions.kind === 'exact') return shapley(coalitions.values, players).map((mean) => ({ mean, standardError: 0 }));
  const { values, standardErrors } = replayShapley(coalitions.measured, { players, ...coalitions });
  return values.map((mean, i) => ({ mean, standardError: standardErrors[i]! }));
}

/** The accepted ones' from the distances between them; of all others what was measured. Who has no company is as different as can be. */
function diversitiesOf({ accepted, distances, miners }: Recorded, { diversity: anchors }: NonNullable<RoundReport['listening']>): MinerReport['diversity'][] {
  const between = (i: number, j: number): number => (i > j ? distances[(i * (i - 1)) / 2 + j]! : distances[(j * (j - 1)) / 2 + i]!);
  return miners.map((miner, index) => {
    const player = accepted.indexOf(index);
    const others = accepted.map((_, other) => other).filter((other) => other !== player);
    if (others.length === 0) return { distance: null, anchored: 1 };
    const distance = player < 0 ? miner.distance : others.reduce((sum, other) => sum + between(player, other), 0) / others.length;
    return distance === null ? null : { distance, anchored: anchored(distance, anchors) };
  });
}
