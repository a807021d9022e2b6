import type { NextDama } from '../federation/next-dama.ts';
import { policyNamed } from '../incentive/policies.ts';
import type { Measurement } from '../incentive/policy.ts';
import { byCommit } from '../protocol/commit-order.ts';
import type { Acceptance } from './acceptance.ts';
import type { Duplicate } from './duplicates.ts';
import { learnedLoss, lossByStyle, pairedGain, type HoldOut, type Losses } from './held-out.ts';
import { relativeGain } from './relative-gain.ts';
import type { DamaLosses, MinerReport, RoundReport } from './round-report.ts';
import { shapley } from './shapley.ts';
import type { Similarity } from './similarity.ts';

/** A miner and its commit, before anything is said of it. */
export type Committed = Pick<MinerReport, 'hotkey' | 'registeredAt' | 'commitBlock' | 'commitIndex'>;

/** A miner that was not measured, and why. */
export type NotMeasured = Committed & Pick<MinerReport, 'verdict' | 'reason'>;

/** All that a round measured. Indices are those of `scored`, which is in commit order. */
export type Measurements = {
  readonly scored: readonly Committed[];
  readonly notScored: readonly NotMeasured[];
  readonly similarities: readonly Similarity[];
  readonly duplicates: readonly Duplicate[];
  readonly factors: readonly number[];
  /** On part B: the base, and each submission alone as its miner made it. */
  readonly base: Losses;
  readonly alone: readonly Losses[];
  readonly holdOutB: HoldOut;
  readonly acceptance: Acceptance;
  /** On part B, by bit mask over `acceptance.accepted`. */
  readonly coalitions: readonly Losses[];
  /** On part C: the base and the merge, when somebody was accepted. */
  readonly merged: { readonly digest: string; readonly before: Losses; readonly after: Losses; readonly styles: readonly string[]; readonly next: NextDama } | undefined;
};

export type RoundFacts = Pick<RoundReport, 'netuid' | 'epoch' | 'competition' | 'snapshot' | 'seeds' | 'engine' | 'policy'> & { readonly baseDigest: string; readonly learned: readonly string[] };

/**
 * The report of a round: from what was measured to who gets what, and why. Pure: whoever has the measurements gets the same.
 * Whom the round did not look at is not in it yet (`withUnmeasured`).
 */
export function settle(facts: RoundFacts, measured: Measurements): RoundReport {
  const { scored, acceptance, base, alone, holdOutB, coalitions } = measured;
  const { baseDigest, learned, ...head } = facts;
  const values = coalitions.map((losses) => relativeGain(base, losses, holdOutB));
  const credit = acceptance.accepted.length === 0 ? [] : shapley(values, acceptance.accepted.length);
  const contributions = new Map(acceptance.accepted.map((index, i) => [index, credit[i]!]));
  const waitingSince = facts.snapshot.number;
  const gains = alone.map((losses) => pairedGain(base, losses, holdOutB).mean);
  const weights = policyNamed(facts.policy.name)(
    scored.map((_, i): Measurement => ({ accepted: contributions.has(i), deltaLoss: gains[i], contribution: contributions.get(i), similarity: measured.similarities[i]!.similarity })),
    facts.policy.parameters,
  );
  const lines = scored.map((miner, i): MinerReport => {
    const verdict = acceptance.verdicts.find(({ index }) => index === i);
    const copy = measured.duplicates.find(({ index }) => index === i);
    const { similarity, to } = measured.similarities[i]!;
    return {
      ...miner,
      verdict: copy ? 'copy' : verdict?.accepted ? 'accepted' : 'not-accepted',
      reason: copy?.reason ?? verdict?.reason ?? 'was not tried',
      gain: Number.isFinite(gains[i]) ? { natsPerCode: gains[i]!, relative: relativeGain(base, alone[i]!, holdOutB) } : null,
      marginal: verdict?.marginal ?? null,
      contribution: contributions.get(i) ?? null,
      similarity: { value: similarity, to: to === undefined ? null : scored[to]!.hotkey },
      weight: weights[i]!,
      waitingSince,
    };
  });
  const report: RoundReport = {
    version: 1,
    ...head,
    miners: lines,
    acceptance: {
      accepted: acceptance.accepted.map((i) => scored[i]!.hotkey),
      scale: acceptance.scale,
      gain: acceptance.gain,
      evaluations: acceptance.evaluations,
      normFactors: Object.fromEntries(scored.map(({ hotkey }, i) => [hotkey, measured.factors[i]!])),
    },
    coalitions: values,
    dama: damaOf(measured, { baseDigest, learned }),
  };
  return withUnmeasured(report, measured.notScored.map((miner) => ({ ...miner, waitingSince })));
}

/** The report with a line for miners that nothing was measured of. */
export function withUnmeasured(report: RoundReport, miners: readonly (NotMeasured & Pick<MinerReport, 'waitingSince'>)[]): RoundReport {
  const lines = miners.map((miner): MinerReport => ({ ...miner, gain: null, marginal: null, contribution: null, similarity: null, weight: 0 }));
  return { ...report, miners: [...report.miners, ...lines].sort(byCommit) };
}

function damaOf({ merged, base, holdOutB }: Measurements, { baseDigest, learned }: { baseDigest: string; learned: readonly string[] }): RoundReport['dama'] {
  const describe = (digest: string, losses: Losses, styles: readonly string[]): DamaLosses => {
    const byStyle = lossByStyle(losses, styles);
    return { digest, byStyle, mixture: learnedLoss(losses, { styles, floors: Object.fromEntries(learned.map((style) => [style, 0])), guards: [] }) };
  };
  if (!merged) {
    return { before: describe(baseDigest, base, holdOutB.styles), merged: null, next: baseDigest, published: false, reason: 'nobody was accepted: the Dama stays as it is' };
  }
  const { next, styles } = merged;
  return {
    before: describe(baseDigest, merged.before, styles),
    merged: describe(merged.digest, merged.after, styles),
    next: next.publish ? merged.digest : baseDigest,
    published: next.publish,
    reason: next.reason,
  };
}
