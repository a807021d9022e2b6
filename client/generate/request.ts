import { InvalidInput } from '../../genki/errors.ts';
import type { Start } from '../../genki/music/composition.ts';
import type { Codec } from '../../genki/music/codec.ts';
import { chromaConfig, type MusicConfig } from '../../genki/music/config.ts';
import type { LongComposition } from '../../genki/music/continuation.ts';
import { windowsOf } from '../../genki/music/continuation.ts';
import { melodyFrom, SAMPLE_RATE } from '../../genki/music/melody/chroma.ts';
import { soundReader } from '../data/read-sound.ts';

/** Longest piece. */
export const MAX_SECONDS = 600;
/** Of a MusicGen, as audiocraft has it. */
const MUSICGEN = { guidance: 3, topK: 250 } as const;

export type Asked = {
  readonly seconds?: number;
  readonly seed: string;
  readonly temperature: number;
  readonly guidance?: number;
  readonly topK?: number;
  readonly topP?: number;
};

/**
 * What to compose, with the model's own defaults: one of its clips; of a MusicGen with guidance 3 from the 250 likeliest
 * codes, of a model with words of its own without guidance from all.
 * @param start what every clip begins with
 * @throws {InvalidInput} when that leaves nothing to compose
 */
export function compositionOf({ seconds, seed, temperature, guidance, topK, topP }: Asked, music: MusicConfig, { clips, start }: { clips: number; start: Start | undefined }): LongComposition {
  const { frameRate, frames: usual } = music.codec;
  const own = music.text.kind === 'words' ? { guidance: 1, topK: music.decoder.vocabSize } : MUSICGEN;
  const frames = seconds === undefined ? usual : Math.max(1, Math.round(seconds * frameRate));
  if (frames > MAX_SECONDS * frameRate) throw new InvalidInput(`Expected music of at most ${MAX_SECONDS} s, got ${seconds} s`);
  if (start !== undefined && start.frames >= frames) throw new InvalidInput(`Expected --seconds above the ${(start.frames / frameRate).toFixed(1)} s that are there to continue, got ${(frames / frameRate).toFixed(1)}`);
  return {
    frames,
    seed,
    temperature,
    guidance: guidance ?? own.guidance,
    topK: topK ?? own.topK,
    ...(topP !== undefined && { topP }),
    ...(start && { start: Array.from({ length: clips }, () => start) }),
    windows: windowsOf(music, frameRate),
  };
}

/**
 * The codes of a sound file to go on from.
 * @throws {InvalidInput} when it cannot be read, or the codec cannot code sound
 */
export async function startOf(file: string, codec: Codec, { ffmpeg, signal }: { ffmpeg: string | undefined; signal: AbortSignal }): Promise<Start> {
  const { audio } = await soundReader(ffmpeg, codec)(file, signal);
  const seconds = (audio.channels[0]?.length ?? 0) / audio.sampleRate;
  if (seconds >= MAX_SECONDS) throw new InvalidInput(`Expected less than ${MAX_SECONDS} s of sound to go on from, got ${seconds.toFixed(0)} s in ${file}`);
  return await codec.encode(audio.channels);
}

/**
 * The melody of a sound file, by the frame from which a window of music follows it.
 * @throws {InvalidInput} when the model follows none, or the file cannot be read
 */
export async function melodyOf(file: string, { decoder, codec }: MusicConfig, how: { ffmpeg: string | undefined; signal: AbortSignal }): Promise<(frame: number) => Float32Array> {
  const chroma = chromaConfig(decoder);
  if (chroma === undefined) throw new InvalidInput('Expected a model that follows melodies, such as MusicGen melody, for --melody, got another one');
  const { audio } = await soundReader(how.ffmpeg, { sampleRate: SAMPLE_RATE, channels: 1 })(file, how.signal);
  const melody = melodyFrom(audio, chroma);
  return (frame) => melody(frame / codec.frameRate);
}

/** Which of a prompt's words a model with words of its own knows. @throws {InvalidInput} when it knows none */
export function knownWords({ text }: MusicConfig, prompt: string): string[] | undefined {
  if (text.kind !== 'words') return undefined;
  const known = prompt.toLowerCase().split(/[\s,.;:!?]+/).filter((word) => text.words.includes(word));
  if (known.length === 0) throw new InvalidInput(`Expected a prompt with words that this Dama knows (${text.words.join(' ')}), got "${prompt}"`);
  return known;
}
