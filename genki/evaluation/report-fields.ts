import * as z from 'zod';
import { isBucketName, isObjectKey } from '../store/object-name.ts';

/**
 * Lists and records look at no member behind the first that is wrong: an error for each of millions would not fit into
 * memory.
 */
export const listOf = <T>(schema: z.ZodType<T>, most: number): z.ZodType<T[]> =>
  z.custom<T[]>(Array.isArray, 'expected a list').superRefine((list, context) => {
    if (!Array.isArray(list)) return;
    if (list.length > most) context.addIssue({ code: 'custom', message: `expected at most ${most} of them, got ${list.length}` });
    else firstWrong(schema, list.entries(), context);
  });
export const recordOf = <T>(schema: z.ZodType<T>, most: number): z.ZodType<Record<string, T>> =>
  z.custom<Record<string, T>>(isRecord, 'expected an object').superRefine((record, context) => {
    if (!isRecord(record)) return;
    const members = Object.entries(record);
    if (members.length > most) context.addIssue({ code: 'custom', message: `expected at most ${most} keys, got ${members.length}` });
    else firstWrong(schema, members, context);
  });
const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

function firstWrong(schema: z.ZodType, members: Iterable<[string | number, unknown]>, context: z.RefinementCtx): void {
  for (const [name, member] of members) {
    const { error } = schema.safeParse(member);
    if (!error) continue;
    const { path, message } = error.issues[0]!;
    context.addIssue({ code: 'custom', path: [name, ...path], message });
    return;
  }
}

export const Share = z.number().min(0).max(1);
export const Block = z.int().nonnegative();
/** It is shown on terminals: nothing in it moves a cursor. */
export const Line = (most: number) => z.string().max(most).regex(/^\P{C}*$/u, 'expected one line of text');
export const Hotkey = Line(64).min(1);
export const Digest = z.base64().length(44);
export const Sha256 = z.hash('sha256').lowercase();
export const Ref = z.strictObject({ bucket: z.string().refine(isBucketName), key: z.string().refine(isObjectKey), sha256: Sha256, bytes: Block });

/** Of a file with more to say, the beginning is enough. */
const MAX_SAID = 10;
const MAX_MESSAGE = 2000;

/** What a file from outside lacks, in words; a key that nobody knows may be any text. */
export const said = (error: z.ZodError): string => z.prettifyError(new z.ZodError(error.issues.slice(0, MAX_SAID))).slice(0, MAX_MESSAGE).replace(/[^\P{C}\n]/gu, '');
