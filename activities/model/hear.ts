import type { EmbedderSpec, Heard } from '../../genki/evaluation/clap/embedder.ts';
import { checkClips } from '../../genki/evaluation/clap/check-clips.ts';
import { encodeHeard } from '../../genki/evaluation/clap/heard-file.ts';
import { roundAnchors, type RoundAnchors } from '../../genki/evaluation/round-anchors.ts';
import { pairInOrder, quality } from '../../genki/evaluation/quality.ts';
import type { Estimate } from '../../genki/evaluation/held-out.ts';
import { decodeWav } from '../../genki/music/wav.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Job } from './job.ts';

/** Which prompts a round has, and whose ears it hears with. */
export type Ears = {
  readonly embedder: EmbedderSpec;
  /** Decides where long clips are cut. */
  readonly seed: string;
};

export type HearInput = Ears & {
  /** WAV files, one a prompt, in the prompts' order. */
  readonly clips: readonly ObjectRef[];
  readonly prompts: readonly string[];
  readonly bucket: string;
  readonly key: string;
};

/** How well the clips fit their prompts, and what was heard of them, as `encodeHeard` keeps it. */
export type HeardClips = { readonly heard: ObjectRef; readonly quality: Estimate };
export type HearJob = { input: HearInput; output: HeardClips };
export type AnchorsJob = { input: Ears & { readonly styles: readonly string[]; readonly count: number; readonly promptsSeed: string; readonly frameRate: number }; output: RoundAnchors & { readonly embedder: string } };

/** Far more than ten seconds of a clip; a file that is larger is none of ours. */
const MAX_CLIP_BYTES = 64 * 2 ** 20;

/** Hears the clips of one miner or Dama. */
export const hearJob: Job<HearJob> =
  ({ store, cache }) =>
  async ({ clips: refs, prompts, embedder: spec, seed, bucket, key }, control) => {
    const embedder = await cache.embedder(spec);
    if (!(await control.progress({ clips: refs.length }))) return undefined;
    const decoded = [];
    for (const ref of refs) {
      const { samples, sampleRate } = decodeWav(await store.get(ref, { maxBytes: MAX_CLIP_BYTES }));
      decoded.push({ channels: [samples], sampleRate });
    }
    const heard = await embedder.audio(checkClips(decoded, embedder.sampleRate), seed);
    const measured = qualityOf(await embedder.text(prompts), heard);
    return { heard: await store.putOnce(bucket, key, encodeHeard(heard)), quality: measured };
  };

/** What noise and the data's own music read on this round's prompts. */
export const anchorsJob: Job<AnchorsJob> =
  ({ cache }) =>
  async ({ embedder: spec, seed, ...round }, control) => {
    const embedder = await cache.embedder(spec);
    if (!(await control.progress({ prompts: round.count }))) return undefined;
    return { ...(await roundAnchors(embedder, { ...round, seed })), embedder: embedder.name };
  };

function qualityOf(texts: readonly Float32Array[], heard: readonly Heard[]): Estimate {
  const { cosine, standardError } = quality(pairInOrder(texts, heard.map(({ clip }) => clip)));
  return { mean: cosine, standardError };
}

