import { BadSubmission } from '../errors.ts';
import type { Aggregation, Codec, Outer } from '../protocol/exchange.ts';
import { aggregate } from './aggregation/aggregate.ts';
import { clipFactors } from './aggregation/clip-to-median.ts';
import { outerStep, type OuterState } from './aggregation/outer-step.ts';
import { decodeSlice } from './compression/slice-file.ts';
import { decodeUpdate } from './compression/update-codec.ts';
import { normOf, type Layout } from './layout.ts';
import type { NormBounds } from './norm-clip.ts';

/** What a competition says of how updates are written, and of what they do. */
export type WindowTerms = { readonly codec: Codec; readonly aggregation: Aggregation; readonly outer: Outer; readonly norm: NormBounds };

/** The hash of the block that chooses a window's slices, and the seed of what of them is audited. */
export type SliceBlocks = { readonly blockHash: string; readonly auditSeed: string };

/** A file that a peer disclosed; of a slice the root that was signed before, and the blocks that came after. */
export type Disclosed = { readonly file: Uint8Array; readonly root?: string | undefined; readonly blocks?: SliceBlocks | undefined };

/** An update as it counts: its norm, and what it is multiplied by. */
export type Counted = { readonly norm: number; readonly factor: number };

/**
 * The update in a file from outside, [layout.size]: all of it or none, as every check comes before anything is added.
 * @throws {BadSubmission} naming what is expected
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function openUpdate({ file, root, blocks }: Disclosed, { codec, layout }: { readonly codec: Codec; readonly layout: Layout }): Float32Array {
  if (codec.kind !== 'slice') return decodeUpdate(codec, file, layout);
  if (root === undefined || !blocks) throw new BadSubmission('Expected the root of the update that a slice is of, got none');
  return decodeSlice(file, { root, ...blocks, layout, compression: codec.compression });
}

/** Norm and factor of each: none counts for longer than their median (protocol §2.10). */
export function countedOf(updates: readonly Float32Array[], bounds: NormBounds): Counted[] {
  const norms = updates.map(normOf);
  return clipFactors(norms, bounds).map((factor, i) => ({ norm: norms[i]!, factor }));
}

/**
 * The model after a window: outer step of the aggregate of the clipped updates. The same updates in the same order give every
 * node the same bytes; without any the model stays as it is.
 * @param updates in the log's order, each [layout.size]
 */
export function applyWindow(model: OuterState, updates: readonly { readonly update: Float32Array; readonly factor: number }[], { aggregation, outer }: Pick<WindowTerms, 'aggregation' | 'outer'>): OuterState {
  if (updates.length === 0) return model;
  return outerStep(outer, model, aggregate(aggregation, updates.map(clipped)));
}

function clipped({ update, factor }: { readonly update: Float32Array; readonly factor: number }): Float32Array {
  if (factor === 1) return update;
  const scaled = new Float32Array(update.length);
  for (let i = 0; i < scaled.length; i++) scaled[i] = factor * update[i]!;
  return scaled;
}

/** @throws {BadSubmission} when a model has another digest than the log says: here is where the two part */
export function checkDigest(digest: string, expected: string, where: string): void {
  if (digest !== expected) throw new BadSubmission(`Expected the model ${expected} ${where}, got ${digest}: a fork`);
}

/** @throws {BadSubmission} when an entry says other norms or factors of its updates than they have */
export function checkCounted(said: readonly Counted[], updates: readonly Float32Array[], { norm: bounds, window }: { readonly norm: NormBounds; readonly window: number }): void {
  countedOf(updates, bounds).forEach(({ norm, factor }, i) => {
    const claimed = said[i]!;
    if (claimed.norm !== norm || claimed.factor !== factor) throw new BadSubmission(`Expected an update of norm ${norm} times ${factor} in window ${window}, the entry says ${claimed.norm} times ${claimed.factor}`);
  });
}
