import { batchSampler, type ReplayCorpus } from '../../genki/data/batch-sampler.ts';
import { decodeDataset, type Dataset } from '../../genki/data/dataset.ts';
import { pageClips, type Pages } from '../../genki/data/page-clips.ts';
import { residualOf, restoreFeedback, withFeedback, withResidual } from '../../genki/federation/compression/error-feedback.ts';
import { merkleRoot } from '../../genki/federation/compression/merkle.ts';
import { sliceIndices, sliceSize } from '../../genki/federation/compression/slice.ts';
import { decodeUpdate, encodeUpdate } from '../../genki/federation/compression/update-codec.ts';
import { flatten, layoutOf, normOf, type Layout } from '../../genki/federation/layout.ts';
import type { PrivacyConfig } from '../../genki/federation/privacy/privacy-config.ts';
import { privatise } from '../../genki/federation/privacy/privatise.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import { fullTune } from '../../genki/music/full-tune.ts';
import type { Hyper } from '../../genki/music/schedule.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import type { Codec } from '../../genki/protocol/exchange.ts';
import type { TensorMap } from '../../genki/protocol/safetensors.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { Job } from './job.ts';
import { endsOf, MAX_TRAINING_BYTES, TrainingProgress, type TrainProgress } from './training-progress.ts';

/** What a miner learns from in a window: the public pages that it is assigned, or music of its own, which stays with it. */
export type DeltaData = { readonly kind: 'pages'; readonly pages: readonly number[]; readonly spec: Pages } | { readonly kind: 'own'; readonly dataset: ObjectRef };

/** What an earlier window has left for this one, by what became of it. */
export type Leftover =
  /** It was heard: what it left out. */
  | { readonly kind: 'left-out'; readonly residual: ObjectRef }
  /** It was not: that, and what was to be sent. */
  | { readonly kind: 'all'; readonly residual: ObjectRef; readonly sent: ObjectRef }
  /** Of a whole update what the slice left out that this block chose; all of it without one. */
  | { readonly kind: 'whole'; readonly whole: ObjectRef; readonly blockHash: string | null };

/** The clip and the noise, and where the secret lies that the noise is drawn from. */
export type DeltaPrivacy = { readonly config: Pick<PrivacyConfig, 'clip' | 'noise'>; readonly secret: { readonly bucket: string; readonly key: string } };

export type TrainDeltaInput = {
  readonly state: WindowState;
  readonly data: DeltaData;
  readonly replay: ReplayCorpus;
  /** Rows of a batch that come from the public corpus. */
  readonly replayRows: number;
  readonly hyper: Hyper;
  readonly seed: string;
  readonly codec: Codec;
  readonly leftover: Leftover | null;
  readonly privacy?: DeltaPrivacy;
  /** Where checkpoints, the update and what it leaves out go: private. */
  readonly bucket: string;
  readonly prefix: string;
  readonly checkpointEverySteps: number;
  /** Where an earlier attempt had come to. */
  readonly resume?: TrainProgress;
};

export type TrainedDelta = {
  /** What is sent, encoded; of a slice the whole update. */
  readonly file: ObjectRef;
  /** What it leaves out; none of a slice, which is still to be chosen. */
  readonly residual: ObjectRef | null;
  /** The root over a whole update, and how many values that has. */
  readonly tree: { readonly root: string; readonly count: number } | null;
  /** Euclidean norm of what the training changed, of that with noise and what earlier windows left, and of what is sent. */
  readonly updateNorm: number;
  readonly inputNorm: number;
  readonly sentNorm: number;
  /** Of what is sent, a slice's proofs left out; and how many times smaller that is than float32 values. */
  readonly bytes: number;
  readonly ratio: number;
  readonly steps: number;
  /** Nats per code. */
  readonly firstLoss: number;
  readonly lastLoss: number;
  readonly engine: string;
};

export type TrainDeltaJob = { input: TrainDeltaInput; output: TrainedDelta };

const DENSE: Codec = { kind: 'dense' };
const SECRET_BYTES = 1024;

/**
 * Trains all weights from a window's model, and writes what changed; the same input gives the same bytes, interrupted or not.
 *
 * Noise comes before error feedback. What is left out for later windows is then computed from noised values alone, and
 * sending it costs no privacy, however often; left out before the noise, it would carry the music itself into windows whose
 * noise was not counted for it.
 */
export const trainDeltaJob: Job<TrainDeltaJob> =
  ({ engine, store, cache }) =>
  async (input, control) => {
    const { hyper, seed, replayRows } = input;
    const { music, weights, conditioner } = await cache.dama(input.state.dama);
    const layout = layoutOf(music);
    const sample = batchSampler(await datasetOf(store, input.data), input.replay, { privateRows: hyper.batch - replayRows, replayRows, seed });
    const progress = new TrainingProgress(store, input);
    const checkpoint = await progress.resume();
    const trained = await fullTune({ engine, music, weights, conditioner, sample, hyper, seed, ...(checkpoint && { checkpoint }) }, progress.hooks(control));
    if (!trained?.done) return undefined;
    const written = await write(store, input, { layout, update: changeOf(layout, { before: weights, after: trained.weights }) });
    const { first, last } = endsOf(trained);
    return { ...written, steps: hyper.steps, firstLoss: first.loss, lastLoss: last.loss, engine: engine.build };
  };

async function datasetOf(store: ObjectStore, data: DeltaData): Promise<Dataset> {
  if (data.kind === 'own') return decodeDataset(await store.get(data.dataset, { maxBytes: MAX_TRAINING_BYTES }));
  return { name: 'pages', licence: 'CC0-1.0', sharing: 'shared', clips: data.pages.flatMap((page) => pageClips(data.spec, page)) };
}

/** Trained weights − base weights. */
function changeOf(layout: Layout, { before, after }: { before: TensorMap; after: TensorMap }): Float32Array {
  const update = flatten(layout, after);
  const base = flatten(layout, before);
  for (let i = 0; i < update.length; i++) update[i]! -= base[i]!;
  return update;
}

type Written = Omit<TrainedDelta, 'steps' | 'firstLoss' | 'lastLoss' | 'engine'>;

async function write(store: ObjectStore, { codec, leftover, privacy, bucket, prefix }: TrainDeltaInput, { layout, update }: { layout: Layout; update: Float32Array }): Promise<Written> {
  const put = (name: string, bytes: Uint8Array): Promise<ObjectRef> => store.putOnce(bucket, `${prefix}/${name}-${sha256Hex(bytes).slice(0, 16)}.safetensors`, bytes);
  const learnt = privacy ? privatise(update, privacy.config, await store.getByKey(privacy.secret.bucket, privacy.secret.key, { maxBytes: SECRET_BYTES })) : update;
  const before = leftover === null ? undefined : await readLeftover(store, leftover, { codec, layout });
  const input = withResidual(learnt, before);
  const norms = { updateNorm: normOf(update), inputNorm: normOf(input) };
  if (codec.kind === 'slice') {
    const file = await put('update', encodeUpdate(DENSE, input).file);
    const tree = { root: merkleRoot(input), count: layout.size };
    const bytes = 4 * sliceSize(layout, codec.compression);
    return { ...norms, file, residual: null, tree, sentNorm: norms.inputNorm, bytes, ratio: (4 * layout.size) / bytes };
  }
  const { file, sent, residual } = withFeedback(codec, { update: learnt, ...(before && { residual: before }) });
  return {
    ...norms,
    file: await put('update', file),
    residual: await put('residual', encodeUpdate(DENSE, residual).file),
    tree: null,
    sentNorm: normOf(sent),
    bytes: file.byteLength,
    ratio: (4 * layout.size) / file.byteLength,
  };
}

async function readLeftover(store: ObjectStore, leftover: Leftover, { codec, layout }: { codec: Codec; layout: Layout }): Promise<Float32Array> {
  const read = async (of: Codec, ref: ObjectRef): Promise<Float32Array> => decodeUpdate(of, await store.get(ref, { maxBytes: MAX_TRAINING_BYTES }), layout);
  switch (leftover.kind) {
    case 'left-out':
      return await read(DENSE, leftover.residual);
    case 'all':
      return restoreFeedback(codec, { residual: await read(DENSE, leftover.residual), sent: await read(codec, leftover.sent) });
    case 'whole': {
      const input = await read(DENSE, leftover.whole);
      return residualOf(codec, { input, sent: sliceOf(input, leftover.blockHash, { codec, layout }) });
    }
  }
}

/** The values that a block chose, all others 0. */
function sliceOf(whole: Float32Array, blockHash: string | null, { codec, layout }: { codec: Codec; layout: Layout }): Float32Array {
  const sent = new Float32Array(whole.length);
  if (blockHash === null || codec.kind !== 'slice') return sent;
  for (const index of sliceIndices(layout, codec.compression, blockHash)) sent[index] = whole[index]!;
  return sent;
}
