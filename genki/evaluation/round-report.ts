import { byCommit } from '../protocol/commit-order.ts';
import type { Carried, OverTime } from '../incentive/epoch-scores.ts';
import type { LedgerRef } from '../protocol/first-seen.ts';
import type { Dama } from '../protocol/dama.ts';
import type { Anchors } from './anchors.ts';
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
  /** What was evaluated: the sha256 (hex) and size of its file, as the validator keeps it, and the digest of its content. */
  readonly update: { readonly sha256: string; readonly bytes: number; readonly digest: string } | null;
  /** Held-out losses of the submission alone on part B: style -> nats per code. */
  readonly losses: Readonly<Record<string, number>> | null;
  /** What it gains alone on part B, from `losses`. */
  readonly gain: { readonly natsPerCode: number; readonly relative: number } | null;
  /** What it adds on top of the accepted others on part A: a part of what can be learned. */
  readonly marginal: Estimate | null;
  /** Shapley value of the relative gain on part B; its standard error is 0 where all coalitions were measured. */
  readonly contribution: Estimate | null;
  /** To the closest of what came earlier, whose that is, and what it was told by. */
  readonly similarity: { readonly value: number; readonly to: string | null; readonly by: SimilarityKind } | null;
  /** Correlation of its update with those of the accepted before it, in [0, 1]; 1 for a copy. What is not in it is its originality. */
  readonly overlap: number | null;
  /** How well its clips fit their captions: mean cosine over the prompts; `anchored` between noise, 0, and the data's own music, 1. */
  readonly quality: (Estimate & { readonly anchored: number }) | null;
  /** Mean Fréchet audio distance of its clips to those of the other accepted; null for who has no company. `anchored` likewise. */
  readonly diversity: { readonly distance: number | null; readonly anchored: number } | null;
  /** Cosine of its update with the validator's own descent direction. */
  readonly agreement: number | null;
  /** Share of what the policy pays in this epoch. */
  readonly score: number;
  /** Share of this epoch's weight: the score, averaged over the epochs as the competition asks for. */
  readonly weight: number;
  /** Block since which it waits to be looked at: the snapshot, for one that this round looked at; null while there is nothing to look at. */
  readonly waitingSince: number | null;
};

/** By what a submission was found to be like an earlier one: the same content, in this round or ever; the direction of an update that the last round accepted, or of one of this round; the directions of several together; the sound of its clips. */
export type SimilarityKind = 'digest' | 'ledger' | 'past' | 'update' | 'span' | 'outputs';

/** What the clips of a round were heard with, and what its numbers are held against. */
export type Listening = {
  readonly embedder: string;
  /** Of each miner. */
  readonly clips: number;
  /** Mean cosine with the captions: of noise, and of the data's own music. */
  readonly quality: Anchors;
  /** Fréchet distance: 0, of the same clips, and of music of different styles. */
  readonly diversity: Anchors;
  /** Mean cosine of two independent pieces for one kind of prompt: from here on outputs count as alike. */
  readonly alike: number;
};

/** Relative gains on part B of merges of the accepted. */
export type CoalitionValues =
  /** All of them, by bit mask; bit i is `acceptance.accepted[i]`. */
  | { readonly kind: 'exact'; readonly values: readonly number[] }
  /** Those that the estimate asked for, in the order in which it did. */
  | { readonly kind: 'estimated'; readonly measured: readonly { readonly members: readonly number[]; readonly value: number }[]; readonly seed: string; readonly tolerance: number; readonly maxEvaluations: number; readonly permutations: number; readonly stoppedBy: string };

/** Mean held-out losses of a Dama on part C, nats per code. */
export type DamaLosses = {
  readonly digest: string;
  /** Mean over the learned styles; null where nobody was measured, and so nothing was. */
  readonly mixture: number | null;
  /** Learned and guarded styles. */
  readonly byStyle: Readonly<Record<string, number>>;
};

/**
 * A round as JSON: all that a third party needs to compute it again, and nothing that differs between two validators of
 * the same round; who signs it stands in the envelope around it.
 */
export type RoundReport = {
  readonly version: 2;
  readonly netuid: number;
  readonly epoch: number;
  readonly competition: { readonly id: string; readonly digest: string };
  /** The block that the round looks at the chain from. */
  readonly snapshot: { readonly number: number; readonly hash: string };
  /** Label -> seed of what was drawn by it. */
  readonly seeds: Readonly<Record<string, string>>;
  /** Engine, version and device. */
  readonly engine: string;
  /** The Dama that everything is measured from. */
  readonly base: Dama;
  /** Its held-out losses on part B: style -> nats per code. */
  readonly baseLosses: Readonly<Record<string, number>>;
  /** Style -> nats per code below which nothing is left to learn. */
  readonly floors: Readonly<Record<string, number>>;
  /** In commit order; miners without a commitment last, by hotkey. */
  readonly miners: readonly MinerReport[];
  readonly acceptance: {
    /** Hotkeys in commit order. */
    readonly accepted: readonly string[];
    readonly scale: number;
    /** The last round's, where the search for it began. */
    readonly lastScale: number | null;
    /** What the merge learned on part A: a part of what can be learned. */
    readonly gain: number;
    readonly evaluations: number;
    /** Hotkey -> what its update was multiplied by, so that all have the accepted ones' median norm. */
    readonly normFactors: Readonly<Record<string, number>>;
    /** Hotkey -> what its update has of accepted ones before it, and is merged and paid without; nothing for most. */
    readonly residuals: Readonly<Record<string, readonly { readonly of: string; readonly coefficient: number }[]>>;
  };
  readonly coalitions: CoalitionValues;
  /** Null where the competition does not listen. */
  readonly listening: Listening | null;
  /** Fréchet distances between the accepted, row by row below the diagonal: [1,0], [2,0], [2,1], … */
  readonly distances: readonly number[];
  readonly policy: { readonly name: string; readonly parameters: Readonly<Record<string, number>> };
  readonly overTime: OverTime;
  /** The scores that the epochs before left, and those that this one leaves. */
  readonly scores: { readonly before: Carried | null; readonly after: Carried };
  /** Who earned most in the epoch before. */
  readonly leader: string | null;
  readonly dama: {
    readonly before: DamaLosses;
    /** The merge of the accepted; null when nobody was accepted. */
    readonly merged: DamaLosses | null;
    /** Digest of the Dama that the validator stands for. */
    readonly next: string;
    readonly published: boolean;
    readonly reason: string;
  };
  /** Everything ever evaluated, by who was first: the head of its chain, and where its index lies. Null before the first entry. */
  readonly ledger: LedgerRef | null;
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
