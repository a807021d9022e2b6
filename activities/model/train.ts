import { batchSampler, type ReplayCorpus } from '../../genki/data/batch-sampler.ts';
import { decodeDataset } from '../../genki/data/dataset.ts';
import { encodeAdapter, type LoraConfig } from '../../genki/music/lora.ts';
import { Trainer, type Hyper } from '../../genki/music/trainer.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { ObjectMissing } from '../../genki/errors.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { Job } from './job.ts';

export type TrainInput = {
  readonly base: Dama;
  readonly dataset: ObjectRef;
  readonly replay: ReplayCorpus;
  /** Rows of a batch that come from the public corpus; the rest is the miner's own. */
  readonly replayRows: number;
  readonly lora: LoraConfig;
  readonly hyper: Hyper;
  readonly seed: string;
  /** Where checkpoints and the adapter go: private until the manifest is published. */
  readonly bucket: string;
  readonly prefix: string;
  readonly checkpointEverySteps: number;
  /** Where an earlier attempt had come to. */
  readonly resume?: TrainProgress;
};

/** Losses in nats per code. */
export type TrainProgress = { readonly step: number; readonly steps: number; readonly firstLoss: number; readonly loss: number; readonly msPerStep: number; readonly checkpoint?: ObjectRef };

export type Trained = {
  readonly adapter: ObjectRef;
  readonly steps: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
  readonly engine: string;
};

export type TrainJob = { input: TrainInput; output: Trained };

/** Largest dataset and checkpoint that are read back. */
const MAX_BYTES = 4 * 2 ** 30;

/** Trains an adapter from a seed; the same input gives the same bytes, interrupted or not. */
export const trainJob: Job<TrainJob> =
  ({ engine, store, cache }) =>
  async (input, control) => {
    const { music, weights } = await cache.dama(input.base);
    const dataset = decodeDataset(await store.get(input.dataset, { maxBytes: MAX_BYTES }));
    const { steps, batch } = input.hyper;
    const sample = batchSampler(dataset, input.replay, { privateRows: batch - input.replayRows, replayRows: input.replayRows, seed: input.seed });
    const trainer = await Trainer.create(engine, music, weights, { kind: 'lora', lora: input.lora }, input.hyper, input.seed);
    try {
      let checkpoint = await restore(store, trainer, input.resume?.checkpoint);
      let firstLoss = checkpoint && input.resume?.firstLoss;
      let loss = input.resume?.loss ?? Number.NaN;
      let saved = trainer.stepsDone;
      const save = async (): Promise<void> => {
        if (trainer.stepsDone === saved) return;
        saved = trainer.stepsDone;
        checkpoint = await store.putOnce(input.bucket, `${input.prefix}/checkpoint-${String(saved).padStart(6, '0')}.safetensors`, trainer.checkpoint());
      };
      const started = Date.now();
      const resumedAt = trainer.stepsDone;
      const report = (): Promise<boolean> => {
        const msPerStep = (Date.now() - started) / Math.max(1, trainer.stepsDone - resumedAt);
        const progress: TrainProgress = { step: trainer.stepsDone, steps, firstLoss: firstLoss ?? loss, loss, msPerStep, ...(checkpoint && { checkpoint }) };
        return control.progress(progress);
      };
      while (trainer.stepsDone < steps) {
        loss = await trainer.step(sample(trainer.stepsDone));
        firstLoss ??= loss;
        if (trainer.stepsDone % input.checkpointEverySteps === 0) await save();
        if (await report()) continue;
        await save();
        await report();
        return undefined;
      }
      const adapter = await store.putOnce(input.bucket, `${input.prefix}/adapter.safetensors`, encodeAdapter(trainer.adapter()));
      return { adapter, steps, firstLoss: firstLoss ?? loss, lastLoss: loss, engine: engine.build };
    } finally {
      await trainer.dispose();
    }
  };

/** Goes on from a checkpoint; one that is not there any more means to begin anew, which gives the same result. */
async function restore(store: ObjectStore, trainer: Trainer, checkpoint: ObjectRef | undefined): Promise<ObjectRef | undefined> {
  if (!checkpoint) return undefined;
  try {
    trainer.restore(await store.get(checkpoint, { maxBytes: MAX_BYTES }));
    return checkpoint;
  } catch (error) {
    if (error instanceof ObjectMissing) return undefined;
    throw error;
  }
}
