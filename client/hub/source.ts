import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../activities/parse-json.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { licenceOfCard } from './licence.ts';

/** Where a folder's model was pulled from, in its `source.json`. */
export const SOURCE_FILE = 'source.json';

const Source = z.strictObject({
  version: z.literal(1),
  hub: z.url(),
  repository: z.string().max(200),
  /** 40 hex digits. */
  revision: z.string().regex(/^[0-9a-f]{40}$/),
  licence: z.string().max(64).optional(),
  /** sha256 of each file, hex. */
  files: z.record(z.string(), z.hash('sha256')),
});
export type Source = z.infer<typeof Source>;

/**
 * What `model pull` has kept beside a model; undefined where it was not pulled.
 * @throws {InvalidInput} when the file is there and something else
 */
export async function readSource(folder: string): Promise<Source | undefined> {
  const file = join(folder, SOURCE_FILE);
  const text = await readFile(file).catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = Source.safeParse(parseJson(text));
  if (!parsed.success) throw new InvalidInput(`Expected where a model comes from in ${file}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The licence that a model's folder names, by where it was pulled from or by its card. */
export async function licenceOf(folder: string): Promise<string | undefined> {
  const card = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
  return (await readSource(folder))?.licence ?? licenceOfCard(card);
}
