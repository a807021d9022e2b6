import { batchSampler, type ReplayCorpus } from '../../genki/data/batch-sampler.ts';
import { encodeMerged } from '../../genki/federation/merged-dama.ts';
import { batchOfClips } from '../../genki/music/batch.ts';
import { withWeights } from '../../genki/music/carried-checkpoint.ts';
import { Trainer, type Hyper } from '../../genki/music/trainer.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { Control, Job } from './job.ts';

export type PretrainInput = {
  /** What is trained on. */
  readonly base: Dama;
  readonly corpus: ReplayCorpus;
  /** Of the whole run, which goes over many calls: its schedule does not begin anew. */
  readonly hyper: Hyper;
  readonly seed: string;
  /** Where the run had come to: its step and its moments. The weights are the base's, whatever was merged into them since. */
  readonly from: ObjectRef | null;
  /** Milliseconds since 1970: what would not be done by then is not begun, and what is not done is given up, in the middle of a step, too. */
  readonly until: number;
  readonly bucket: string;
  readonly prefix: string;
  readonly checkpointEverySteps: number;
  /** Where an earlier attempt had come to. */
  readonly resume?: PretrainProgress;
};

/** Losses in nats per code. */
export type PretrainProgress = { readonly step: number; readonly steps: number; readonly loss: number | null; readonly checkpoint?: ObjectRef };

export type Pretrained = {
  /** The base itself where no step was done. */
  readonly dama: Dama;
  readonly checkpoint: ObjectRef | null;
  /** Of the run: before and after. */
  readonly from: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: { readonly first: number; readonly last: number } | null;
  readonly engine: string;
};

export type PretrainJob = { input: PretrainInput; output: Pretrained };

const MAX_CHECKPOINT_BYTES = 64 * 2 ** 30;
/** Beats tell of a checkpoint within seconds: after so long nobody goes on from the one before. */
const OLD_MS = 5 * 60_000;

/** Trains all weights for as long as there is time, and no longer; the run goes on with the next call. */
export const pretrainJob: Job<PretrainJob> =
  ({ engine, store, cache }) =>
  async (input, control) => {
    const { base, corpus, hyper, seed } = input;
    const { music, weights } = await cache.dama(base);
    const sample = batchSampler({ name: 'none', licence: '', sharing: 'shared', clips: [] }, corpus, { privateRows: 0, replayRows: hyper.batch, seed });
    const trainer = await Trainer.create(engine, music, weights, { kind: 'full' }, hyper, seed);
    try {
      const before = input.from === null ? undefined : withWeights(await store.get(input.from, { maxBytes: MAX_CHECKPOINT_BYTES }), weights);
      if (before) trainer.restore(before);
      const from = trainer.stepsDone;
      const run = new TimedRun(trainer, { store, input, control });
      await run.resume();
      const going = await run.train((step) => batchOfClips(music, sample(step)));
      if (!going) return undefined;
      const { stepsDone: step, curve } = trainer;
      if (step === from) return { dama: base, checkpoint: input.from, from, step, steps: hyper.steps, loss: null, engine: engine.build };
      const { digest, file } = encodeMerged(weights, trainer.weights());
      return {
        dama: { ...base, digest, weights: await store.putOnce(input.bucket, `${input.prefix}/model-${step}-${sha256Hex(file)}.safetensors`, file) },
        checkpoint: await run.save(),
        from,
        step,
        steps: hyper.steps,
        loss: { first: curve[from]!.loss, last: curve.at(-1)!.loss },
        engine: engine.build,
      };
    } finally {
      await trainer.dispose();
    }
  };

class OutOfTime extends Error {}

/** Steps until the time or the run is over. */
class TimedRun {
  readonly #trainer: Trainer;
  readonly #store: ObjectStore;
  readonly #input: PretrainInput;
  readonly #control: Control;
  #checkpoint: { readonly step: number; readonly ref: ObjectRef } | undefined;
  /** Oldest first, and since when there is a newer one; each is three times as large as the model. */
  readonly #old: { readonly ref: ObjectRef; readonly since: number }[] = [];
  #stepMs = 0;

  constructor(trainer: Trainer, { store, input, control }: { store: ObjectStore; input: PretrainInput; control: Control }) {
    this.#trainer = trainer;
    this.#store = store;
    this.#input = input;
    this.#control = control;
  }

  /** Takes up what an earlier attempt has kept. */
  async resume(): Promise<void> {
    const { resume } = this.#input;
    if (!resume?.checkpoint) return;
    this.#trainer.restore(await this.#store.get(resume.checkpoint, { maxBytes: MAX_CHECKPOINT_BYTES }));
    this.#checkpoint = { step: this.#trainer.stepsDone, ref: resume.checkpoint };
  }

  /** False when it was asked to stop before its time was over. */
  async train(batchOf: (step: number) => Parameters<Trainer['stepOn']>[0]): Promise<boolean> {
    const { hyper, until, checkpointEverySteps } = this.#input;
    const trainer = this.#trainer;
    while (trainer.stepsDone < hyper.steps && Date.now() + this.#stepMs < until) {
      if (!(await this.#step(batchOf(trainer.stepsDone)))) return true;
      if (trainer.stepsDone % checkpointEverySteps === 0) await this.save();
      if (await this.#tell()) continue;
      await this.save();
      await this.#tell();
      return false;
    }
    return true;
  }

  /** False when time ran out within it; then it has not happened. */
  async #step(batch: Parameters<Trainer['stepOn']>[0]): Promise<boolean> {
    const began = Date.now();
    try {
      await this.#trainer.stepOn(batch, async () => {
        if (Date.now() > this.#input.until) throw new OutOfTime();
      });
    } catch (error) {
      if (error instanceof OutOfTime) return false;
      throw error;
    }
    this.#stepMs = Date.now() - began;
    return true;
  }

  async save(): Promise<ObjectRef> {
    const step = this.#trainer.stepsDone;
    if (this.#checkpoint?.step === step) return this.#checkpoint.ref;
    const { bucket, prefix } = this.#input;
    // by its content: not every device computes a step again to the same bits
    const file = this.#trainer.checkpoint();
    const ref = await this.#store.putOnce(bucket, `${prefix}/checkpoint-${String(step).padStart(8, '0')}-${sha256Hex(file)}.safetensors`, file);
    if (this.#checkpoint) this.#old.push({ ref: this.#checkpoint.ref, since: Date.now() });
    this.#checkpoint = { step, ref };
    while (this.#old[0] && Date.now() - this.#old[0].since > OLD_MS) await this.#store.delete(bucket, this.#old.shift()!.ref.key);
    return ref;
  }

  #tell(): Promise<boolean> {
    const { stepsDone: step, curve } = this.#trainer;
    const checkpoint = this.#checkpoint?.ref;
    const details: PretrainProgress = { step, steps: this.#input.hyper.steps, loss: curve.at(-1)?.loss ?? null, ...(checkpoint && { checkpoint }) };
    return this.#control.progress(details);
  }
}
