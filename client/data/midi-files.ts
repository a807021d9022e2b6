import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../activities/parse-json.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { Told } from '../../genki/data/midi/import-midi.ts';
import { boundedRead } from '../../genki/store/bounded-read.ts';

const MIDI_ENDINGS = ['.mid', '.midi'];
const MAX_FILES = 100_000;
const MAX_SIDECAR_BYTES = 2 ** 16;

/** What may lie beside `song.mid` as `song.json`. */
const Sidecar = z.strictObject({
  caption: z.string().max(1024).optional(),
  style: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/).optional(),
});

/**
 * The files that are named, whether or not there are such, and those in the folders that are named that end in .mid or
 * .midi, each folder's sorted.
 * @throws {InvalidInput} when there are too many
 */
export async function findMidiFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const stat = await lstat(path).catch(() => undefined);
    if (stat?.isDirectory() !== true) files.push(path);
    else for await (const file of walk(path)) if (files.push(file) > MAX_FILES) throw new InvalidInput(`Expected at most ${MAX_FILES} files, got more in ${path}`);
  }
  return [...new Set(files)];
}

/** Links are not followed: what a folder holds lies in it. */
async function* walk(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && MIDI_ENDINGS.includes(extname(entry.name).toLowerCase())) yield path;
  }
}

/** @throws {InvalidInput} {TooLarge} naming the file */
export async function readFileWithin(path: string, maxBytes: number): Promise<Uint8Array> {
  // not to wait for a named pipe's writer
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new InvalidInput(`Expected a file ${path} that can be read`, { cause });
  });
  try {
    if (!(await file.stat()).isFile()) throw new InvalidInput(`Expected a file, got something else at ${path}`);
    return await boundedRead(file, path, { maxBytes });
  } finally {
    await file.close();
  }
}

/**
 * What is told of a file: by `song.json` {caption, style} or `song.txt` beside it, or else by its name.
 * @throws {InvalidInput} {TooLarge} naming the side-car that is not as it should be
 */
export async function toldOf(path: string): Promise<Told> {
  const stem = path.slice(0, path.length - extname(path).length);
  const json = await sidecar(`${stem}.json`);
  if (json !== undefined) {
    const parsed = Sidecar.safeParse(parseJson(json));
    if (!parsed.success) throw new InvalidInput(`Expected {caption, style} in ${stem}.json:\n${z.prettifyError(parsed.error)}`);
    const { caption, style } = parsed.data;
    return { words: [caption ?? ''], ...(style !== undefined && { style }) };
  }
  const text = await sidecar(`${stem}.txt`);
  return { words: [text === undefined ? basename(stem) : new TextDecoder().decode(text)] };
}

async function sidecar(path: string): Promise<Uint8Array | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isFile() === true ? await readFileWithin(path, MAX_SIDECAR_BYTES) : undefined;
}
