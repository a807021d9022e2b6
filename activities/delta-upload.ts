import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { encodeSlice } from '../genki/federation/compression/slice-file.ts';
import { decodeUpdate } from '../genki/federation/compression/update-codec.ts';
import { layoutOf } from '../genki/federation/layout.ts';
import type { Competition } from '../genki/protocol/competition.ts';
import { manifestCommit, UPDATE_FILE, type ManifestBody, type WindowManifest } from '../genki/protocol/manifest.ts';
import { keyFileOf, MAX_KEY_FILE_BYTES } from '../genki/protocol/sealing.ts';
import { sliceFileOf } from '../genki/protocol/slices.ts';
import { sliceKey, windowKey } from '../genki/protocol/window-log.ts';
import { holdOutBlocks, windowBounds } from '../genki/protocol/window.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { deltaOf } from './delta-competition.ts';
import type { DeltaPlan } from './delta-plan.ts';
import { withOneMore } from './delta-privacy.ts';
import type { DeltaDeps, DeltaWindow } from './delta-window.ts';
import { keepMade, madeFor, newestMade, type MadeUpdate } from './made-updates.ts';
import type { TrainedDelta } from './model/train-delta.ts';
import { forgetCheckpoints } from './model/training-progress.ts';
import { participantOf, withoutRef, type Participant } from './participants.ts';
import { pruneWindows } from './prune-windows.ts';
import { putFirst } from './put-first.ts';
import { sealFile, type Sealed } from './seal-file.ts';
import { musicOf } from './submission.ts';
import { unlessFaulty } from './unless-faulty.ts';
import { sliceBlocksOf } from './window-terms.ts';

/** What is to be disclosed once its window is over; `commit` of the manifest. What is disclosed of a slice its miner signs then. */
export type Owed = { readonly hotkey: string; readonly window: number; readonly bucket: string; readonly privateBucket: string; readonly commit: string; readonly isSlice: boolean };

/** A signed manifest, UTF-8, and its commit. */
export type Signed = { readonly text: string; readonly commit: string };
export type PublishedWindow = { readonly manifest: ObjectRef; readonly owed: Owed; /** the finalized block after the upload */ readonly block: number };

type Training = Extract<DeltaPlan, { kind: 'train' }>;

/** The largest update of a slice's miner, which holds all weights. */
const MAX_WHOLE_BYTES = 16 * 2 ** 30;

/** How a miner hands in an update, and what it discloses later. */
export const createUploadActivities = ({ chain, store, deployment, participants }: DeltaDeps) => {
  const { competition, competitionDigest, genesisDama, blockMs } = deployment;
  const delta = deltaOf(competition);
  const ledgerOf = ({ privateBucket }: Pick<DeltaWindow, 'privateBucket'>) => ({ bucket: privateBucket, competition: competition.id });
  return {
    /** Remembers an update before any of it is uploaded; of two that were made for one window, the first. */
    async keepUpdate({ window, base, plan: { input, from }, trained }: { window: DeltaWindow; base: string; plan: Pick<Training, 'input' | 'from'>; trained: TrainedDelta }): Promise<MadeUpdate> {
      const ledger = ledgerOf(window);
      const { file, residual, tree, sentNorm, bytes, ratio, steps, firstLoss, lastLoss, engine } = trained;
      const noise = input.privacy?.config.noise;
      const before = await newestMade(store, ledger);
      const made = await keepMade(store, ledger, {
        version: 1,
        competition: competitionDigest,
        window: window.index,
        base,
        sent: tree ? null : file.sha256,
        file,
        residual,
        tree,
        isNoised: noise !== undefined,
        norm: sentNorm,
        bytes,
        ratio,
        training: { steps, firstLoss, lastLoss, engine },
        own: withOneMore(before?.own, { noise, ofOwnMusic: input.data.kind === 'own' }),
        from,
        to: (await chain.head()).number,
      });
      await forgetCheckpoints(store, input);
      return made;
    },

    /** The update, sealed, in the public bucket; whoever does this again makes the same bytes. */
    async sealUpdate({ window, made }: { window: DeltaWindow; made: MadeUpdate }): Promise<Sealed> {
      const { hotkey, index, bucket, privateBucket } = window;
      const body = await store.get(made.file, { maxBytes: made.file.bytes });
      return await sealFile(store, body, { hotkey, competition: competitionDigest, window: index, bucket, privateBucket, folder: 'updates' });
    },

    /** What the miner is going to sign. With noise nothing is said of the music but the update itself. */
    async draftWindow({ window, made, sealed }: { window: DeltaWindow; made: MadeUpdate; sealed: Sealed | null }): Promise<ManifestBody> {
      const { dataset } = participantOf(await participants(), 'miner', window.hotkey);
      const body: WindowManifest = {
        version: 1,
        kind: 'window',
        run: activityInfo().workflowExecution!.runId,
        competition: competitionDigest,
        hotkey: window.hotkey,
        base: made.base,
        window: window.index,
        files: sealed ? [{ name: UPDATE_FILE, ref: sealed.file, content: sealed.content }] : [],
        ...(made.tree && made.tree),
        ...(!made.isNoised && { training: made.training }),
        ...(!made.isNoised && !delta.pages && dataset && { dataset: withoutRef(dataset) }),
      };
      return body;
    },

    /** The signed manifest that stays, of several that were signed for one window, and the name of its key. */
    async keepSigned({ window: { index, privateBucket }, text }: { window: DeltaWindow; text: string }): Promise<Signed> {
      const key = windowKey(competition.id, index);
      await putFirst(store, { bucket: privateBucket, key }, new TextEncoder().encode(text));
      const bytes = await store.getByKey(privateBucket, key, { maxBytes: competition.limits.manifestBytes });
      return { text: new TextDecoder().decode(bytes), commit: manifestCommit(bytes) };
    },

    /** Puts the signed manifest where everybody looks for it. */
    async publishWindow({ window: { hotkey, index, bucket, privateBucket }, signed: { text, commit } }: { window: DeltaWindow; signed: Signed }): Promise<PublishedWindow> {
      const manifest = await store.putOnce(bucket, windowKey(competition.id, index), new TextEncoder().encode(text));
      return { manifest, owed: { hotkey, window: index, bucket, privateBucket, commit, isSlice: delta.codec.kind === 'slice' }, block: (await chain.head()).number };
    },

    /** Makes public what opens a window's update, or the slice of it that the chain has chosen: not before the window is over. */
    async discloseWindow({ window, bucket, privateBucket, commit }: Owed): Promise<ObjectRef> {
      const schedule = windowBounds(window, competition.timing.windowBlocks);
      const head = await chain.head();
      const due = delta.codec.kind === 'slice' ? holdOutBlocks(schedule, competition.timing.seedBlocks).at(-1)! : schedule.last;
      if (head.number < due) throw ApplicationFailure.create({ message: `Window ${window} is not over before block ${due} is final, the head is ${head.number}`, type: 'BlockNotFinal', nextRetryDelay: (due - head.number) * blockMs, category: 'BENIGN' });
      if (delta.codec.kind !== 'slice') return await store.putOnce(bucket, keyFileOf(commit), await store.getByKey(privateBucket, keyFileOf(commit), { maxBytes: MAX_KEY_FILE_BYTES }));
      const layout = layoutOf(await musicOf(store, { base: genesisDama }));
      const made = await madeFor(store, ledgerOf({ privateBucket }), window);
      const whole = decodeUpdate({ kind: 'dense' }, await store.get(made.file, { maxBytes: MAX_WHOLE_BYTES }), layout);
      return await store.putOnce(bucket, sliceKey(competition.id, window), encodeSlice(whole, { layout, compression: delta.codec.compression, ...(await sliceBlocksOf(chain, competition, window)) }));
    },

    /** Publishes what the miner signed of its slice: of several the first stays. */
    async publishSlice({ owed: { bucket, commit }, text }: { owed: Owed; text: string }): Promise<void> {
      await putFirst(store, { bucket, key: sliceFileOf(commit) }, new TextEncoder().encode(text));
    },

    /** Forgets what nobody needs any more of windows that have passed: it is only for room. */
    async pruneWindow({ bucket, privateBucket, index }: DeltaWindow): Promise<void> {
      await pruneWindows(store, { bucket, privateBucket, competition: competition.id, before: index - 2 * delta.timing.checkpointWindows });
    },
  };
};

/** What a miner's update of a window still has to disclose, as far as it was handed in. */
export async function owedBy(store: ObjectStore, competition: Competition, { miner: { hotkey, bucket, privateBucket }, window }: { miner: Participant; window: number }): Promise<Owed | undefined> {
  const { limits, id } = competition;
  const manifest = await unlessFaulty(() => store.getByKey(bucket, windowKey(id, window), { maxBytes: limits.manifestBytes }));
  if (manifest === undefined) return undefined;
  const commit = manifestCommit(manifest);
  const isSlice = deltaOf(competition).codec.kind === 'slice';
  const isReady = isSlice || (await store.head(privateBucket, keyFileOf(commit))) !== undefined;
  const isOut = (await store.head(bucket, isSlice ? sliceFileOf(commit) : keyFileOf(commit))) !== undefined;
  return isReady && !isOut ? { hotkey, window, bucket, privateBucket, commit, isSlice } : undefined;
}
