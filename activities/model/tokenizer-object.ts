import * as z from 'zod';
import { InvalidInput } from '../../genki/errors.ts';
import type { TokenizerFiles } from '../../genki/music/t5/tokenizer.ts';

const Tokenizer = z.strictObject({ json: z.string(), config: z.string() });

/** A tokenizer's two files as the one object that a Dama refers to. */
export const encodeTokenizer = ({ json, config }: TokenizerFiles): Uint8Array => new TextEncoder().encode(JSON.stringify({ json, config }));

/** @throws {InvalidInput} when the object is none */
export function readTokenizer(object: Uint8Array): TokenizerFiles {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(object));
  } catch (cause) {
    throw new InvalidInput('Expected a tokenizer in JSON, got other text', { cause });
  }
  const parsed = Tokenizer.safeParse(value);
  if (!parsed.success) throw new InvalidInput(`Expected a tokenizer:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
