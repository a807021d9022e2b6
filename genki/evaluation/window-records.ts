import type { Hotkey } from '../chain/chain.ts';
import { InvalidInput } from '../errors.ts';
import type { Measurement } from '../incentive/policy.ts';
import { errorsOf, type Verdict, type WindowScore } from './window-score.ts';

/** Scores of one window; a peer is a hotkey since one registration. */
export type ScoredWindow = { readonly window: number; readonly scores: readonly (WindowScore & { readonly registeredAt: number })[] };

/** What a peer's windows show together. */
export type PeerRecord = {
  readonly hotkey: Hotkey;
  readonly registeredAt: number;
  /** Moving average of the cosines, in [−1, 1]; 0 where none was measured. */
  readonly agreement: number;
  /** Moving average of the gap, in standard errors of one window; null where it has had no pages. */
  readonly proof: number | null;
  /** The same of the gain on holdout music. */
  readonly holdout: number | null;
  /** In which it was measured. */
  readonly windows: number;
  /** In how many of the newest ten windows, of those since it first appeared, in [0, 1]. */
  readonly present: number;
  readonly verdict: Verdict;
  readonly reason: string;
};

export type RecordTerms = {
  /** Part of the newest window in a moving average, in (0, 1]; of the first few their mean. */
  readonly rate: number;
  /** Standard errors of a moving average that are no chance any more. */
  readonly sure: number;
  /** What a peer's proof must be at least, as a part of the median of those whose proof is no chance. */
  readonly share: number;
};

/**
 * From windows 2 to 8 of `ruby-nano` with top-k and error feedback, the gap in standard errors of one window, 16 own clips
 * and 40 of the holdout: honest 3.6 ± .9 (35 of them), two steps of ten 1.2 ± 1.1, another's pages −.4 ± .7, the last update
 * again −.2 ± .9, a mixture of the others' last −.7 ± .8. The average of ten has a third of the spread: .6 of the honest
 * median lies four spreads below it and two to three above the 1.2. The cosine separates nobody but who goes the other way:
 * .087, .082, .068, .067 and .073 in that order, each ± .01.
 */
const TERMS: RecordTerms = { rate: 0.1, sure: 3, share: 0.6 };

/** Whoever is not measured in so many windows any more earns nothing (protocol §4). */
const PRESENT_WINDOWS = 10;

/** One window says so much at most: a loss that is not finite may not outweigh all others for ever. */
const MOST_ERRORS = 10;

/**
 * What the windows of an epoch show of each peer, by moving averages per hotkey and registration (protocol §4). A window
 * in which a peer was not measured leaves its averages as they are; who registers anew starts anew.
 *
 * @param history oldest first
 * @returns in the order in which peers first appear
 * @throws {InvalidInput} when a window comes twice or out of order, or a peer twice in one window
 */
export function windowScores(history: readonly ScoredWindow[], terms: Partial<RecordTerms> = {}): PeerRecord[] {
  const { rate, sure, share } = { ...TERMS, ...terms };
  if (!(rate > 0 && rate <= 1)) throw new RangeError(`Expected a rate in (0, 1], got ${rate}`);
  const peers = averagesOf(history, rate);
  const proven = peers.flatMap(({ proof }) => (proof.certainty > sure ? [proof.mean] : [])).sort((a, b) => a - b);
  const least = share * (proven[proven.length >> 1] ?? 0);
  return peers.map(({ hotkey, registeredAt, agreement, proof, holdout }) => ({
    hotkey,
    registeredAt,
    agreement: agreement.mean,
    proof: proof.windows === 0 ? null : proof.mean,
    holdout: holdout.windows === 0 ? null : holdout.mean,
    windows: holdout.windows,
    present: presentIn(history, { hotkey, registeredAt }),
    ...verdictOf({ proof, holdout }, { sure, least }),
  }));
}

function presentIn(history: readonly ScoredWindow[], { hotkey, registeredAt }: Pick<PeerRecord, 'hotkey' | 'registeredAt'>): number {
  const measured = history.map(({ scores }) => scores.some((one) => one.hotkey === hotkey && one.registeredAt === registeredAt && one.holdout !== null));
  const newest = measured.slice(Math.max(measured.indexOf(true), measured.length - PRESENT_WINDOWS, 0));
  return newest.filter(Boolean).length / Math.max(1, newest.length);
}

/** What the policy `gradient-agreement` pays from: only sound peers are accepted, for the windows in which they took part. */
export const measurementsOf = (records: readonly PeerRecord[]): Measurement[] => records.map(({ verdict, agreement, present }) => ({ accepted: verdict === 'sound', agreement: present * agreement }));

function verdictOf({ proof, holdout }: { proof: Average; holdout: Average }, { sure, least }: { sure: number; least: number }): Pick<PeerRecord, 'verdict' | 'reason'> {
  const errors = (average: Average): string => `${average.mean.toFixed(1)} standard errors a window over ${average.windows}`;
  if (holdout.windows === 0) return { verdict: 'unmeasured', reason: 'no update of it could be read' };
  if (holdout.certainty < -sure) return { verdict: 'harmful', reason: `makes holdout music worse: ${errors(holdout)}` };
  if (proof.windows === 0) {
    const gains = `has no pages to prove work by; on holdout music it gains ${errors(holdout)}`;
    return holdout.certainty > sure ? { verdict: 'sound', reason: gains } : { verdict: 'lazy', reason: `${gains}, which is none` };
  }
  if (proof.certainty <= sure) return { verdict: 'lazy', reason: `its own pages show no work: ${errors(proof)}` };
  if (proof.mean < least) return { verdict: 'lazy', reason: `its own pages show less work than the others': ${errors(proof)}, expected ${least.toFixed(1)}` };
  return { verdict: 'sound', reason: `its own pages show its work: ${errors(proof)}` };
}

/** A moving average of values whose error is 1 each. */
class Average {
  mean = 0;
  windows = 0;
  /** Sum of the squared weights: the mean's variance. */
  #variance = 0;

  add(value: number, rate: number): void {
    this.windows++;
    const part = Math.max(rate, 1 / this.windows);
    this.mean += part * (value - this.mean);
    this.#variance = (1 - part) ** 2 * this.#variance + part ** 2;
  }

  /** The mean in standard errors of its own. */
  get certainty(): number {
    return this.windows === 0 ? 0 : this.mean / Math.sqrt(this.#variance);
  }
}

type Averages = { readonly hotkey: Hotkey; readonly registeredAt: number; readonly agreement: Average; readonly proof: Average; readonly holdout: Average };

function averagesOf(history: readonly ScoredWindow[], rate: number): Averages[] {
  const peers = new Map<string, Averages>();
  history.forEach(({ window, scores }, i) => {
    const last = history[i - 1]?.window ?? -Infinity;
    if (window <= last) throw new InvalidInput(`Expected windows in order, got ${window} after ${last}`);
    const seen = new Set<string>();
    for (const { hotkey, registeredAt, agreement, gap, holdout } of scores) {
      if (seen.has(hotkey)) throw new InvalidInput(`Expected each peer once in window ${window}, got ${hotkey} twice`);
      seen.add(hotkey);
      const key = JSON.stringify([hotkey, registeredAt]);
      const averages = peers.get(key) ?? { hotkey, registeredAt, agreement: new Average(), proof: new Average(), holdout: new Average() };
      peers.set(key, averages);
      if (agreement !== null) averages.agreement.add(Number.isFinite(agreement) ? agreement : 0, rate);
      if (gap !== null) averages.proof.add(bounded(errorsOf(gap)), rate);
      if (holdout !== null) averages.holdout.add(bounded(errorsOf(holdout)), rate);
    }
  });
  return [...peers.values()];
}

const bounded = (errors: number): number => (Number.isNaN(errors) ? -MOST_ERRORS : Math.min(MOST_ERRORS, Math.max(-MOST_ERRORS, errors)));
