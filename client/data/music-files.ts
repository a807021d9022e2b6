import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { InvalidInput } from '../../genki/errors.ts';
import { codeOf } from '../../genki/store/system-errors.ts';
import { withFile } from './read-file.ts';

export const MIDI_ENDINGS = ['.mid', '.midi'];
/** Recordings, and videos for their sound. */
export const SOUND_ENDINGS = [
  '.3gp', '.aac', '.ac3', '.aif', '.aifc', '.aiff', '.amr', '.ape', '.asf', '.au', '.avi', '.caf', '.dsf', '.eac3', '.flac', '.flv', '.m4a', '.m4b',
  '.m4v', '.mka', '.mkv', '.mov', '.mp2', '.mp3', '.mp4', '.mpc', '.mpeg', '.mpg', '.oga', '.ogg', '.ogv', '.opus', '.snd', '.tak', '.tta', '.w64',
  '.wav', '.wave', '.webm', '.wma', '.wmv', '.wv',
];
const MAX_FILES = 100_000;

/** A file that is to be imported, or what stands in its place and why it cannot be. */
export type MusicFile = { readonly path: string; readonly problem?: string };

/**
 * The files that are named, whether or not there are such, and those in the folders that are named that end as music
 * does, each folder's sorted. Links in folders are not followed, unlike those that are named: what a folder holds lies in it.
 * @throws {InvalidInput} when there are too many
 */
export async function findMusicFiles(paths: readonly string[], endings: readonly string[]): Promise<MusicFile[]> {
  const files = new Map<string, MusicFile>();
  for (const path of paths) {
    const named = await stat(path).catch(() => undefined);
    if (named?.isDirectory() !== true) files.set(path, { path });
    else for await (const file of walk(path, endings)) if (files.set(file.path, file).size > MAX_FILES) throw new InvalidInput(`Expected at most ${MAX_FILES} files, got more in ${path}`);
  }
  return [...files.values()];
}

/** Whether a file is MIDI: by its ending, or how it begins. */
export async function isMidi(path: string): Promise<boolean> {
  if (MIDI_ENDINGS.includes(extname(path).toLowerCase())) return true;
  return await withFile(path, async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1', 0, bytesRead) === 'MThd';
  });
}

async function* walk(folder: string, endings: readonly string[]): AsyncGenerator<MusicFile> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    yield { path: folder, problem: `Expected a folder that can be read, got ${codeOf(error)}` };
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, endings);
    else if (!endings.includes(extname(entry.name).toLowerCase())) continue;
    else if (entry.isFile()) yield { path };
    else yield { path, problem: `Expected a file, got ${entry.isSymbolicLink() ? 'a link, which is not followed in a folder' : 'something else'}` };
  }
}
