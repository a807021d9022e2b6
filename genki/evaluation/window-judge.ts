import type { Engine } from '../engine/engine.ts';
import { faultOf, InvalidInput, NewerSchema } from '../errors.ts';
import { type Layout, normOf, unflatten } from '../federation/layout.ts';
import { medianNorm, type NormBounds } from '../federation/norm-clip.ts';
import type { Clip } from '../music/clip.ts';
import type { LanguageConfig } from '../music/config.ts';
import { gradientOf } from '../music/gradient.ts';
import type { Scorer } from '../music/scorer.ts';
import { flatAgreement } from './agreement.ts';
import { unmeasured, type WindowScore, windowScore } from './window-score.ts';

/** The model that a window's peers trained from, and what computes with it. */
export type WindowBase = { readonly engine: Engine; readonly music: LanguageConfig; readonly scorer: Scorer; readonly layout: Layout; readonly weights: Float32Array };

/** A peer of a window. */
export type Peer = {
  readonly hotkey: string;
  /** Its update as it was sent, decoded; read twice, so that not all are held at once. */
  readonly update: () => Promise<Float32Array>;
  /** Clips of the pages that it was assigned; null without pages. */
  readonly own: readonly Clip[] | null;
};

export type Judging = {
  readonly peers: readonly Peer[];
  /** Clips that nobody could train on, of the pages' styles. */
  readonly holdout: readonly Clip[];
  readonly norm: NormBounds;
  /** Told after each measurement; false: stop. */
  readonly goOn: () => Promise<boolean>;
};

/**
 * What each peer's update does alone, added to the window's base at the length of all: the median of their norms. How long
 * somebody made it says nothing; the mean of the others, each at that length, is what it is held against. One of the others
 * who trains on this peer's pages takes 1 / (n − 1) from its gap, and shows none on its own.
 * @returns in the order of the peers; undefined when it was stopped
 * @throws {InvalidInput} when a set of clips has fewer than two
 */
export async function judgeWindow(base: WindowBase, judging: Judging): Promise<WindowScore[] | undefined> {
  if (judging.holdout.length < 2) throw new InvalidInput(`Expected at least 2 holdout clips, got ${judging.holdout.length}`);
  const read = await readAll(base, judging);
  const before = await lossesOf(base, base.weights, judging.holdout);
  const scores: WindowScore[] = [];
  for (const [i, peer] of judging.peers.entries()) {
    if (!(await judging.goOn())) return undefined;
    const unread = read.faults[i];
    scores.push(unread === undefined ? await scoreOf(base, peer, { ...read, holdout: judging.holdout, before }) : unmeasured(peer.hotkey, unread));
  }
  return scores;
}

type Read = {
  /** Why an update could not be read. */
  readonly faults: readonly (string | undefined)[];
  readonly length: number;
  /** Sum of the updates that could be, each of norm 1. */
  readonly sum: Float64Array;
  readonly count: number;
};

async function readAll({ layout }: WindowBase, { peers, norm }: Judging): Promise<Read> {
  const sum = new Float64Array(layout.size);
  const norms: number[] = [];
  const faults: (string | undefined)[] = [];
  for (const { update } of peers) {
    try {
      const values = await update();
      const length = normOf(values);
      norms.push(length);
      for (let i = 0; i < sum.length; i++) sum[i]! += unitOf(values[i]!, length);
      faults.push(undefined);
    } catch (error) {
      if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
      faults.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { faults, length: medianNorm(norms, norm), sum, count: norms.length };
}

/** Of an update that is nothing, nothing. */
const unitOf = (value: number, norm: number): number => (norm > 0 ? value / norm : 0);

async function scoreOf(base: WindowBase, { hotkey, update, own }: Peer, { length, sum, count, holdout, before }: Read & { readonly holdout: readonly Clip[]; readonly before: readonly number[] }): Promise<WindowScore> {
  const { engine, music, layout, weights } = base;
  const values = await update();
  const norm = normOf(values);
  const clips = [...(own ?? []), ...holdout];
  const after = await lossesOf(base, weights.map((weight, i) => weight + length * unitOf(values[i]!, norm)), clips);
  const others = count > 1 && own !== null ? await lossesOf(base, weights.map((weight, i) => weight + (length * (sum[i]! - unitOf(values[i]!, norm))) / (count - 1)), clips) : null;
  // what others sent is not this peer's fault
  const reference = others?.every(Number.isFinite) ? others : null;
  const gradient = await gradientOf(engine, music, { weights: unflatten(layout, weights), clips: own ?? holdout });
  const split = own?.length ?? 0;
  return windowScore({
    hotkey,
    agreement: flatAgreement(layout, values, gradient),
    own: own && { before: await lossesOf(base, weights, own), after: after.slice(0, split), reference: reference && reference.slice(0, split) },
    holdout: { before, after: after.slice(split), reference: reference && reference.slice(split) },
  });
}

async function lossesOf({ scorer, layout }: WindowBase, weights: Float32Array, clips: readonly Clip[]): Promise<number[]> {
  scorer.load(unflatten(layout, weights));
  return [...(await scorer.losses(clips))];
}
