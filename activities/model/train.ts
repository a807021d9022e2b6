import { batchSampler, type ReplayCorpus } from '../../genki/data/batch-sampler.ts';
import { decodeDataset } from '../../genki/data/dataset.ts';
import { fineTune, type Running } from '../../genki/music/fine-tune.ts';
import { encodeAdapter, type LoraConfig } from '../../genki/music/lora.ts';
import { encodeLossCurve, type LossPoint } from '../../genki/music/loss-curve.ts';
import type { Hyper } from '../../genki/music/schedule.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { ObjectMissing } from '../../genki/errors.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { Control, Job } from './job.ts';

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
  /** JSON of the `LossCurve`, beside the adapter. */
  readonly curve: ObjectRef;
  readonly steps: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
  readonly engine: string;
};

export type TrainJob = { input: TrainInput; output: Trained };

/** Largest dataset and checkpoint that are read back. */
const MAX_BYTES = 4 * 2 ** 30;
/** A runner that says nothing for two minutes counts as hung. */
const SILENT_MS = 5000;

/** Trains an adapter from a seed; the same input gives the same bytes, interrupted or not. */
export const trainJob: Job<TrainJob> =
  ({ engine, store, cache }) =>
  async (input, control) => {
    const { lora, hyper, seed } = input;
    const { music, weights, conditioner } = await cache.dama(input.base);
    const dataset = decodeDataset(await store.get(input.dataset, { maxBytes: MAX_BYTES }));
    const sample = batchSampler(dataset, input.replay, { privateRows: hyper.batch - input.replayRows, replayRows: input.replayRows, seed });
    const progress = new Progress(store, input);
    const checkpoint = await progress.resume();
    const trained = await fineTune(
      { engine, music, weights, conditioner, sample, lora, hyper, seed, ...(checkpoint && { checkpoint }) },
      {
        onTold: () => progress.repeat(control),
        onPart: async () => void (await progress.repeat(control)),
        onStep: async ({ step }, running) => {
          if (step % input.checkpointEverySteps === 0) await progress.save(running);
          if (await progress.tell(control, running)) return true;
          await progress.save(running);
          await progress.tell(control, running);
          return false;
        },
      },
    );
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

/** What a run has reached, what is kept of it, and what was said of it. */
class Progress {
  readonly #store: ObjectStore;
  readonly #input: TrainInput;
  readonly #started = Date.now();
  #first: { readonly step: number; readonly ms: number } | undefined;
  #checkpoint: ObjectRef | undefined;
  #savedStep = 0;
  #latest: TrainProgress | undefined;
  #saidMs = Date.now();

  constructor(store: ObjectStore, input: TrainInput) {
    this.#store = store;
    this.#input = input;
    this.#latest = input.resume;
  }

  /** The checkpoint of an earlier attempt; one that is not there any more means to begin anew, which gives the same result. */
  async resume(): Promise<Uint8Array | undefined> {
    const { resume } = this.#input;
    if (!resume?.checkpoint) return undefined;
    try {
      const bytes = await this.#store.get(resume.checkpoint, { maxBytes: MAX_BYTES });
      this.#checkpoint = resume.checkpoint;
      return bytes;
    } catch (error) {
      if (error instanceof ObjectMissing) return undefined;
      throw error;
    }
  }

  async save(running: Running): Promise<void> {
    const { step } = endsOf(running).last;
    if (step === this.#savedStep) return;
    const { bucket, prefix } = this.#input;
    this.#checkpoint = await this.#store.putOnce(bucket, `${prefix}/checkpoint-${String(step).padStart(6, '0')}.safetensors`, running.checkpoint());
    this.#savedStep = step;
  }

  async tell(control: Control, running: Running): Promise<boolean> {
    this.#latest = this.#of(running);
    this.#saidMs = Date.now();
    return control.progress(this.#latest);
  }

  /** Between steps of a large model, which take minutes: what was reached once more, if nothing was said for a while. */
  async repeat(control: Control): Promise<boolean> {
    if (Date.now() - this.#saidMs < SILENT_MS) return true;
    this.#saidMs = Date.now();
    return control.progress(this.#latest);
  }

  #of(running: Running): TrainProgress {
    const { first, last } = endsOf(running);
    const now = Date.now();
    const since = (this.#first ??= { step: last.step, ms: now });
    // the first step opened the model too, so the ones after it are counted when there are any
    const msPerStep = last.step > since.step ? (now - since.ms) / (last.step - since.step) : now - this.#started;
    return { step: last.step, steps: this.#input.hyper.steps, firstLoss: first.loss, loss: last.loss, msPerStep, ...(this.#checkpoint && { checkpoint: this.#checkpoint }) };
  }
}

const endsOf = ({ curve }: Pick<Running, 'curve'>): { first: LossPoint; last: LossPoint } => ({ first: curve[0]!, last: curve.at(-1)! });
