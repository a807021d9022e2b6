import { basename, extname } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../activities/parse-json.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { Told } from '../../genki/data/midi/import-midi.ts';
import { sideCar } from './read-file.ts';

/** What may lie beside `song.mid` as `song.json`. */
const Sidecar = z.strictObject({
  caption: z.string().max(1024).optional(),
  style: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/).optional(),
});

/**
 * What is told of a file: by `song.json` {caption, style} or `song.txt` beside it, or else by its name.
 * @throws {InvalidInput} {TooLarge} naming the side-car that is not as it should be
 */
export async function toldOf(path: string): Promise<Told> {
  const stem = path.slice(0, path.length - extname(path).length);
  const json = await sideCar(`${stem}.json`);
  if (json !== undefined) {
    const parsed = Sidecar.safeParse(parseJson(json));
    if (!parsed.success) throw new InvalidInput(`Expected {caption, style} in ${stem}.json:\n${z.prettifyError(parsed.error)}`);
    const { caption, style } = parsed.data;
    return { words: [caption ?? ''], ...(style !== undefined && { style }) };
  }
  const text = await sideCar(`${stem}.txt`);
  return { words: [text === undefined ? basename(stem) : new TextDecoder().decode(text)] };
}
