import { applyWindow, checkCounted, checkDigest, type SliceBlocks, type WindowTerms } from '../../genki/federation/window-model.ts';
import { stateDigest, type WindowState } from '../../genki/federation/window-state.ts';
import { BadSubmission, faultOf, ModelSpoiled } from '../../genki/errors.ts';
import { MAX_ENTRY_BYTES, readWindowEntry } from '../../genki/protocol/window-log.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { fromStranger } from '../from-stranger.ts';
import type { Job } from './job.ts';
import { keepState, loadState, readUpdate, type Base, type Shelf } from './window-models.ts';

/** An entry of the log, by its file's digest, which the log's chain vouches for; where slices travel, the blocks that chose them. */
export type AdvanceStep = { readonly window: number; readonly entry: ObjectRef; readonly blocks?: SliceBlocks };

export type AdvanceInput = Shelf & {
  readonly from: Base;
  /** Oldest first. */
  readonly steps: readonly AdvanceStep[];
  readonly terms: WindowTerms;
  /** Digest of the competition. */
  readonly competition: string;
};

/** A model that has gone on by some windows. */
export type AdvanceJob = { input: AdvanceInput; output: WindowState };

/**
 * Goes on from a model by entries of the log, each of which is all applied or none; where nothing changes, the same objects.
 * @throws {BadSubmission} naming the window at which the log and the model part
 * @throws {ModelSpoiled} when it is the model, not the log
 */
export const advanceJob: Job<AdvanceJob> =
  ({ store, cache }) =>
  async ({ from, steps, terms, competition, ...shelf }, control) => {
    const { loaded, layout, ...begun } = await loadState({ store, cache }, from).catch((error: unknown) => {
      if (!faultOf(error)) throw error;
      throw new ModelSpoiled(`Expected the model ${from.digest ?? from.dama.digest} to go on from, got: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    let { model, digest } = begun;
    for (const [done, { window, entry: ref, blocks }] of steps.entries()) {
      if (!(await control.progress({ windows: done, of: steps.length, window }))) return undefined;
      const entry = readWindowEntry(await fromStranger(store, from.dama.config, () => store.get(ref, { maxBytes: MAX_ENTRY_BYTES })));
      if (entry.window !== window) throw new BadSubmission(`Expected an entry of window ${window}, got one of ${entry.window}`);
      checkDigest(digest, entry.before, `before window ${window}`);
      const updates: Float32Array[] = [];
      for (const { hotkey, update, manifest } of entry.peers) updates.push(await fromStranger(store, from.dama.config, () => readUpdate(store, { hotkey, ref: update, manifest }, { terms, layout, blocks, competition })));
      checkCounted(entry.peers, updates, { norm: terms.norm, window });
      model = applyWindow(model, updates.map((update, i) => ({ update, factor: entry.peers[i]!.factor })), terms);
      if (updates.length > 0) digest = stateDigest(model.weights, model.momentum);
      checkDigest(digest, entry.after, `after window ${window}`);
    }
    // a leader's checkpoint is its leader's to delete
    if (model === begun.model && from.digest !== null && from.dama.weights.bucket === shelf.bucket) return { ...from, digest };
    return await keepState(store, { loaded, layout, model, digest }, { from, ...shelf });
  };
