import * as z from 'zod';
import { InvalidInput } from '../genki/errors.ts';

/**
 * A workflow's input, checked.
 * @throws {InvalidInput} naming each field that is wrong, and the fields that there are
 */
export function parseInput<S extends z.ZodObject>(schema: S, input: unknown, workflow: string): z.infer<S> {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  throw new InvalidInput(`Expected ${workflow} with an input of {${Object.keys(schema.shape).join(', ')}}:\n${z.prettifyError(parsed.error)}`);
}
