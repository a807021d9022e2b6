import * as z from 'zod';
import { InvalidInput } from '../../errors.ts';
import { type Facts, listed, oneLine } from './facts.ts';
import { readKey } from './key-name.ts';

const text = z.string().nullish();
/** One text in which names stand between commas, or a list of names. */
const names = z.union([z.string(), z.array(z.string())], 'expected a text or a list of texts').nullish();
const number = z.number().nonnegative().nullish();

/**
 * What may lie beside `song.mp3` as `song.json`: `caption` and `style`, or the labels that audiocraft's tools write. What
 * does not tell how the music sounds is checked and not used; keys of other programs are let through.
 */
const SideCar = z.looseObject({
  caption: text,
  style: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected a lower-case word of at most 32 characters').nullish(),
  description: text,
  title: text,
  keywords: names,
  genre: names,
  moods: names,
  instrument: names,
  bpm: z.union([z.number().min(1).max(1000), z.string().regex(/^(\d{1,3}(\.\d+)?)?$/)], 'expected a number from 1 to 1000').nullish(),
  key: text,
  artist: text,
  name: text,
  file_extension: text,
  sample_rate: number,
  duration: number,
});

const SEPARATOR = /[,;]/;

/**
 * What a side-car says of its song.
 * @throws {InvalidInput} naming each field of a wrong type
 */
export function factsOfSideCar(json: unknown, file: string): Facts {
  const parsed = SideCar.safeParse(json);
  if (!parsed.success) throw new InvalidInput(`Expected labels of a song in ${file}:\n${z.prettifyError(parsed.error)}`);
  const { caption, style, description, title, keywords, genre, moods, instrument, bpm, key } = parsed.data;
  const list = (value: string | string[] | null | undefined): string[] => listed([value ?? []].flat(), SEPARATOR);
  const beats = Math.round(Number(bpm ?? 0));
  return {
    caption: oneLine(caption ?? ''),
    ...(style != null && { style }),
    description: oneLine(description ?? ''),
    title: oneLine(title ?? ''),
    keywords: list(keywords),
    genres: list(genre).map((one) => one.replace(/-{2,}/g, ', ')),
    moods: list(moods),
    instruments: list(instrument),
    ...(beats > 0 && { bpm: beats }),
    ...(key != null && oneLine(key) !== '' && { key: oneLine(readKey(key)) }),
  };
}
