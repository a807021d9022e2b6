import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connected } from '../connect.ts';
import { findFfmpeg } from '../ffmpeg.ts';
import type { Epoch } from './epoch.ts';

const run = promisify(execFile);
const MAX_WAV_BYTES = 64 * 2 ** 20;

/** Copies of a round's music where a person finds them: WAV always, MP3 beside it where ffmpeg is found. */
export async function saveListening({ store, settings, participants }: Connected, { round, rounds }: Epoch, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { bucket, prefix } = rounds[0]!.clips;
  const dir = join(settings.home, 'listen', `round-${round}`);
  await mkdir(dir, { recursive: true });
  const nameOf = (performer: string): string => participants.find((p) => p.hotkey === performer)?.name ?? performer;
  const played = new Map<string, string>();
  for await (const key of store.list(bucket, `${prefix}/`)) if (key.endsWith('/0.wav')) played.set(key.slice(prefix.length + 1, -'/0.wav'.length), key);
  const files: string[] = [];
  for (const performer of new Set(['before', 'after', ...played.keys()])) {
    const key = played.get(performer);
    if (key === undefined) continue;
    const file = join(dir, `${nameOf(performer)}.wav`);
    await writeFile(file, await store.getByKey(bucket, key, { maxBytes: MAX_WAV_BYTES }));
    files.push(file);
  }
  const ffmpeg = await findFfmpeg(env);
  if (ffmpeg === undefined) return files;
  const mp3 = await Promise.all(files.map(async (wav) => {
    const file = wav.replace(/\.wav$/, '.mp3');
    return await run(ffmpeg, ['-y', '-loglevel', 'error', '-i', wav, '-q:a', '4', file]).then(() => [file], () => []);
  }));
  return [...files, ...mp3.flat()];
}
