import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission, InvalidInput } from '../errors.ts';
import { isBucketName, isKeySegment, isObjectKey } from '../store/object-name.ts';
import { manifestKeyOf } from './commit-record.ts';
import { boundDigest, dirDigest, fileDigest, sha256Hex } from './digests.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

const VERSION = 1;
const DOMAIN = 'genki-manifest-v1:';
/** The manifest's own name in the digest over it and its files. */
const MANIFEST = 'manifest.json';

/** PEFT's name of the file that an adapter's manifest is about. */
export const ADAPTER_FILE = 'adapter_model.safetensors';
/** The file that a window's manifest is about: what the peer's training changed. */
export const UPDATE_FILE = 'update.safetensors';

const Text = z.string().min(1).max(200);
const Count = z.int().nonnegative();
/** Base64 of 32 bytes. */
const Digest = z.base64().length(44);
const Ref = z.strictObject({ bucket: z.string().refine(isBucketName), key: z.string().refine(isObjectKey), sha256: z.hash('sha256').lowercase(), bytes: Count });
/** A file as it lies in its bucket and, where that is sealed (`sealing.ts`), what it holds. */
const File = z.strictObject({ name: z.string().refine(isKeySegment), ref: Ref, content: z.strictObject({ sha256: z.hash('sha256').lowercase(), bytes: Count }).optional() });
const Files = z
  .array(File)
  .max(64)
  .refine((files) => new Set(files.map(({ name }) => name)).size === files.length, 'expected each name once')
  .refine((files) => files.every(({ name }) => name !== MANIFEST), `expected no file named ${MANIFEST}`);

const common = {
  version: z.literal(VERSION),
  /** The workflow run that made it. */
  run: Text,
  /** Digest of the competition file. */
  competition: Digest,
  hotkey: Text,
  /** Content digest of the Dama that it was made from. */
  base: Digest,
  files: Files,
};

/** What it was trained on; private data is named, never shipped. */
const Dataset = z.strictObject({ name: Text, licence: Text, sharing: z.enum(['shared', 'private']), digest: Text, clips: Count });
/** Losses in nats per code, of the first and the last step. */
const Training = z.strictObject({ steps: Count, firstLoss: z.number(), lastLoss: z.number(), engine: Text });

const AdapterManifest = z.strictObject({
  ...common,
  kind: z.literal('adapter'),
  files: Files.min(1),
  window: Count.optional(),
  /** Of the lease that it was made under. */
  fence: Count.optional(),
  dataset: Dataset.optional(),
  training: Training.optional(),
});

const DamaManifest = z.strictObject({
  ...common,
  kind: z.literal('dama'),
  /** Of the round that made it; grows from one manifest to the next. */
  epoch: Count,
  /** The Dama that this validator stands for. */
  dama: z.strictObject({ digest: Digest, weights: Ref, config: Ref, tokenizer: Ref.optional() }),
  report: Ref,
});

/** Says on the chain, once, which bucket a hotkey publishes its windows in. */
const RunManifest = z.strictObject({ ...common, kind: z.literal('run'), files: Files.max(0) });

/**
 * What a peer hands in for one window, signed before the window is over: an update that is sealed, or the root of one of
 * which a slice is to be disclosed.
 */
const WindowManifest = z
  .strictObject({
    ...common,
    kind: z.literal('window'),
    window: Count,
    /** `stateDigest` of the model that it was made from. */
    base: Digest,
    files: Files.max(1).refine((files) => files.every(({ name }) => name === UPDATE_FILE), `expected no file but ${UPDATE_FILE}`),
    /** Of the Merkle tree over the whole update, hex, and how many values that has. */
    root: z.hash('sha256').lowercase().optional(),
    count: Count.optional(),
    dataset: Dataset.optional(),
    training: Training.optional(),
  })
  .refine(({ files, root, count }) => (files.length === 1 ? root === undefined && count === undefined : root !== undefined && count !== undefined), `expected either the file ${UPDATE_FILE} or a root and a count`)
  .refine(({ files }) => files.every(({ content }) => content !== undefined), 'expected a file that is sealed');

const Manifest = z.discriminatedUnion('kind', [AdapterManifest, DamaManifest, RunManifest, WindowManifest]);

export type AdapterManifest = z.infer<typeof AdapterManifest>;
export type DamaManifest = z.infer<typeof DamaManifest>;
export type RunManifest = z.infer<typeof RunManifest>;
export type WindowManifest = z.infer<typeof WindowManifest>;
export type ManifestBody = z.infer<typeof Manifest>;
export type ManifestKind = ManifestBody['kind'];

export type ExpectedManifest<K extends ManifestKind> = {
  readonly kind: K;
  readonly hotkey: Hotkey;
  /** Digest of the competition. */
  readonly competition: string;
  /** Content digest of the Dama that it has to be made from. */
  readonly base?: string;
  /** The only bucket that its files may lie in. */
  readonly bucket?: string;
  /** What the commit record says of it. */
  readonly record?: { readonly commit: string | null; readonly hash: string | null };
};

/**
 * The manifest's file: canonical JSON, signed. A signature holds randomness, so two calls give two files.
 * @throws {InvalidInput} when the body is not a manifest of the signer
 */
export function signManifest(body: ManifestBody, signer: Signer): Uint8Array {
  const checked = Manifest.safeParse(body);
  if (!checked.success) throw new InvalidInput(`Expected a manifest:\n${z.prettifyError(checked.error)}`);
  if (body.hotkey !== signer.hotkey) throw new InvalidInput(`Expected a manifest of ${signer.hotkey}, got one of ${body.hotkey}`);
  return signJson(DOMAIN, checked.data, signer);
}

/** `manifests/<the first 40 hex digits of its sha256>.json` */
export const manifestKey = (bytes: Uint8Array): string => manifestKeyOf(manifestCommit(bytes));

/** What a commit record's `commit` says of a manifest. */
export const manifestCommit = (bytes: Uint8Array): string => sha256Hex(bytes).slice(0, 40);

/**
 * What a commit record's `hash` says: the digest over the manifest and the files that it names, bound to its hotkey.
 * @param bytes the manifest's file
 */
export function manifestHash(bytes: Uint8Array, { files, hotkey }: Pick<ManifestBody, 'files' | 'hotkey'>): string {
  const digests = new Map(files.map(({ name, ref }) => [name, Buffer.from(ref.sha256, 'hex').toString('base64')]));
  return boundDigest(dirDigest(digests.set(MANIFEST, fileDigest(bytes))), hotkey);
}

/**
 * The body of a manifest from outside, once everything that it can be held to is checked.
 * @throws {BadSubmission} naming what was expected and found
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function verifyManifest<K extends ManifestKind>(bytes: Uint8Array, expected: ExpectedManifest<K>, verify: VerifySignature): Extract<ManifestBody, { kind: K }> {
  const { record } = expected;
  if (record) agree('commit', record.commit, manifestCommit(bytes));
  const parsed = Manifest.safeParse(openSignedJson(DOMAIN, bytes, { hotkey: expected.hotkey, version: VERSION }, verify));
  if (!parsed.success) throw new BadSubmission(`Expected a manifest:\n${z.prettifyError(parsed.error)}`);
  const body = parsed.data;
  if (record) agree('hash', record.hash, manifestHash(bytes, body));
  if (!isKind(body, expected.kind)) throw new BadSubmission(`Expected a manifest of kind ${expected.kind}, got ${body.kind}`);
  agree('hotkey', expected.hotkey, body.hotkey);
  agree('competition', expected.competition, body.competition);
  if (expected.base !== undefined) agree('base', expected.base, body.base);
  for (const { ref } of expected.bucket === undefined ? [] : body.files) agree('bucket', expected.bucket, ref.bucket);
  return body;
}

function isKind<K extends ManifestKind>(body: ManifestBody, kind: K): body is Extract<ManifestBody, { kind: K }> {
  return body.kind === kind;
}

function agree(field: string, expected: string | null | undefined, got: string): void {
  if (expected !== got) throw new BadSubmission(`Expected a manifest with ${field} ${expected ?? 'None'}, got ${got}`);
}
