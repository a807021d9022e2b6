import { ApplicationFailure } from '@temporalio/activity';
import type { WindowState } from '../genki/federation/window-state.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { copyObject } from './copy-dama.ts';
import type { DeltaDeps, DeltaWindow } from './delta-window.ts';
import { fromStranger } from './from-stranger.ts';
import { LogMemory } from './log-memory.ts';
import type { AdvanceInput, AdvanceStep } from './model/advance.ts';
import type { Base } from './model/window-models.ts';
import { COMPARED_WINDOWS, followLog, isInLog, keptEntry, type Followed, type Logged, type Start } from './window-log.ts';
import { keepState, newestStates, statePrefix, type Kept } from './window-states.ts';
import { blocksOf, termsOf } from './window-terms.ts';

/** Whose turn it is to close a window, and until which block it is that one's alone. */
export type Awaited = { readonly window: number; readonly leader: string | null; readonly untilBlock: number };

/** The model that a window is trained from, or what there is to do until it is there. */
export type NextModel =
  /** `entry`: the newest of the log that is in it. */
  | { readonly kind: 'there'; readonly state: WindowState; readonly entry: ObjectRef | null }
  /** `fromOwn`: from a model that the node has kept; `entry`: the newest that is in it before any step. */
  | { readonly kind: 'advance'; readonly input: AdvanceInput; readonly fromOwn: boolean; readonly entry: ObjectRef | null }
  | ({ readonly kind: 'waiting' } & Awaited)
  | { readonly kind: 'late'; readonly reason: string };

/** A window that begins from a model, and who wants to know it until which block. */
export type ModelFor = Pick<DeltaWindow, 'index' | 'deadline' | 'privateBucket'>;

export type ModelWanted = {
  readonly window: ModelFor;
  /** sha256 of entries that were found to be wrong, and where they lie. */
  readonly without: readonly string[];
  /** Not from the node's own models, whatever they are. */
  readonly anew: boolean;
  /** What is known to be awaited: it is answered once there is something else to say. */
  readonly known: Awaited | null;
};

/** How a miner comes to the model after the window before its own. */
export const createModelActivities = (deps: DeltaDeps) => {
  const { chain, store, deployment: { competition, competitionDigest, genesisDama, blockMs } } = deps;
  const memory = new LogMemory();
  const shelfOf = ({ privateBucket }: Pick<DeltaWindow, 'privateBucket'>) => ({ bucket: privateBucket, competition: competition.id });

  /**
   * From the newest of the node's own models that the log has, by entries that are all applied; from a checkpoint or the beginning
   * where it has none. A log that none of its models is in has to be taken on trust. Whoever stands in line in two windows can
   * write such a one: a node whose own model was the log's a few windows ago does not follow it.
   */
  async function follow({ window: { index }, without }: ModelWanted, kept: readonly Kept[]): Promise<{ readonly followed: Exclude<Followed, { kind: 'forked' }>; readonly own: Kept | undefined }> {
    const [log, to] = [{ ...deps, memory }, index - 1];
    const fromOf = async ({ window, state, entry }: Kept) => ({ window: window - 1, digest: state.digest, entry: await keptEntry(deps.store, entry) });
    for (const own of kept) {
      const followed = await followLog(log, { from: await fromOf(own), to, without });
      if (followed.kind !== 'forked') return { followed, own };
    }
    const [newest] = kept;
    const from = newest && (await fromOf(newest));
    if (newest && from && to - from.window <= COMPARED_WINDOWS && (await isInLog(log, from))) {
      const followed = await followLog(log, { from, to, without, stay: true });
      if (followed.kind !== 'forked') return { followed, own: newest };
    }
    const anew = await followLog(log, { from: null, to, without });
    if (anew.kind === 'forked') throw ApplicationFailure.create({ message: `Expected the log up to window ${to}, it breaks off at window ${anew.window}`, type: 'LogBroken', nextRetryDelay: blockMs });
    return { followed: anew, own: undefined };
  }

  return {
    /** Waits for as long as nothing changes, and no longer than until the window's deadline. */
    async nextModel(wanted: ModelWanted): Promise<NextModel> {
      const { index, deadline } = wanted.window;
      const shelf = shelfOf(wanted.window);
      const kept = wanted.anew ? [] : await newestStates(store, shelf, competitionDigest);
      const [newest] = kept;
      if (newest?.window === index) return { kind: 'there', state: newest.state, entry: newest.entry };
      if (newest && newest.window > index) return { kind: 'late', reason: `window ${index} is behind: the newest model here is that of window ${newest.window}` };
      const head = await chain.head();
      if (head.number >= deadline) return { kind: 'late', reason: `too late for window ${index}: the model after window ${index - 1} was not there before block ${deadline}` };
      const { followed, own } = await follow(wanted, kept);
      if (followed.kind === 'waiting') {
        const { window, leader, untilBlock } = followed;
        const isKnown = wanted.known?.window === window && wanted.known.leader === leader && wanted.known.untilBlock === untilBlock;
        if (isKnown) throw ApplicationFailure.create({ message: `Nobody has closed window ${window} yet, it is ${leader ?? 'nobody'}'s turn until block ${untilBlock}`, type: 'WindowOpen', nextRetryDelay: blockMs, category: 'BENIGN' });
        return { kind: 'waiting', window, leader, untilBlock };
      }
      const from = baseOf(followed.start, own?.state);
      const steps = await Promise.all(followed.entries.map(stepOf));
      const fromOwn = followed.start.kind === 'own';
      return { kind: 'advance', fromOwn, entry: (fromOwn && own?.entry) || null, input: { from, steps, terms: termsOf(competition), competition: competitionDigest, bucket: shelf.bucket, prefix: statePrefix(shelf, index) } };
    },

    /**
     * Keeps a model by the window that begins from it, so that it is found again after a restart, and beside it the entry that made it.
     * @returns the entry, where it is kept
     */
    async keepModel({ window, begins, state, entry }: { window: Pick<ModelFor, 'privateBucket'>; begins: number; state: WindowState; entry: ObjectRef | null }): Promise<ObjectRef | null> {
      const shelf = shelfOf(window);
      const kept = entry && (entry.bucket === shelf.bucket ? entry : await fromStranger(store, genesisDama.config, () => copyObject(store, entry, { bucket: shelf.bucket, key: `${statePrefix(shelf, begins)}/entry-${entry.sha256}.json` })));
      await keepState(store, shelf, { competition: competitionDigest, window: begins, state, entry: kept });
      return kept;
    },
  };

  function baseOf(start: Start, own: WindowState | undefined): Base {
    // the digest of a state vouches for its weights alone: what computes with them is the competition's
    if (start.kind === 'checkpoint') {
      const { state } = start.checkpoint;
      const { config, tokenizer } = genesisDama;
      return { ...state, dama: { digest: state.dama.digest, weights: state.dama.weights, config, ...(tokenizer && { tokenizer }) } };
    }
    return start.kind === 'own' && own ? own : { dama: genesisDama, momentum: null, digest: null };
  }

  async function stepOf({ ref, entry: { window } }: Logged): Promise<AdvanceStep> {
    return { window, entry: ref, ...(await blocksOf(chain, competition, window)) };
  }
};
