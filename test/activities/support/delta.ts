import { createDeltaWindowActivities, type DeltaWindow } from '../../../activities/delta-window.ts';
import type { TrainedDelta } from '../../../activities/model/train-delta.ts';
import type { Participant } from '../../../activities/participants.ts';
import { createSealedKeyActivities } from '../../../activities/sealed-key.ts';
import { createWalletActivities } from '../../../activities/wallet.ts';
import { createWindowActivities } from '../../../activities/window.ts';
import { encodeUpdate } from '../../../genki/federation/compression/update-codec.ts';
import { merkleRoot } from '../../../genki/federation/compression/merkle.ts';
import { layoutOf, normOf } from '../../../genki/federation/layout.ts';
import { stateDigest, type WindowState } from '../../../genki/federation/window-state.ts';
import { competitionDigest, readCompetition, type Competition } from '../../../genki/protocol/competition.ts';
import { sha256Hex } from '../../../genki/protocol/digests.ts';
import type { Codec } from '../../../genki/protocol/exchange.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { RUBY_WINDOWS } from '../../../genki/protocol/ruby-windows.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';
import { TOY } from '../../genki/music/support/toys.ts';
import { BLOCK_MS, competition as toyCompetition, type Actor, type Shelf, type Street } from './federation.ts';
import { inActivity } from './in-activity.ts';

export const TOY_LAYOUT = layoutOf(TOY);
export const TIMING = { uploadBlocks: 4, revealBlocks: 6, successionBlocks: 4, checkpointWindows: 2 };
export const WINDOW_BLOCKS = 20;

const { pages: _, ...ownMusic } = RUBY_WINDOWS.delta!;

/** Windows of twenty blocks over a toy model; its miners train on music of their own. */
export const windowsOf = (codec: Codec = RUBY_WINDOWS.delta!.codec, more: Partial<Competition> = {}): Competition =>
  readCompetition({ ...toyCompetition, id: 'rw', exchange: 'delta', delta: { ...ownMusic, codec, timing: TIMING }, timing: { ...toyCompetition.timing, windowBlocks: WINDOW_BLOCKS }, policy: RUBY_WINDOWS.policy, ...more });

/** What the activities of a machine's miners work with. */
export function minersOf({ store, deployment }: Shelf, { chain }: Street, { people, competition }: { people: () => readonly Participant[]; competition: Competition }) {
  const deps = { chain, store, deployment: { ...deployment, competition, competitionDigest: competitionDigest(competition) }, participants: async () => people(), defaultHotkey: undefined };
  const windows = createDeltaWindowActivities(deps);
  const walletOf = (signer: Actor) => ({ ...createWalletActivities({ chain, signer, blockMs: BLOCK_MS }), ...createSealedKeyActivities({ store, signer }) });
  return {
    deps,
    windows,
    walletOf,
    ready: async (input: unknown): Promise<DeltaWindow> => {
      const resolved = await windows.resolveDelta(input);
      if (resolved.kind !== 'ready') throw new Error(`Expected a window, got ${resolved.reason}`);
      return resolved.window;
    },
    /** Says on the chain where somebody's windows lie; in the next block. */
    async recordRun(window: DeltaWindow, by: Actor, say: (who: Actor, record: string) => void): Promise<string> {
      const run = await inActivity(() => windows.runRecord(window));
      if (run.kind === 'on-chain') throw new Error('Expected no run on the chain');
      const text = run.kind === 'signed' ? run.text : await windows.keepRun({ privateBucket: by.privateBucket, text: await walletOf(by).signManifest(run.body) });
      const { record } = await createWindowActivities(deps).publishManifest({ bucket: by.bucket, text });
      say(by, record);
      return text;
    },
  };
}

/** The model that the shelf's competition begins with, as a window's. */
export async function genesisState({ deployment: { genesisDama } }: Shelf, weights: Float32Array): Promise<WindowState> {
  return { digest: stateDigest(weights, null), dama: genesisDama, momentum: null };
}

export function randomUpdate(seed: string, size = TOY_LAYOUT.size): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: size }, () => 1e-3 * random.normal());
}

/** What the runner would have left, as if it had trained. */
export async function trainedAs(update: Float32Array, { store, bucket, codec }: { store: Shelf['store']; bucket: string; codec: Codec }): Promise<TrainedDelta> {
  const put = (body: Uint8Array): Promise<ObjectRef> => store.putOnce(bucket, `training/${sha256Hex(body).slice(0, 32)}`, body);
  const isSlice = codec.kind === 'slice';
  const { file } = encodeUpdate(isSlice ? { kind: 'dense' } : codec, update);
  const residual = isSlice ? null : await put(encodeUpdate({ kind: 'dense' }, update.map((value) => value / 2)).file);
  const norms = { updateNorm: normOf(update), inputNorm: normOf(update), sentNorm: normOf(update) };
  return { file: await put(file), residual, tree: isSlice ? { root: merkleRoot(update), count: update.length } : null, ...norms, bytes: file.byteLength, ratio: (4 * update.length) / file.byteLength, steps: 3, firstLoss: 2.5, lastLoss: 2, engine: 'none' };
}
