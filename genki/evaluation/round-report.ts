import { byCommit } from '../protocol/commit-order.ts';
import type { Estimate } from './held-out.ts';

/**
 * What became of a miner in a round. `rejected`: its fault; `unavailable`: not its fault; `not-accepted`: sound, but it
 * adds too little; `absent`: registered, with no commitment to evaluate.
 */
export type MinerVerdict = 'accepted' | 'copy' | 'not-accepted' | 'rejected' | 'unavailable' | 'absent';

/** One miner's line. Every key is always there, null where nothing was measured, so that two reports compare line by line. */
export type MinerReport = {
  readonly hotkey: string;
  /** Block of registration: a hotkey that registers anew is a new miner. */
  readonly registeredAt: number;
  readonly commitBlock: number | null;
  readonly commitIndex: number | null;
  readonly verdict: MinerVerdict;
  /** In words for a person: why. */
  readonly reason: string;
  /** Held-out gain of the submission alone on part B. */
  readonly gain: { readonly natsPerCode: number; readonly relative: number } | null;
  /** What it adds on top of the accepted others on part A: a part of what can be learned. */
  readonly marginal: Estimate | null;
  /** Shapley value of the relative gain on part B. */
  readonly contribution: number | null;
  /** To the closest earlier submission, and whose that is. */
  readonly similarity: { readonly value: number; readonly to: string | null } | null;
  /** Share of this epoch's weight. */
  readonly weight: number;
  /** Block since which it waits to be looked at: the snapshot, for one that this round looked at; null while there is nothing to look at. */
  readonly waitingSince: number | null;
};

/** Mean held-out losses of a Dama on part C, nats per code. */
export type DamaLosses = {
  readonly digest: string;
  /** Mean over the learned styles. */
  readonly mixture: number;
  /** Learned and guarded styles. */
  readonly byStyle: Readonly<Record<string, number>>;
};

/**
 * A round as JSON: all that a third party needs to compute it again, and nothing that differs between two validators of
 * the same round; who signs it stands in the envelope around it.
 */
export type RoundReport = {
  readonly version: 1;
  readonly netuid: number;
  readonly epoch: number;
  readonly competition: { readonly id: string; readonly digest: string };
  /** The block that the round looks at the chain from. */
  readonly snapshot: { readonly number: number; readonly hash: string };
  /** Label -> seed of what was drawn by it. */
  readonly seeds: Readonly<Record<string, string>>;
  /** Engine, version and device. */
  readonly engine: string;
  /** In commit order; miners without a commitment last, by hotkey. */
  readonly miners: readonly MinerReport[];
  readonly acceptance: {
    /** Hotkeys in commit order. */
    readonly accepted: readonly string[];
    readonly scale: number;
    /** What the merge learned on part A: a part of what can be learned. */
    readonly gain: number;
    readonly evaluations: number;
    /** Hotkey -> what its update was multiplied by, so that it is no longer than the median. */
    readonly normFactors: Readonly<Record<string, number>>;
  };
  /** Relative gain on part B by bit mask; bit i is `acceptance.accepted[i]`. */
  readonly coalitions: readonly number[];
  readonly policy: { readonly name: string; readonly parameters: Readonly<Record<string, number>> };
  readonly dama: {
    readonly before: DamaLosses;
    /** The merge of the accepted; null when nobody was accepted. */
    readonly merged: DamaLosses | null;
    /** Digest of the Dama that the validator stands for. */
    readonly next: string;
    readonly published: boolean;
    readonly reason: string;
  };
};

export type Ranked = MinerReport & { readonly rank: number };

/** The leaderboard: by weight, then by what was measured, then by who came first. Equal weights share a rank. */
export function leaderboard(miners: readonly MinerReport[]): Ranked[] {
  const sorted = [...miners].sort((a, b) => b.weight - a.weight || VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || byCommit(a, b));
  const ranks = new Map<number, number>();
  sorted.forEach(({ weight }, i) => ranks.has(weight) || ranks.set(weight, i + 1));
  return sorted.map((miner) => ({ ...miner, rank: ranks.get(miner.weight)! }));
}

const VERDICTS: readonly MinerVerdict[] = ['accepted', 'not-accepted', 'copy', 'rejected', 'unavailable', 'absent'];
