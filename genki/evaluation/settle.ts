import type { NextDama } from '../federation/next-dama.ts';
import { byCommit } from '../protocol/commit-order.ts';
import type { Carried } from '../incentive/epoch-scores.ts';
import type { Acceptance } from './acceptance.ts';
import { learnedLoss, lossByStyle, type Estimate, type HoldOut, type Losses } from './held-out.ts';
import type { RoundAnchors } from './round-anchors.ts';
import type { CoalitionValues, DamaLosses, Listening, MinerReport, RoundReport } from './round-report.ts';
import type { Similarity } from './similarity.ts';
import { weigh, type Recorded } from './weigh.ts';

/** A miner and its commit, before anything is said of it. */
export type Committed = Pick<MinerReport, 'hotkey' | 'registeredAt' | 'commitBlock' | 'commitIndex'>;

/** A miner that was not measured, and why. */
export type NotMeasured = Committed & Pick<MinerReport, 'verdict' | 'reason'>;

/** What was heard of the clips of those that were scored. */
export type HeardRound = {
  readonly anchors: RoundAnchors & { readonly embedder: string };
  /** Of each. */
  readonly clips: number;
  readonly quality: readonly Estimate[];
  /** Between the accepted, row by row below the diagonal. */
  readonly distances: readonly number[];
  /** Mean distance of each to the other accepted; null for who has no company. */
  readonly diversity: readonly (number | null)[];
};

/** All that a round measured. Indices are those of `scored`, which is in commit order. */
export type Measurements = {
  readonly scored: readonly (Committed & Pick<MinerReport, 'update'>)[];
  readonly notScored: readonly NotMeasured[];
  readonly compared: {
    /** To the closest earlier one: an index of this round, or the hotkey that the ledger names. */
    readonly similarities: readonly (Similarity & { readonly hotkey?: string })[];
    readonly duplicates: readonly { readonly index: number; readonly reason: string }[];
    readonly ledger: RoundReport['ledger'];
  };
  /** On part B: the base, and by style each submission alone as its miner made it. */
  readonly base: Losses;
  readonly alone: readonly Readonly<Record<string, number>>[];
  readonly holdOutB: HoldOut;
  readonly acceptance: Acceptance;
  /** Of the merges of the accepted, on part B. */
  readonly coalitions: CoalitionValues;
  /** Cosine of each update with the validator's descent direction; measured where the policy asks for it. */
  readonly agreements?: readonly number[] | undefined;
  /** Nothing where the competition does not listen. */
  readonly heard: HeardRound | undefined;
  /** On part C: the base and the merge, when somebody was accepted. */
  readonly merged: { readonly digest: string; readonly before: Losses; readonly after: Losses; readonly styles: readonly string[]; readonly next: NextDama } | undefined;
};

/** What the epochs before left to this one. */
export type RoundPast = { readonly scores: Carried | null; /** who earned most */ readonly leader: string | null; readonly ledger: RoundReport['ledger'] };

export type RoundFacts = Pick<RoundReport, 'netuid' | 'epoch' | 'competition' | 'snapshot' | 'seeds' | 'engine' | 'policy' | 'overTime' | 'base' | 'floors'> & { readonly past: RoundPast; readonly lastScale: number | null };

/**
 * The report of a round: from what was measured to who gets what, and why. Pure: whoever has the measurements gets the same.
 * Whom the round did not look at is not in it yet (`withUnmeasured`).
 */
export function settle({ past, lastScale, ...head }: RoundFacts, measured: Measurements): RoundReport {
  const { scored, acceptance, heard, compared } = measured;
  const waitingSince = head.snapshot.number;
  const recorded = recordOf({ past, ...head }, measured);
  const concluded = weigh(recorded);
  const lines = scored.map((miner, i): MinerReport => {
    const verdict = acceptance.verdicts.find(({ index }) => index === i);
    const copy = compared.duplicates.find(({ index }) => index === i);
    const { similarity: value, to, hotkey: named, by } = compared.similarities[i]!;
    const { quality, ...rest } = concluded.miners[i]!;
    return {
      ...miner,
      ...rest,
      verdict: copy ? 'copy' : verdict?.accepted ? 'accepted' : 'not-accepted',
      reason: copy?.reason ?? verdict?.reason ?? 'was not tried',
      losses: recorded.miners[i]!.losses,
      marginal: verdict?.marginal ?? null,
      overlap: recorded.miners[i]!.overlap,
      similarity: { value, to: named ?? (to === undefined ? null : scored[to]!.hotkey), by: by ?? 'update' },
      quality: heard && quality !== null ? { ...heard.quality[i]!, anchored: quality } : null,
      agreement: recorded.miners[i]!.agreement,
      waitingSince,
    };
  });
  const { coalitions, listening, distances, baseLosses, leader } = recorded;
  const report: RoundReport = {
    version: 2,
    ...head,
    baseLosses,
    miners: lines,
    acceptance: {
      accepted: acceptance.accepted.map((i) => scored[i]!.hotkey),
      scale: acceptance.scale,
      lastScale,
      gain: acceptance.gain,
      evaluations: acceptance.evaluations,
      residuals: Object.fromEntries(acceptance.accepted.flatMap((i) => (acceptance.residuals[i]!.length === 0 ? [] : [[scored[i]!.hotkey, acceptance.residuals[i]!.map(({ index, coefficient }) => ({ of: scored[index]!.hotkey, coefficient }))]]))),
      normFactors: Object.fromEntries(scored.map(({ hotkey }, i) => [hotkey, acceptance.factors[i]!])),
    },
    coalitions,
    listening,
    distances,
    scores: { before: past.scores, after: concluded.scores },
    leader,
    dama: damaOf(measured, { baseDigest: head.base.digest, learned: Object.keys(head.floors) }),
    ledger: compared.ledger,
  };
  return withUnmeasured(report, measured.notScored.map((miner) => ({ ...miner, waitingSince })));
}

/** What is recorded, before anything is concluded. */
function recordOf({ past, ...head }: Omit<RoundFacts, 'lastScale'>, { scored, compared, base, alone, holdOutB, acceptance, coalitions, agreements, heard }: Measurements): Recorded {
  return {
    ...head,
    baseLosses: lossByStyle(base, holdOutB.styles),
    coalitions,
    listening: heard ? listeningOf(heard) : null,
    distances: heard?.distances ?? [],
    leader: past.leader,
    accepted: acceptance.accepted,
    scores: past.scores,
    miners: scored.map(({ hotkey, registeredAt }, i) => ({
      hotkey,
      registeredAt,
      losses: finiteByStyle(alone[i]!),
      overlap: compared.duplicates.some(({ index }) => index === i) ? 1 : acceptance.overlaps[i]!,
      cosine: heard?.quality[i]!.mean ?? null,
      distance: heard?.diversity[i] ?? null,
      agreement: agreements?.[i] ?? null,
    })),
  };
}

const listeningOf = ({ anchors: { embedder, quality, diversity, alike }, clips }: HeardRound): Listening => ({ embedder, clips, quality, diversity, alike });

/** JSON has no infinite loss: a submission that breaks the model on some clip has none. */
const finiteByStyle = (losses: Readonly<Record<string, number>>): Readonly<Record<string, number>> | null => (Object.values(losses).every(Number.isFinite) ? losses : null);

/** The report with a line for miners that nothing was measured of. */
export function withUnmeasured(report: RoundReport, miners: readonly (NotMeasured & Pick<MinerReport, 'waitingSince'>)[]): RoundReport {
  const lines = miners.map((miner): MinerReport => ({ ...miner, update: null, losses: null, gain: null, marginal: null, contribution: null, similarity: null, overlap: null, quality: null, diversity: null, agreement: null, score: 0, weight: 0 }));
  return { ...report, miners: [...report.miners, ...lines].sort(byCommit) };
}

function damaOf({ merged, base, holdOutB }: Measurements, { baseDigest, learned }: { baseDigest: string; learned: readonly string[] }): RoundReport['dama'] {
  const describe = (digest: string, losses: Losses, styles: readonly string[]): DamaLosses => {
    const byStyle = lossByStyle(losses, styles);
    const mixture = learnedLoss(losses, { styles, floors: Object.fromEntries(learned.map((style) => [style, 0])), guards: [] });
    return { digest, byStyle, mixture: Number.isFinite(mixture) ? mixture : null };
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
