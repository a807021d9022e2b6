import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { lockFolder } from '../genki/chain/local/lock.ts';
import { looksSecret } from '../genki/chain/looks-secret.ts';
import { InvalidInput } from '../genki/errors.ts';
import { PrivacyConfig } from '../genki/federation/privacy/privacy-config.ts';
import { parseJson } from './parse-json.ts';
import { Reference } from './reference.ts';
import { writeJson } from './write-json.ts';

const Participant = z.strictObject({
  name: z.string().min(1),
  role: z.enum(['miner', 'validator', 'owner', 'hub']),
  hotkey: z.string().min(1),
  /** Public: manifests and adapters. */
  bucket: z.string(),
  /** Never read by anybody else: data, checkpoints. */
  privateBucket: z.string(),
  /** A miner's own music. */
  dataset: z.strictObject({ name: z.string(), licence: z.string(), sharing: z.enum(['shared', 'private']), digest: z.string(), clips: z.int().positive(), ref: Reference }).optional(),
  /** What a miner asks of its updates where windows of them are exchanged; without it they are sent as they are. */
  privacy: PrivacyConfig.optional(),
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
  throw new InvalidInput(`Expected a ${role} of this machine (${known.join(', ') || 'there is none'}), got ${wanted === undefined ? 'no name' : looksSecret(wanted) ? 'what may be a secret' : wanted}`);
}

/** What a dataset is called in public: where it lies is nobody's business. */
export const withoutRef = ({ name, licence, sharing, digest, clips }: NonNullable<Participant['dataset']>) => ({ name, licence, sharing, digest, clips });

/**
 * Puts a miner's music into the participants file, whole or not at all; the next window trains on it.
 * @returns what it was before; its object stays where it is
 * @throws {InvalidInput} when there is no such miner, or somebody else is writing the file
 */
export async function setDataset(home: string, hotkey: string, dataset: NonNullable<Participant['dataset']>): Promise<Participant['dataset']> {
  const release = await lockFolder(join(home, 'participants.lock'));
  try {
    const all = await readParticipants(home);
    const miner = participantOf(all, 'miner', hotkey);
    await writeJson(participantsFile(home), { version: 1, participants: all.map((one) => (one === miner ? { ...one, dataset } : one)) });
    return miner.dataset;
  } finally {
    await release();
  }
}
