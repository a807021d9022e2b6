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

/** Codes of the clips, a safetensors file with one tensor `codes` U8 [prompts, codebooks, frames]. */
export type GenerateJob = { input: GenerateInput; output: ObjectRef };

/** Clips for some prompts; the same input gives the same codes. */
export const generateJob: Job<GenerateJob> =
  ({ engine, store, cache }) =>
  async ({ dama, adapter, prompts, bucket, key, ...request }, control) => {
    const { music, weights } = await cache.dama(dama);
    const delta = adapter && (await cache.delta(adapter.ref, music, adapter.lora));
    const played = delta ? new Map([...weights, ...mergeWeights(weights, [{ delta, weight: adapter!.factor }])]) : weights;
    const generator = await Generator.create(engine, music, played);
    try {
      if (!(await control.progress({ prompts: prompts.length }))) return undefined;
      const clips = await generator.generate({ prompts, ...request });
      const codes = new Uint8Array(clips.length * clips[0]!.length);
      clips.forEach((clip, i) => codes.set(clip, i * clip.length));
      const tensor: HostTensor = { dtype: 'U8', shape: [clips.length, music.decoder.numCodebooks, request.frames], data: codes };
      return await store.putOnce(bucket, key, encodeSafetensors(new Map([['codes', tensor]]), { prompts: JSON.stringify(prompts) }));
    } finally {
      await generator.dispose();
    }
  };
