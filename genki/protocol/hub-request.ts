import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission, InvalidInput } from '../errors.ts';
import { canonicalJson } from './canonical-json.ts';
import { HubRequest, type HubQuestion } from './hub.ts';
import type { SeenNonces } from './seen-nonces.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

const VERSION = 1;
const DOMAIN = 'genki-hub-v1:';

/** A request is a signed file of JSON, good once and for a minute. */
export const HUB_REQUEST: { readonly maxBytes: number; readonly lifeMs: number; readonly skewMs: number } = Object.freeze({
  /** The longest that is meant, a push, has about 800. */
  maxBytes: 16 * 2 ** 10,
  /** From `issuedAt` to `expiresAt` at most; a clock may be as far behind the hub's. */
  lifeMs: 60_000,
  /** How far an asker's clock may be ahead of the hub's. */
  skewMs: 5_000,
});

/** How long a nonce has to be remembered: the latest request with it was issued `skewMs` from now. */
export const NONCE_KEPT_MS = HUB_REQUEST.lifeMs + HUB_REQUEST.skewMs + 1;

/**
 * The bytes of a request: canonical JSON, signed.
 * @param nonce 16 random bytes, never used before
 * @param now milliseconds since 1970
 * @throws {InvalidInput} when the question is none
 */
export function signHubRequest(question: HubQuestion, { audience, nonce, now, lifeMs = HUB_REQUEST.lifeMs }: { readonly audience: Hotkey; readonly nonce: Uint8Array; readonly now: number; readonly lifeMs?: number }, signer: Signer): { readonly request: HubRequest; readonly bytes: Uint8Array } {
  const body = { ...question, version: VERSION, audience, hotkey: signer.hotkey, nonce: Buffer.from(nonce).toString('hex'), issuedAt: now, expiresAt: now + lifeMs };
  const checked = HubRequest.safeParse(body);
  if (!checked.success) throw new InvalidInput(`Expected a question to a hub:\n${z.prettifyError(checked.error)}`);
  return { request: checked.data, bytes: signJson(DOMAIN, checked.data, signer) };
}

/** Why a request is not answered. */
export type HubRefusal = 'oversized' | 'malformed' | 'newer version' | 'wrong audience' | 'expired' | 'from the future' | 'before opening' | 'unregistered' | 'bad signature' | 'replayed' | 'too many';
export type OpenedRequest = { readonly kind: 'opened'; readonly request: HubRequest } | { readonly kind: 'refused'; readonly refusal: HubRefusal; readonly message: string };

/** Who looks at a request, and when. */
export type RequestContext = {
  /** Hotkey of this hub. */
  readonly audience: Hotkey;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Since when `seen` is complete. What may have been issued earlier may have been used earlier, too, and is refused. */
  readonly openedAt: number;
  /** Asked before the signature is looked at, which takes a thousand times longer. */
  readonly isRegistered: (hotkey: Hotkey) => boolean;
  readonly verify: VerifySignature;
};

/** The request in bytes from anybody, if it is its hotkey's, meant for this hub, in time and the first one with its nonce. */
export function openHubRequest(bytes: Uint8Array, context: RequestContext, seen: SeenNonces): OpenedRequest {
  if (bytes.byteLength > HUB_REQUEST.maxBytes) return refused('oversized', `Expected a request of at most ${HUB_REQUEST.maxBytes} bytes, got ${bytes.byteLength}`);
  const claimed = claimedIn(bytes);
  if (claimed.kind === 'refused') return claimed;
  const { request } = claimed;
  const fault = faultIn(request, context);
  if (fault) return fault;
  try {
    openSignedJson(DOMAIN, bytes, { hotkey: request.hotkey, version: VERSION }, context.verify);
  } catch (error) {
    if (error instanceof BadSubmission) return refused('bad signature', error.message);
    throw error;
  }
  switch (seen.take(request.hotkey, request.nonce, context.now)) {
    case 'fresh': return claimed;
    case 'replayed': return refused('replayed', 'Expected a nonce that was not used before, got one that was');
    case 'full': return refused('too many', 'Expected fewer requests within a minute, got too many to remember');
  }
}

const Versioned = z.object({ body: z.object({ version: z.int() }) });
const Envelope = z.strictObject({ body: HubRequest, signature: z.string() });

/** What it says, which nobody has proved yet. */
function claimedIn(bytes: Uint8Array): OpenedRequest {
  const json = canonicalIn(bytes);
  if (json === undefined) return refused('malformed', 'Expected a request in canonical JSON (RFC 8785) and UTF-8, got other bytes');
  const versioned = Versioned.safeParse(json);
  if (versioned.success && versioned.data.body.version > VERSION) return refused('newer version', `Expected a request of version ${VERSION}, got ${versioned.data.body.version}`);
  const parsed = Envelope.safeParse(json);
  if (!parsed.success) return refused('malformed', `Expected a signed request:\n${z.prettifyError(parsed.error)}`);
  return { kind: 'opened', request: parsed.data.body };
}

/** undefined for what is none */
function canonicalIn(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const json: unknown = JSON.parse(text);
    return canonicalJson(json) === text ? json : undefined;
  } catch {
    return undefined;
  }
}

function faultIn({ audience, hotkey, issuedAt, expiresAt }: HubRequest, context: RequestContext): OpenedRequest | undefined {
  const { now, openedAt } = context;
  const { lifeMs, skewMs } = HUB_REQUEST;
  if (audience !== context.audience) return refused('wrong audience', `Expected a request to ${context.audience}, got one to another hub`);
  if (expiresAt < issuedAt || expiresAt - issuedAt > lifeMs) return refused('malformed', `Expected a request for at most ${lifeMs} ms, got one for ${expiresAt - issuedAt}`);
  if (expiresAt < now) return refused('expired', `Expected a request that holds at ${now}, got one until ${expiresAt}: it was long under way, or its clock is behind`);
  if (issuedAt > now + skewMs) return refused('from the future', `Expected a request issued by ${now + skewMs}, got one of ${issuedAt}: its clock is ahead`);
  // another process may have taken it, by a clock that was ahead as far as is allowed
  if (issuedAt <= openedAt + skewMs) return refused('before opening', `Expected a request issued after ${openedAt + skewMs}, got one of ${issuedAt}: what was asked before the hub opened is not known any more`);
  if (!context.isRegistered(hotkey)) return refused('unregistered', 'Expected a hotkey that is registered on the subnet, got one that is not');
  return undefined;
}

const refused = (refusal: HubRefusal, message: string): Extract<OpenedRequest, { kind: 'refused' }> => ({ kind: 'refused', refusal, message });
