import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission, InvalidInput } from '../errors.ts';
import { BaseStep, type BaseVersion } from '../federation/lora/lineage.ts';
import { isBucketName, isObjectKey } from '../store/object-name.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

const VERSION = 1;
const DOMAIN = 'genki-base-v1:';

const Text = z.string().min(1).max(400);
const Count = z.int().nonnegative();
const Sha256 = z.hash('sha256').lowercase();
/** Base64 of 32 bytes. */
const Digest = z.base64().length(44);
const Ref = z.strictObject({ bucket: z.string().refine(isBucketName), key: z.string().refine(isObjectKey), sha256: Sha256, bytes: Count });
const Loss = z.number().nonnegative().nullable();

const BaseRecord = z.strictObject({
  version: z.literal(VERSION),
  /** Digest of the competition file. */
  competition: Digest,
  adapterId: z.string().min(1).max(64),
  /** Of the hub, which signs it. */
  hotkey: z.string().min(1).max(64),
  /** From 1 on, without a gap; the Dama that the competition began with is 0. */
  sequence: z.int().positive(),
  /** Content digest of the base before. */
  previous: Digest,
  dama: z.strictObject({ digest: Digest, weights: Ref, config: Ref, tokenizer: Ref.optional() }),
  /** What made it of the one before, in this order. */
  steps: z.array(BaseStep).max(16),
  /** Where pre-training has come to: its next call goes on from there, along the same schedule. */
  run: z.strictObject({ name: z.string().min(1).max(64), step: Count, steps: Count, checkpoint: Ref.nullable() }),
  /** The adapter's newest version that is merged into it, 0 for none: versions for this base begin after it. */
  mergedUntil: Count,
  /** Held-out loss by style, nats a code: of the base before with its adapter, and of this one. */
  losses: z.record(z.string().min(1).max(64), z.strictObject({ before: Loss, after: Loss })),
  /** Late results for the base before that are not merged: written anew for this one where that is exact, or waiting to be trained again. */
  rebased: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('exact'), adapter: Sha256, file: Ref, rank: z.int().positive() }),
        /** `start`: what it has beyond its parent, to begin training with; `error`: what of that does not fit into the rank, relative, Frobenius. */
        z.strictObject({ kind: z.literal('re-refine'), adapter: Sha256, reason: Text, start: Ref, error: z.number().nonnegative() }),
      ]),
    )
    .max(256),
  /** The finalized block by whose hash and those after it the held-out music was drawn. */
  block: Count,
  /** The base that this is again, 0 for the one that the competition began with: then nothing was done to it, and nothing measured. */
  rolledBackTo: Count.optional(),
}).refine(({ steps, rolledBackTo }) => (steps.length === 0) === (rolledBackTo !== undefined), 'expected what made it of the one before, or which earlier one it is again');

/** One version of the base of a relayed adapter. */
export type BaseRecord = z.infer<typeof BaseRecord>;

/** Where all of them lie in the hub's bucket; their names sort. */
export const basesPrefix = (adapterId: string): string => `adapters/${adapterId}/bases/`;

/** `adapters/<adapterId>/bases/0000000003.json` */
export const baseKey = (adapterId: string, sequence: number): string => `${basesPrefix(adapterId)}${String(sequence).padStart(10, '0')}.json`;

/** More than any record has. */
export const MAX_BASE_RECORD_BYTES = 2 ** 18;

/** As the lineage of adapters wants it; a base that is there again comes from what it came from. */
export const lineageOf = (records: readonly BaseRecord[]): BaseVersion[] => records.filter(({ rolledBackTo }) => rolledBackTo === undefined).map(({ dama, previous, steps }) => ({ base: dama.digest, previous, steps }));

/**
 * The bases that the newest one comes from, and itself, in their order: what was rolled back is none of them.
 * @param records all of them, in their order
 */
export function standingBases(records: readonly BaseRecord[]): readonly BaseRecord[] {
  const lines = new Map<number, readonly BaseRecord[]>();
  for (const record of records) lines.set(record.sequence, record.rolledBackTo === undefined ? [...(lines.get(record.sequence - 1) ?? []), record] : (lines.get(record.rolledBackTo) ?? []));
  return lines.get(records.at(-1)?.sequence ?? 0) ?? [];
}

/**
 * The record's file: canonical JSON, signed by the hub. A signature holds randomness, so two calls give two files.
 * @throws {InvalidInput} when the body is not a record of the signer
 */
export function signBaseRecord(body: BaseRecord, signer: Signer): Uint8Array {
  const checked = BaseRecord.safeParse(body);
  if (!checked.success) throw new InvalidInput(`Expected a version of a base:\n${z.prettifyError(checked.error)}`);
  if (body.hotkey !== signer.hotkey) throw new InvalidInput(`Expected a base of the hub ${signer.hotkey}, got one of ${body.hotkey}`);
  return signJson(DOMAIN, checked.data, signer);
}

/**
 * The body of a record's file from outside.
 * @throws {BadSubmission} when it is not one of that hub for that adapter, or has another number
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function openBaseRecord(bytes: Uint8Array, expected: { readonly hotkey: Hotkey; readonly adapterId: string; readonly sequence: number }, verify: VerifySignature): BaseRecord {
  const { hotkey, adapterId, sequence } = expected;
  const parsed = BaseRecord.safeParse(openSignedJson(DOMAIN, bytes, { hotkey, version: VERSION }, verify));
  if (!parsed.success) throw new BadSubmission(`Expected a version of a base:\n${z.prettifyError(parsed.error)}`);
  const body = parsed.data;
  if (body.hotkey !== hotkey || body.adapterId !== adapterId || body.sequence !== sequence) throw new BadSubmission(`Expected base ${sequence} of ${adapterId} by ${hotkey}, got base ${body.sequence} of ${body.adapterId} by ${body.hotkey}`);
  return body;
}
