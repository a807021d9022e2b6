import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission, InvalidInput } from '../errors.ts';
import { isBucketName, isObjectKey } from '../store/object-name.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

const VERSION = 1;
const DOMAIN = 'genki-adapter-version-v1:';

const Text = z.string().min(1).max(200);
const Count = z.int().nonnegative();
/** Base64 of 32 bytes. */
const Digest = z.base64().length(44);
const Ref = z.strictObject({ bucket: z.string().refine(isBucketName), key: z.string().refine(isObjectKey), sha256: z.hash('sha256').lowercase(), bytes: Count });
/** Nats per code; null where it is no finite number. */
const Loss = z.number().nonnegative().nullable();

const AdapterVersion = z.strictObject({
  version: z.literal(VERSION),
  /** Digest of the competition file. */
  competition: Digest,
  adapterId: Text,
  /** Of the hub, which signs it. */
  hotkey: Text,
  /** From 1 on, without a gap: each is a file of its own that never changes. */
  sequence: z.int().positive(),
  /** The version that it was made from; 0 for none. */
  parent: Count,
  /** Content digest of the Dama that it belongs to. */
  base: Digest,
  adapter: Ref,
  /** Who made it, and under which lease. */
  author: z.strictObject({ hotkey: Text, fence: z.int().positive() }),
  /** Held-out loss by style: of the Dama alone, with the version before, with this one. */
  losses: z.record(Text, z.strictObject({ base: Loss, before: Loss, after: Loss })),
  /** The finalized block by whose hash and those before it the held-out music was drawn. */
  block: Count,
  /** sha256 of a late result for an earlier base that its author was handed to begin with. */
  refines: z.hash('sha256').lowercase().optional(),
  /** The version whose content this is again. */
  rolledBackTo: z.int().positive().optional(),
});

/** One version of a relayed adapter. */
export type AdapterVersion = z.infer<typeof AdapterVersion>;

/** Where all versions of an adapter lie in the hub's bucket; their names sort. */
export const versionsPrefix = (adapterId: string): string => `adapters/${adapterId}/versions/`;

/** `adapters/<adapterId>/versions/0000000012.json` */
export const versionKey = (adapterId: string, sequence: number): string => `${versionsPrefix(adapterId)}${String(sequence).padStart(10, '0')}.json`;

/** More than any version's file has. */
export const MAX_VERSION_BYTES = 2 ** 16;

/**
 * The version's file: canonical JSON, signed by the hub. A signature holds randomness, so two calls give two files.
 * @throws {InvalidInput} when the body is not a version of the signer
 */
export function signVersion(body: AdapterVersion, signer: Signer): Uint8Array {
  const checked = AdapterVersion.safeParse(body);
  if (!checked.success) throw new InvalidInput(`Expected a version of an adapter:\n${z.prettifyError(checked.error)}`);
  if (body.hotkey !== signer.hotkey) throw new InvalidInput(`Expected a version of the hub ${signer.hotkey}, got one of ${body.hotkey}`);
  return signJson(DOMAIN, checked.data, signer);
}

/**
 * The body of a version's file from outside.
 * @throws {BadSubmission} when it is not one of that hub for that adapter, or has another number
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function openVersion(bytes: Uint8Array, expected: { readonly hotkey: Hotkey; readonly adapterId: string; readonly sequence: number }, verify: VerifySignature): AdapterVersion {
  const { hotkey, adapterId, sequence } = expected;
  const parsed = AdapterVersion.safeParse(openSignedJson(DOMAIN, bytes, { hotkey, version: VERSION }, verify));
  if (!parsed.success) throw new BadSubmission(`Expected a version of an adapter:\n${z.prettifyError(parsed.error)}`);
  const body = parsed.data;
  if (body.hotkey !== hotkey || body.adapterId !== adapterId || body.sequence !== sequence) throw new BadSubmission(`Expected version ${sequence} of ${adapterId} by ${hotkey}, got version ${body.sequence} of ${body.adapterId} by ${body.hotkey}`);
  return body;
}
