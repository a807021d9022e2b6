import { batchSampler, type ReplayCorpus } from '../../genki/data/batch-sampler.ts';
import { decodeDataset } from '../../genki/data/dataset.ts';
import { fineTune } from '../../genki/music/fine-tune.ts';
import { decodeAdapter, encodeAdapter, type LoraConfig } from '../../genki/music/lora.ts';
import { encodeLossCurve } from '../../genki/music/loss-curve.ts';
import type { Hyper } from '../../genki/music/schedule.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Job } from './job.ts';
import { endsOf, MAX_TRAINING_BYTES, TrainingProgress, type TrainProgress } from './training-progress.ts';

export type { TrainProgress } from './training-progress.ts';

export type TrainInput = {
  readonly base: Dama;
  readonly dataset: ObjectRef;
  readonly replay: ReplayCorpus;
  /** Rows of a batch that come from the public corpus; the rest is the miner's own. */
  readonly replayRows: number;
  readonly lora: LoraConfig;
  readonly hyper: Hyper;
  readonly seed: string;
  /** What to start from, in PEFT's format; none: an adapter that changes nothing. */
  readonly adapter?: ObjectRef;
  /** Where checkpoints and the adapter go: private until the manifest is published. */
  readonly bucket: string;
  readonly prefix: string;
  readonly checkpointEverySteps: number;
  /** Where an earlier attempt had come to. */
  readonly resume?: TrainProgress;
};

export type Trained = {
  readonly adapter: ObjectRef;
  /** JSON of the `LossCurve`, beside the adapter. */
  readonly curve: ObjectRef;
  readonly steps: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
  readonly engine: string;
};

export type TrainJob = { input: TrainInput; output: Trained };

/** Trains an adapter from a seed; the same input gives the same bytes, interrupted or not. */
export const trainJob: Job<TrainJob> =
  ({ engine, store, cache }) =>
  async (input, control) => {
    const { lora, hyper, seed } = input;
    const { music, weights, conditioner } = await cache.dama(input.base);
    const dataset = decodeDataset(await store.get(input.dataset, { maxBytes: MAX_TRAINING_BYTES }));
    const sample = batchSampler(dataset, input.replay, { privateRows: hyper.batch - input.replayRows, replayRows: input.replayRows, seed });
    const adapter = input.adapter && decodeAdapter(await store.get(input.adapter, { maxBytes: input.adapter.bytes }), { music, lora });
    const progress = new TrainingProgress(store, input);
    const checkpoint = await progress.resume();
    const trained = await fineTune({ engine, music, weights, conditioner, sample, lora, hyper, seed, ...(adapter && { adapter }), ...(checkpoint && { checkpoint }) }, progress.hooks(control));
    if (!trained?.done) return undefined;
    const put = (name: string, bytes: Uint8Array): Promise<ObjectRef> => store.putOnce(input.bucket, `${input.prefix}/${name}`, bytes);
    const { first, last } = endsOf(trained);
    return {
      adapter: await put('adapter.safetensors', encodeAdapter(trained.adapter)),
      curve: await put('loss-curve.json', encodeLossCurve(trained.curve)),
      steps: hyper.steps,
      firstLoss: first.loss,
      lastLoss: last.loss,
      engine: engine.build,
    };
  };
