import { extname } from 'node:path';
import { resample } from '../../genki/evaluation/clap/resample.ts';
import { factsOfTags } from '../../genki/data/audio/tags.ts';
import type { Facts } from '../../genki/data/audio/facts.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { Audio } from '../../genki/music/codec.ts';
import { readWav } from '../../genki/music/read-wav.ts';
import { readFileWithin } from './read-file.ts';
import { type FfmpegRun, runFfmpeg } from './run-ffmpeg.ts';
import { SampleBuffer } from './sample-buffer.ts';

/** What a sound file may take of a machine. */
export type SoundLimits = {
  /** Of sound; what follows is not read. */
  readonly seconds: number;
  /** Of a WAV file without ffmpeg, which is read whole. */
  readonly wavBytes: number;
  /** Of ffmpeg on one file. */
  readonly timeoutMs: number;
  readonly tagBytes: number;
};
export const SOUND_LIMITS: SoundLimits = Object.freeze({ seconds: 3600, wavBytes: 2 ** 30, timeoutMs: 10 * 60_000, tagBytes: 2 ** 20 });

/** Its samples are there until the next is read. */
export type Sound = { readonly audio: Audio; readonly tags: Facts; readonly notes: readonly string[] };

export type SoundReader = (file: string, signal?: AbortSignal) => Promise<Sound>;

/**
 * What reads sound files at a sample rate and with so many channels: all that ffmpeg reads, the sound of videos included;
 * without ffmpeg WAV.
 * @param ffmpeg undefined where there is none
 * @returns throws {InvalidInput} {TooLarge} naming what is wrong with a file
 */
export function soundReader(ffmpeg: string | undefined, format: Pick<Audio, 'sampleRate'> & { readonly channels: 1 | 2 }, limits: SoundLimits = SOUND_LIMITS): SoundReader {
  if (ffmpeg === undefined) return (file) => readWavFile(file, format, limits);
  const buffer = new SampleBuffer();
  return async (file, signal) => {
    const { sampleRate, channels } = format;
    const most = limits.seconds * sampleRate;
    const run: FfmpegRun = { file, output: ['-f', 'f32le', '-ac', `${channels}`, '-ar', `${sampleRate}`, 'pipe:1'], timeoutMs: limits.timeoutMs, signal };
    buffer.clear(channels);
    let isWhole = true;
    const { failed, lines } = await runFfmpeg(ffmpeg, run, (chunk) => (isWhole &&= buffer.push(chunk, most)));
    if (buffer.length === 0) throw new InvalidInput(reasonOf(lines));
    const audio = buffer.audio(sampleRate);
    checkFinite(audio);
    const notes = [...(isWhole ? [] : [tooLong(limits.seconds)]), ...(failed || lines.length > 0 ? [`ffmpeg said: ${lines.at(0) ?? 'that it failed'}`] : [])];
    return { audio, tags: await readTags(ffmpeg, { ...run, output: ['-c', 'copy', '-t', '1', '-f', 'ffmetadata', 'pipe:1'] }, limits.tagBytes), notes };
  };
}

async function readTags(ffmpeg: string, run: FfmpegRun, maxBytes: number): Promise<Facts> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  await runFfmpeg(ffmpeg, run, (chunk) => {
    chunks.push(chunk);
    return (bytes += chunk.byteLength) <= maxBytes;
  });
  return factsOfTags(Buffer.concat(chunks).subarray(0, maxBytes).toString());
}

async function readWavFile(file: string, format: Pick<Audio, 'sampleRate'> & { readonly channels: 1 | 2 }, limits: SoundLimits): Promise<Sound> {
  if (!/\.wave?$/i.test(extname(file))) {
    throw new InvalidInput('Expected ffmpeg to read it (FFMPEG_BIN, the package ffmpeg-static, or on the PATH), found none; .wav is read without');
  }
  const { channels, sampleRate } = readWav(await readFileWithin(file, limits.wavBytes));
  const heard = channels.map((samples) => samples.subarray(0, limits.seconds * sampleRate));
  return { audio: { channels: mixed(heard, format.channels).map((channel) => resample(channel, sampleRate, format.sampleRate)), sampleRate: format.sampleRate }, tags: {}, notes: heard[0]!.length < channels[0]!.length ? [tooLong(limits.seconds)] : [] };
}

/** As many channels as are wanted: their mean for one, the first two for two. */
export function mixed(channels: readonly Float32Array[], wanted: 1 | 2): Float32Array[] {
  const [first, second = first] = channels;
  if (first === undefined) throw new InvalidInput('Expected a channel of sound, got none');
  if (wanted === 2) return [first, second!];
  return [channels.length === 1 ? first : first.map((_, i) => channels.reduce((sum, samples) => sum + samples[i]!, 0) / channels.length)];
}

function checkFinite({ channels, sampleRate }: Audio): void {
  for (const samples of channels) {
    const at = samples.findIndex((sample) => !Number.isFinite(sample));
    if (at >= 0) throw new InvalidInput(`Expected samples that are numbers, got ${samples[at]} after ${(at / sampleRate).toFixed(1)} s`);
  }
}

const tooLong = (seconds: number): string => `longer than ${seconds} s: only those were read`;

function reasonOf(lines: readonly string[]): string {
  if (lines.some((line) => /matches no streams/.test(line))) return 'Expected a file with sound, got one without';
  return `Expected a file of sound or a video, got one that ffmpeg cannot read${lines.length === 0 ? ' a sample of' : `: ${lines.at(0)!}`}`;
}
