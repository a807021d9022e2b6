import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { InvalidInput } from '../../genki/errors.ts';

/** What sound can be written as, by a file's ending; `.wav` without ffmpeg. */
export const ENDINGS = ['.wav', '.mp3', '.ogg', '.flac', '.opus', '.m4a'] as const;
export type Ending = (typeof ENDINGS)[number];

/** @throws {InvalidInput} when the name ends in something else */
export function endingOf(file: string): Ending {
  const ending = ENDINGS.find((known) => known === extname(file).toLowerCase());
  if (ending === undefined) throw new InvalidInput(`Expected an output ending in ${ENDINGS.join(', ')}, got ${file}`);
  return ending;
}

/** One file a prompt, absolute; several of song.wav are song-1.wav, song-2.wav, … */
export function outputsOf(output: string, prompts: number): string[] {
  const ending = extname(output);
  const stem = resolve(output).slice(0, resolve(output).length - ending.length);
  return prompts === 1 ? [resolve(output)] : Array.from({ length: prompts }, (_, i) => `${stem}-${i + 1}${ending}`);
}

/** Said before the music is made rather than after. @throws {InvalidInput} */
export async function checkWritable(output: string): Promise<void> {
  const refused = (reason: string, cause?: unknown): InvalidInput => new InvalidInput(`Expected a file that can be written, got ${output}: ${reason}`, { cause });
  const found = await stat(output).catch(() => undefined);
  if (found && !found.isFile()) throw refused('there is something that is no file');
  const folder = dirname(resolve(output));
  if (!(await stat(folder).then((entry) => entry.isDirectory(), () => false))) throw refused(`there is no folder ${folder}`);
  // a new file takes its place, so the folder has to take one
  for (const target of found ? [output, folder] : [folder]) await access(target, constants.W_OK).catch((cause: NodeJS.ErrnoException) => { throw refused(cause.code ?? 'not allowed', cause); });
}
