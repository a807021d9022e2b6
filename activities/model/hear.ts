import type { Embedder, EmbedderSpec, Heard } from '../../genki/evaluation/clap/embedder.ts';
import { checkClips } from '../../genki/evaluation/clap/check-clips.ts';
import { encodeHeard } from '../../genki/evaluation/clap/heard-file.ts';
import { roundAnchors, type RoundAnchors } from '../../genki/evaluation/round-anchors.ts';
import { pairInOrder, quality } from '../../genki/evaluation/quality.ts';
import type { Estimate } from '../../genki/evaluation/held-out.ts';
import { decodeWav } from '../../genki/music/wav.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Control, Job } from './job.ts';
import type { ModelCache } from './model-cache.ts';

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
    const embedder = await opened(cache, spec, control);
    if (!embedder) return undefined;
    const decoded = [];
    for (const ref of refs) {
      const { samples, sampleRate } = decodeWav(await store.get(ref, { maxBytes: MAX_CLIP_BYTES }));
      decoded.push({ channels: [samples], sampleRate });
    }
    const heard = await embedder.audio(checkClips(decoded, embedder.sampleRate), seed);
    if (embedder.isStopped()) return undefined;
    const measured = qualityOf(await embedder.text(prompts), heard);
    return { heard: await store.putOnce(bucket, key, encodeHeard(heard)), quality: measured };
  };

/** What noise and the data's own music read on this round's prompts. */
export const anchorsJob: Job<AnchorsJob> =
  ({ cache }) =>
  async ({ embedder: spec, seed, ...round }, control) => {
    const embedder = await opened(cache, spec, control);
    if (!embedder) return undefined;
    const anchors = await roundAnchors(embedder, { ...round, seed });
    return embedder.isStopped() ? undefined : { ...anchors, embedder: embedder.name };
  };

/** Between two signs of life while files are fetched and tested; a runner that is silent for two minutes is taken for hung. */
const BEAT_MS = 10_000;

/** The embedder, one clip at a time, so that a job goes on being heard of; undefined when it was asked to stop meanwhile. */
async function opened(cache: ModelCache, spec: EmbedderSpec, control: Control): Promise<(Embedder & { isStopped(): boolean }) | undefined> {
  const beat = setInterval(() => void control.progress({ opening: spec.kind }), BEAT_MS);
  const embedder = await cache.embedder(spec).finally(() => clearInterval(beat));
  let goesOn = await control.progress({ embedder: embedder.name });
  let clipsHeard = 0;
  const audio = async (clips: readonly Float32Array[], seed: string): Promise<Heard[]> => {
    const heard: Heard[] = [];
    for (const clip of clips) {
      heard.push(...(await embedder.audio([clip], seed)));
      goesOn = (await control.progress({ heard: ++clipsHeard })) && goesOn;
    }
    return heard;
  };
  const { name, sampleRate, dimensions } = embedder;
  return goesOn ? { name, sampleRate, dimensions, audio, text: (captions) => embedder.text(captions), dispose: () => embedder.dispose(), isStopped: () => !goesOn } : undefined;
}

function qualityOf(texts: readonly Float32Array[], heard: readonly Heard[]): Estimate {
  const { cosine, standardError } = quality(pairInOrder(texts, heard.map(({ clip }) => clip)));
  return { mean: cosine, standardError };
}

