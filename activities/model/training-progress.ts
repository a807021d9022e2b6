import { ObjectMissing } from '../../genki/errors.ts';
import type { LossPoint } from '../../genki/music/loss-curve.ts';
import type { Hooks, Running } from '../../genki/music/tuning.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { Control } from './job.ts';

/** How far a training has come; losses in nats per code. */
export type TrainProgress = { readonly step: number; readonly steps: number; readonly firstLoss: number; readonly loss: number; readonly msPerStep: number; readonly checkpoint?: ObjectRef };

/** Where a training keeps its checkpoints, how often, and where an earlier attempt had come to. */
export type Checkpoints = { readonly hyper: { readonly steps: number }; readonly bucket: string; readonly prefix: string; readonly checkpointEverySteps: number; readonly resume?: TrainProgress };

/** Largest dataset and checkpoint that are read back. */
export const MAX_TRAINING_BYTES = 4 * 2 ** 30;
/** A runner that says nothing for two minutes counts as hung. */
const SILENT_MS = 5000;

/** What a run has reached, what is kept of it, and what was said of it. */
export class TrainingProgress {
  readonly #store: ObjectStore;
  readonly #input: Checkpoints;
  readonly #started = Date.now();
  #first: { readonly step: number; readonly ms: number } | undefined;
  #checkpoint: ObjectRef | undefined;
  #savedStep = 0;
  #latest: TrainProgress | undefined;
  #saidMs = Date.now();

  constructor(store: ObjectStore, input: Checkpoints) {
    this.#store = store;
    this.#input = input;
    this.#latest = input.resume;
  }

  /** The checkpoint of an earlier attempt; one that is not there any more means to begin anew, which gives the same result. */
  async resume(): Promise<Uint8Array | undefined> {
    const { resume } = this.#input;
    if (!resume?.checkpoint) return undefined;
    try {
      const bytes = await this.#store.get(resume.checkpoint, { maxBytes: MAX_TRAINING_BYTES });
      this.#checkpoint = resume.checkpoint;
      return bytes;
    } catch (error) {
      if (error instanceof ObjectMissing) return undefined;
      throw error;
    }
  }

  /** Says after each step how far it is, keeps a checkpoint every so many of them, and one when it is asked to stop. */
  hooks(control: Control): Hooks {
    return {
      onTold: () => this.#repeat(control),
      onPart: async () => void (await this.#repeat(control)),
      onStep: async ({ step }, running) => {
        if (step % this.#input.checkpointEverySteps === 0) await this.#save(running);
        if (await this.#tell(control, running)) return true;
        await this.#save(running);
        await this.#tell(control, running);
        return false;
      },
    };
  }

  async #save(running: Running): Promise<void> {
    const { step } = endsOf(running).last;
    if (step === this.#savedStep) return;
    const { bucket, prefix } = this.#input;
    this.#checkpoint = await this.#store.putOnce(bucket, `${prefix}/checkpoint-${String(step).padStart(6, '0')}.safetensors`, running.checkpoint());
    this.#savedStep = step;
  }

  async #tell(control: Control, running: Running): Promise<boolean> {
    this.#latest = this.#of(running);
    this.#saidMs = Date.now();
    return control.progress(this.#latest);
  }

  /** Between steps of a large model, which take minutes: what was reached once more, if nothing was said for a while. */
  async #repeat(control: Control): Promise<boolean> {
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

/** The first and the last step that a run has done. */
export const endsOf = ({ curve }: Pick<Running, 'curve'>): { first: LossPoint; last: LossPoint } => ({ first: curve[0]!, last: curve.at(-1)! });

/** The result is there, so that nobody goes on from them; each is several times its size. */
export async function forgetCheckpoints(store: ObjectStore, { bucket, prefix }: Pick<Checkpoints, 'bucket' | 'prefix'>): Promise<void> {
  for await (const key of store.list(bucket, `${prefix}/checkpoint-`)) await store.delete(bucket, key);
}
