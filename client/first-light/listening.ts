import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Connected } from '../connect.ts';
import { findFfmpeg } from '../ffmpeg.ts';
import type { Epoch } from './epoch.ts';

const run = promisify(execFile);
const MAX_WAV_BYTES = 64 * 2 ** 20;

/** Copies of a round's music where a person finds them: WAV always, MP3 beside it where ffmpeg is found. */
export async function saveListening({ store, settings, participants }: Connected, { round, rounds }: Epoch, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { before, after, miners } = rounds[0]!.clips;
  const dir = join(settings.home, 'listen', `round-${round}`);
  await mkdir(dir, { recursive: true });
  const nameOf = (hotkey: string): string => participants.find((p) => p.hotkey === hotkey)?.name ?? hotkey;
  const wanted: [string, ObjectRef | undefined][] = [['before', before[0]], ['after', after[0]], ...Object.entries(miners).map(([hotkey, clips]): [string, ObjectRef | undefined] => [nameOf(hotkey), clips[0]])];
  const files: string[] = [];
  for (const [name, ref] of wanted) {
    if (!ref) continue;
    const file = join(dir, `${name}.wav`);
    await writeFile(file, await store.get(ref, { maxBytes: MAX_WAV_BYTES }));
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
