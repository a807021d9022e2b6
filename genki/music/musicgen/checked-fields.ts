import type * as z from 'zod';
import { InvalidInput } from '../../errors.ts';

/**
 * The fields of one object of a `config.json`.
 * @param at where the object lies, such as `decoder`; none for the whole
 * @param schema the description of each field is what a refusal says was expected
 * @throws {InvalidInput} naming the first field that is missing, unknown, or of a value that is not supported
 */
export function checkedFields<T extends z.ZodObject>(json: object, { at, schema }: { at?: string; schema: T }): z.infer<T> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = String(issue.code === 'unrecognized_keys' ? issue.keys[0] : issue.path[0]);
  const got = (json as Record<string, unknown>)[field];
  if (issue.code === 'unrecognized_keys') throw new InvalidInput(`Expected ${at ?? 'config.json'} to have known fields, got ${field} of ${quoted(got)}`);
  throw unsupported(at === undefined ? field : `${at}.${field}`, (schema.shape[field] as z.ZodType).description!, got);
}

/** @throws {InvalidInput} when it is something else than an object */
export function objectAt(at: string, json: unknown): object {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new InvalidInput(`Expected ${at} to be an object, got ${quoted(json)}`);
  return json;
}

/** @param field with where it lies: `decoder.hidden_size` */
export const unsupported = (field: string, wanted: string, got: unknown): InvalidInput => new InvalidInput(`Expected ${field} of ${wanted}, got ${quoted(got)}`);

const quoted = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value).slice(0, 80));
