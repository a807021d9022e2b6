import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidInput } from '../../genki/errors.ts';
import type { Audio } from '../../genki/music/codec.ts';
import type { Tags } from '../../genki/music/tags.ts';
import { encodeWav } from '../../genki/music/wav.ts';
import { type Ending, endingOf } from './outputs.ts';

/** Encoder and quality, by a file's ending. */
const ENCODERS: Record<Exclude<Ending, '.wav'>, readonly string[]> = {
  '.mp3': ['-c:a', 'libmp3lame', '-q:a', '2', '-id3v2_version', '3'],
  '.ogg': ['-c:a', 'libvorbis', '-q:a', '5'],
  '.flac': ['-c:a', 'flac'],
  '.opus': ['-c:a', 'libopus', '-b:a', '160k'],
  '.m4a': ['-c:a', 'aac', '-b:a', '192k'],
};
const TIMEOUT_MS = 10 * 60_000;

export type SoundFile = { readonly output: string; readonly tags: Tags; readonly ffmpeg: string | undefined; readonly signal?: AbortSignal };

/**
 * Writes sound with its tags as what the file's name ends in. The file appears whole or not at all; one of that name is replaced.
 * @throws {InvalidInput} when ffmpeg is needed and not there, or cannot write it; whatever the signal is aborted with
 */
export async function writeSound({ channels, sampleRate }: Audio, { output, tags, ffmpeg, signal }: SoundFile): Promise<void> {
  const ending = endingOf(output);
  // beside the file, so that it can be moved there at once
  const folder = await mkdtemp(join(dirname(output), '.genki-'));
  try {
    const wav = join(folder, 'sound.wav');
    await writeFile(wav, encodeWav(channels, sampleRate, tags));
    const encoded = join(folder, `encoded${ending}`);
    if (ending !== '.wav') await encode({ from: wav, to: encoded, with: [...tagArguments(tags), ...ENCODERS[ending]] }, { ffmpeg: foundFor(output, ffmpeg), ...(signal && { signal }) });
    signal?.throwIfAborted();
    await rename(ending === '.wav' ? wav : encoded, output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws {InvalidInput} when a file that needs ffmpeg shall be written without */
export function foundFor(output: string, ffmpeg: string | undefined): string {
  if (ffmpeg === undefined) throw new InvalidInput(`Expected ffmpeg (FFMPEG_BIN, the package ffmpeg-static, or on the PATH) to write ${output}, found none; .wav works without`);
  return ffmpeg;
}

/** Each an argument of its own that begins with its name, so that no text can be an option. */
const tagArguments = ({ title, artist, software, comment }: Tags): string[] => ['-map_metadata', '-1', ...Object.entries({ title, artist, encoded_by: software, comment }).flatMap(([name, text]) => ['-metadata', `${name}=${text}`])];

async function encode(job: { from: string; to: string; with: readonly string[] }, { ffmpeg, signal }: { ffmpeg: string; signal?: AbortSignal }): Promise<void> {
  const args = ['-nostdin', '-hide_banner', '-v', 'error', '-i', `file:${job.from}`, ...job.with, '-y', `file:${job.to}`];
  try {
    await promisify(execFile)(ffmpeg, args, { timeout: TIMEOUT_MS, ...(signal && { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    const { stderr = '', code = 'no answer' } = cause as { stderr?: string; code?: string | number };
    throw new InvalidInput(`Expected ffmpeg to write ${job.to.slice(job.to.lastIndexOf('.'))}, got ${stderr.trim().split('\n').at(-1) || code}`, { cause });
  }
}
