import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { InvalidInput } from '../genki/errors.ts';
import { parseJson } from './parse-json.ts';
import { Reference } from './reference.ts';

const Participant = z.strictObject({
  name: z.string().min(1),
  role: z.enum(['miner', 'validator', 'owner']),
  hotkey: z.string().min(1),
  /** Public: manifests and adapters. */
  bucket: z.string(),
  /** Never read by anybody else: data, checkpoints. */
  privateBucket: z.string(),
  /** A miner's own music. */
  dataset: z.strictObject({ name: z.string(), licence: z.string(), sharing: z.enum(['shared', 'private']), digest: z.string(), clips: z.int().positive(), ref: Reference }).optional(),
});

/** Those who act on this machine; `<home>/participants.json`, the first one of a role being its default. */
export const Participants = z.strictObject({ version: z.literal(1), participants: z.array(Participant).min(1) });
export type Participant = z.infer<typeof Participant>;

export const participantsFile = (home: string): string => join(home, 'participants.json');

/** @throws {InvalidInput} when the file is missing or not as it should be */
export async function readParticipants(home: string): Promise<readonly Participant[]> {
  const file = participantsFile(home);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InvalidInput(`Expected the participants of this machine in ${file}`, { cause });
  });
  const parsed = Participants.safeParse(parseJson(text));
  if (!parsed.success) throw new InvalidInput(`Expected participants in ${file}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data.participants;
}

/**
 * Who is meant: the named hotkey or participant name, else the default one of that role.
 * @throws {InvalidInput} when nobody fits
 */
export function participantOf(all: readonly Participant[], role: Participant['role'], wanted: string | undefined): Participant {
  const found = all.find((p) => p.role === role && (wanted === undefined || p.hotkey === wanted || p.name === wanted));
  if (found) return found;
  const known = all.filter((p) => p.role === role).map((p) => p.name);
  throw new InvalidInput(`Expected a ${role} of this machine (${known.join(', ') || 'there is none'}), got ${wanted ?? 'no name'}`);
}
