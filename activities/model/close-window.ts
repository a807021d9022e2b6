import { faultOf, NewerSchema } from '../../genki/errors.ts';
import { copiesIn, type CopyOf } from '../../genki/federation/window-copies.ts';
import { applyWindow, countedOf, type Counted, type SliceBlocks, type WindowTerms } from '../../genki/federation/window-model.ts';
import { stateDigest, type WindowState } from '../../genki/federation/window-state.ts';
import type { Layout } from '../../genki/federation/layout.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import { fromStranger } from '../from-stranger.ts';
import type { Control, Job } from './job.ts';
import { keepState, loadState, readUpdate, type Base, type PeerUpdate, type Shelf } from './window-models.ts';

export type CloseInput = Shelf & {
  readonly from: Base;
  readonly window: number;
  /** In commit order: of two that are equal the later is a copy. */
  readonly updates: readonly PeerUpdate[];
  /** What counted in windows before: nobody hands it in again. */
  readonly older: readonly (PeerUpdate & { readonly window: number })[];
  /** From this cosine of two updates on the later is a copy. */
  readonly copyCosine: number;
  readonly terms: WindowTerms;
  readonly blocks?: SliceBlocks;
  /** Digest of the competition. */
  readonly competition: string;
};

export type ClosedWindow = { readonly accepted: readonly ({ readonly hotkey: string } & Counted)[]; readonly refused: readonly { readonly hotkey: string; readonly reason: string }[]; readonly state: WindowState };
export type CloseWindowJob = { input: CloseInput; output: ClosedWindow };

/** The model after a window, who made it, and why the others did not. */
export const closeWindowJob: Job<CloseWindowJob> =
  ({ store, cache }) =>
  async ({ from, updates, older, copyCosine, ...input }, control) => {
    const { loaded, layout, model } = await loadState({ store, cache }, from);
    const opened = await openAll(store, updates, { ...input, layout, control });
    if (!opened) return undefined;
    const past: Past[] = [];
    const copies = await copiesIn(opened.decoded.map(({ update }) => update), { older: readOlder(store, older, { ...input, layout, known: from.dama.config, past }), copyCosine });
    const refused = [...opened.refused, ...opened.decoded.flatMap(({ hotkey }, i) => (copies[i] ? [{ hotkey, reason: reasonOf(copies[i], { decoded: opened.decoded, past }) }] : []))];
    const counted = opened.decoded.filter((_, i) => !copies[i]);
    const sums = countedOf(counted.map(({ update }) => update), input.terms.norm);
    const after = applyWindow(model, counted.map(({ update }, i) => ({ update, factor: sums[i]!.factor })), input.terms);
    const unchanged = after === model && from.digest !== null;
    return {
      accepted: counted.map(({ hotkey }, i) => ({ hotkey, ...sums[i]! })),
      refused,
      state: unchanged ? { ...from, digest: from.digest! } : await keepState(store, { loaded, layout, model: after, digest: stateDigest(after.weights, after.momentum) }, { from, ...input }),
    };
  };

type Decoded = { readonly hotkey: string; readonly update: Float32Array };
type Reading = { readonly terms: WindowTerms; readonly layout: Layout; readonly blocks?: SliceBlocks; readonly competition: string };

async function openAll(store: ObjectStore, updates: readonly PeerUpdate[], { control, blocks, ...reading }: Reading & { readonly control: Control }): Promise<{ decoded: Decoded[]; refused: { hotkey: string; reason: string }[] } | undefined> {
  const decoded: Decoded[] = [];
  const refused: { hotkey: string; reason: string }[] = [];
  for (const [done, peer] of updates.entries()) {
    if (!(await control.progress({ updates: done, of: updates.length }))) return undefined;
    const { hotkey } = peer;
    try {
      const update = await readUpdate(store, peer, { ...reading, blocks });
      if (update.some((value) => value !== 0)) decoded.push({ hotkey, update });
      else refused.push({ hotkey, reason: 'Expected an update that changes something, got zeros' });
    } catch (error) {
      if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
      refused.push({ hotkey, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { decoded, refused };
}

type Past = { readonly hotkey: string; readonly window: number };

/** One after the other, each named in `past`. Those that are not there any more are left out: they stop nobody's window. Slices of other windows hold other values. */
async function* readOlder(store: ObjectStore, older: CloseInput['older'], { blocks, known, past, ...reading }: Reading & { readonly known: ObjectRef; readonly past: Past[] }): AsyncGenerator<Float32Array> {
  if (reading.terms.codec.kind === 'slice') return;
  for (const { window, ...peer } of older) {
    const update = await readable(() => fromStranger(store, known, () => readUpdate(store, peer, { ...reading, blocks })));
    if (!update) continue;
    past.push({ hotkey: peer.hotkey, window });
    yield update;
  }
}

/** undefined where its owner is to blame */
async function readable(read: () => Promise<Float32Array>): Promise<Float32Array | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
    return undefined;
  }
}

function reasonOf({ kind, index, cosine }: CopyOf, { decoded, past }: { readonly decoded: readonly Decoded[]; readonly past: readonly Past[] }): string {
  const original = kind === 'older' ? `the update of ${past[index]!.hotkey} in window ${past[index]!.window}` : `the update of ${decoded[index]!.hotkey}`;
  return `Expected work of its own, got a copy of ${original}: cosine ${cosine.toFixed(3)}`;
}
