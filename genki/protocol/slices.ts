import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission } from '../errors.ts';
import { seedOf, type SeedSource } from './seeds.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

/**
 * What a peer signs of the slice that it disclosed, in `manifests/<commit>.slice.json` beside the window's manifest
 * `manifests/<commit>.json`: {manifest, sha256, version}. An audit looks at some values of a slice; with this nobody, the
 * validator that closes the window among them, can change any of the others.
 */
const VERSION = 1;
const DOMAIN = 'genki-disclosure-v1:';

/** More than any such file has. */
export const MAX_SLICE_FILE_BYTES = 1024;

const SliceBody = z.strictObject({ version: z.literal(VERSION), manifest: z.string().regex(/^[0-9a-f]{40}$/), sha256: z.hash('sha256').lowercase() });

/** `manifest`: its commit; `sha256`: of the slice's file. */
export type SignedSlice = { readonly manifest: string; readonly sha256: string };

/** Where it lies what the peer signed of the slice of the manifest with this commit. */
export const sliceFileOf = (commit: string): string => `manifests/${commit}.slice.json`;

/** A signature holds randomness, so two calls give two files. */
export const signSliceFile = ({ manifest, sha256 }: SignedSlice, signer: Signer): Uint8Array => signJson(DOMAIN, { version: VERSION, manifest, sha256 }, signer);

/**
 * sha256 of the slice that a peer signed for, in a file from outside.
 * @param expected commit of the window's manifest, and whose that is
 * @throws {BadSubmission} when it is not one of that hotkey for that manifest
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function openSliceFile(file: Uint8Array, { hotkey, manifest }: { readonly hotkey: Hotkey; readonly manifest: string }, verify: VerifySignature): string {
  const parsed = SliceBody.safeParse(openSignedJson(DOMAIN, file, { hotkey, version: VERSION }, verify));
  if (!parsed.success) throw new BadSubmission(`Expected what a peer signed of its slice:\n${z.prettifyError(parsed.error)}`);
  if (parsed.data.manifest !== manifest) throw new BadSubmission(`Expected the slice of the manifest ${manifest}, got that of ${parsed.data.manifest}`);
  return parsed.data.sha256;
}

/** The seed of what of a window's slices is audited, from the hashes of `holdOutBlocks`. */
export const auditSeed = (source: SeedSource, window: number): string => seedOf(source, `audit/${window}`);
