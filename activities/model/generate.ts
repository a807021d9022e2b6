import { newCodes } from '../../genki/music/clip.ts';
import { Generator } from '../../genki/music/generator.ts';
import type { LoraConfig } from '../../genki/music/lora.ts';
import { mergeWeights } from '../../genki/federation/merge.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { encodeSafetensors, type HostTensor } from '../../genki/protocol/safetensors.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Job } from './job.ts';

export type GenerateInput = {
  readonly dama: Dama;
  /** Played through this adapter, its update times the factor. */
  readonly adapter?: { readonly ref: ObjectRef; readonly lora: LoraConfig; readonly factor: number };
  readonly prompts: readonly string[];
  readonly frames: number;
  readonly seed: string;
  readonly guidance: number;
  readonly temperature: number;
  readonly topK: number;
  readonly bucket: string;
  readonly key: string;
};

/** Codes of the clips, a safetensors file with one tensor `codes` [prompts, codebooks, frames]: U8, or U16 of a model with more than 256 codes. */
export type GenerateJob = { input: GenerateInput; output: ObjectRef };

/** Positions between two reports. */
const REPORT_EVERY = 16;
const STOPPED = new Error('stopped because it was asked to');

/** Clips for some prompts; the same input gives the same codes. */
export const generateJob: Job<GenerateJob> =
  ({ engine, store, cache }) =>
  async ({ dama, adapter, prompts, bucket, key, ...request }, control) => {
    const { music, weights, conditioner } = await cache.dama(dama);
    const delta = adapter && (await cache.delta(adapter.ref, music, adapter.lora));
    const played = delta ? new Map([...weights, ...mergeWeights(weights, [{ delta, weight: adapter!.factor }])]) : weights;
    const generator = await Generator.create(engine, music, played);
    try {
      if (!(await control.progress({ prompts: prompts.length }))) return undefined;
      const clips = await generator.generateFrom(await conditioner.tell(prompts), request, async (done, of) => {
        if (done % REPORT_EVERY === 0 && !(await control.progress({ prompts: prompts.length, done, of }))) throw STOPPED;
      });
      const codes = newCodes(music.decoder.vocabSize, clips.length * clips[0]!.length);
      clips.forEach((clip, i) => codes.set(clip, i * clip.length));
      const tensor: HostTensor = { dtype: codes instanceof Uint16Array ? 'U16' : 'U8', shape: [clips.length, music.decoder.numCodebooks, request.frames], data: codes };
      return await store.putOnce(bucket, key, encodeSafetensors(new Map([['codes', tensor]]), { prompts: JSON.stringify(prompts) }));
    } catch (error) {
      if (error === STOPPED) return undefined;
      throw error;
    } finally {
      await generator.dispose();
    }
  };
