import { samplesOf, type SoundCoder } from '../../genki/data/audio/sound-coder.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { Codec } from '../../genki/music/codec.ts';
import { codecDigest } from '../../genki/music/codec-digest.ts';
import { openCodec, openModel } from '../../genki/music/open-model.ts';
import { MAX_TOKENS } from '../../genki/music/t5/t5-conditioner.ts';
import { createTokenizer, type TokenizerFiles } from '../../genki/music/t5/tokenizer.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import { engineOf } from '../../workers/engine.ts';

/** A model's codec, from when it is opened until it is closed. */
export type OpenCoder = { readonly coder: SoundCoder; readonly codec: Codec; close(): Promise<void> };

/**
 * The codec of a music model in a folder.
 * @throws {InvalidInput} when there is no such model, or its codec is the sound chip, which plays and does not record
 */
export async function openCoder(folder: string, env: NodeJS.ProcessEnv): Promise<OpenCoder> {
  const model = await openModel(folder);
  const { music } = model;
  if (music.codec.kind === 'apu') {
    await model.close();
    throw new InvalidInput(`Expected a model with an audio codec in ${folder}, got one of the sound chip: for it leave --model out`);
  }
  try {
    const digest = (await codecDigest(model))!; // of the sound chip alone there is none
    const engine = await engineOf(env);
    const codec = openCodec(engine, model);
    const { sampleRate, channels, frameRate, numCodebooks, vocabSize } = codec;
    const coder: SoundCoder = { sampleRate, channels, frameRate, numCodebooks, vocabSize, encode: (sound) => codec.encode(sound), frames: music.codec.frames, digest, captions: 'text', ...(model.tokenizer && { fits: fitting(model.tokenizer) }) };
    const close = async (): Promise<void> => {
      await codec.dispose();
      await engine.dispose();
      await model.close();
    };
    return { coder, codec, close };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** Whether T5 can be told a text. */
function fitting(files: TokenizerFiles): (caption: string) => boolean {
  const tokenizer = createTokenizer(files);
  return (caption) => tokenizer.encode(caption).length <= MAX_TOKENS;
}

/** @throws {InvalidInput} when a competition's clips are other codes than these */
export function checkFits({ numCodebooks, frameRate }: SoundCoder, { music, id }: Pick<Competition, 'music' | 'id'>): void {
  if (numCodebooks === music.codebooks && frameRate === music.frameRate) return;
  throw new InvalidInput(`Expected the model of competition ${id} (${music.model}, ${music.codebooks} codebooks at ${music.frameRate} frames a second), got one with ${numCodebooks} at ${frameRate}`);
}

/**
 * Frames of a segment of so many seconds, or of the longest clip.
 * @throws {InvalidInput} when a clip cannot be so long
 */
export function segmentFrames(coder: SoundCoder, seconds: number | undefined, longest = coder.frames): number {
  if (seconds === undefined) return longest;
  const frames = Math.round(seconds * coder.frameRate);
  if (frames >= 1 && frames <= longest) return frames;
  throw new InvalidInput(`Expected segments of at most ${(samplesOf(coder, longest) / coder.sampleRate).toFixed(2)} s, which is what the model plays at once, got ${seconds} s`);
}
