import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../errors.ts';
import { canonicalJson } from './canonical-json.ts';

/** Whether the signature is that hotkey's over the message; never throws. */
export type VerifySignature = (message: Uint8Array, signature: Uint8Array, hotkey: Hotkey) => boolean;

const Envelope = z.strictObject({
  body: z.looseObject({ version: z.int().positive() }),
  // lower case alone: another writing of it would be another file
  signature: z.string().regex(/^[0-9a-f]{128}$/, 'expected 128 lower-case hex digits'),
});

/**
 * The file `{"body": …, "signature": …}` in canonical JSON. What is signed begins with the domain, so that a signature
 * made for one purpose is none for another.
 */
export function signJson(domain: string, body: unknown, signer: Signer): Uint8Array {
  const signature = Buffer.from(signer.sign(message(domain, body))).toString('hex');
  return new TextEncoder().encode(canonicalJson({ body, signature }));
}

/**
 * The body of a signed file from outside, its shape not looked at beyond the version.
 * @throws {BadSubmission} when it is not canonical JSON, or not signed by the hotkey
 * @throws {NewerSchema} when its version is above ours
 */
export function openSignedJson(domain: string, bytes: Uint8Array, expected: { readonly hotkey: Hotkey; readonly version: number }, verify: VerifySignature): unknown {
  const envelope = Envelope.safeParse(parse(bytes));
  if (!envelope.success) throw new BadSubmission(`Expected a signed file:\n${z.prettifyError(envelope.error)}`);
  const { body, signature } = envelope.data;
  // before the signature, whose domain may be newer, too
  if (body.version > expected.version) throw new NewerSchema(`Expected a schema of version ${expected.version} or older, got ${body.version}`);
  if (!verify(message(domain, body), Buffer.from(signature, 'hex'), expected.hotkey)) {
    throw new BadSubmission(`Expected a signature of ${expected.hotkey}, got one that is not`);
  }
  return body;
}

/** One text for one value: a key twice, spaces, or another order of keys would be a second one. */
function parse(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (canonicalJson(value) === text) return value;
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError || cause instanceof RangeError || cause instanceof InvalidInput) {
      throw new BadSubmission('Expected a file in JSON and UTF-8, got other bytes', { cause });
    }
    throw cause;
  }
  throw new BadSubmission('Expected canonical JSON (RFC 8785), got another writing of it');
}

const message = (domain: string, body: unknown): Uint8Array => new TextEncoder().encode(domain + canonicalJson(body));
