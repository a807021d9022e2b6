import * as z from 'zod';
import type { Hotkey } from '../chain/chain.ts';
import { isBucketName, isObjectKey } from '../store/object-name.ts';
import type { ObjectRef } from '../store/object-store.ts';
import type { Dama } from './dama.ts';
import type { LeaseAnswer } from './lease.ts';

/** Miners reach a hub over HTTP alone, in requests that their hotkeys sign (`hub-request.ts`); these are its words. */

/** What became of a pushed adapter. */
export type PushAnswer =
  /** At the gate; the lease does not pass on meanwhile. */
  | { readonly kind: 'evaluating' }
  /** It is the current version, of this number. */
  | { readonly kind: 'promoted'; readonly sequence: number }
  | { readonly kind: 'refused'; readonly reason: string }
  /** From a lease that is lost; kept as a candidate for the next merge. */
  | { readonly kind: 'late'; readonly reason: string };

/** How one hotkey stands with an adapter. */
export type LeaseStatus = {
  readonly state: LeaseAnswer | { readonly kind: 'none' };
  /** Of the newest grant, whoever has it. */
  readonly fence: number;
  /** Tickets in the queue. */
  readonly waiting: number;
  /** Sequence of the current version; 0 before the first. */
  readonly version: number;
  /** What became of its newest push. */
  readonly push?: PushAnswer | undefined;
};

/** The newest version of an adapter, and the Dama that it belongs to. */
export type CurrentAdapter = {
  readonly dama: Dama;
  /** None before the first; `record` is the signed version itself, as it lies in the hub's bucket. */
  readonly version: { readonly sequence: number; readonly adapter: ObjectRef; readonly record: ObjectRef } | null;
  /** What the holder of the lease begins with, beside that version: a late result that is to be trained again, by its sha256, in the shape of an adapter for the base of this digest. */
  readonly again: { readonly late: string; readonly base: string; readonly start: ObjectRef } | null;
};

/** One adapter, as somebody who asks names it. */
type Asked = { readonly adapterId: string; readonly hotkey: Hotkey };

/**
 * What stands behind a hub's door. Who calls has made sure of the adapter's name, the signature and the registration.
 * A call may throw {InvalidInput}, {BadSubmission} and {LeaseLost}; anything else counts as "not just now".
 */
export interface HubDesk {
  request(asked: Asked & { readonly coldkey: string }): Promise<LeaseAnswer>;
  renew(asked: Asked & { readonly fence: number }): Promise<{ readonly renewed: boolean }>;
  release(asked: Asked & { readonly fence: number }): Promise<void>;
  push(asked: Asked & { readonly fence: number; /** sequence of the version that it was trained from, 0 for none */ readonly parent: number; readonly adapter: ObjectRef }): Promise<PushAnswer>;
  status(asked: Asked): Promise<LeaseStatus>;
  current(asked: { readonly adapterId: string }): Promise<CurrentAdapter>;
}

const Count = z.int().nonnegative();
const Time = z.int().nonnegative();
const Text = z.string().min(1).max(2000);
/** A competition's id, or that and more. */
const AdapterId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected 1 to 64 of A-Z a-z 0-9 . _ -');
const Ref = z.strictObject({ bucket: z.string().refine(isBucketName), key: z.string().refine(isObjectKey), sha256: z.hash('sha256').lowercase(), bytes: Count });

const signed = {
  version: z.literal(1),
  /** Hotkey of the hub that is meant. */
  audience: z.string().max(64),
  /** Who asks. */
  hotkey: z.string().max(64),
  adapterId: AdapterId,
  /** 16 random bytes. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 lower-case hex digits'),
  /** Milliseconds since 1970 by the asker's clock. */
  issuedAt: Time,
  expiresAt: Time,
};
const Fence = z.int().positive();

/** What is asked of a hub, by action: the body of a signed request. */
export const HubRequest = z.discriminatedUnion('action', [
  z.strictObject({ ...signed, action: z.literal('request') }),
  z.strictObject({ ...signed, action: z.literal('renew'), fence: Fence }),
  z.strictObject({ ...signed, action: z.literal('release'), fence: Fence }),
  z.strictObject({ ...signed, action: z.literal('push'), fence: Fence, parent: Count, adapter: Ref }),
  z.strictObject({ ...signed, action: z.literal('status') }),
  z.strictObject({ ...signed, action: z.literal('current') }),
]);
export type HubRequest = z.infer<typeof HubRequest>;
export type HubAction = HubRequest['action'];
/** What whoever asks has to say; the rest is the signer's. */
export type HubQuestion = HubRequest extends infer R ? (R extends HubRequest ? Omit<R, 'version' | 'audience' | 'hotkey' | 'nonce' | 'issuedAt' | 'expiresAt'> : never) : never;

const Lease = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('granted'), fence: Fence, expiresAt: Time }),
  z.strictObject({ kind: z.literal('queued'), position: z.int().positive() }),
  z.strictObject({ kind: z.literal('barred'), until: Time }),
  z.strictObject({ kind: z.literal('taken'), by: Text }),
]);
const Push = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('evaluating') }),
  z.strictObject({ kind: z.literal('promoted'), sequence: z.int().positive() }),
  z.strictObject({ kind: z.literal('refused'), reason: Text }),
  z.strictObject({ kind: z.literal('late'), reason: Text }),
]);

/** What a hub may answer, by action. */
export const HUB_ANSWERS = {
  request: Lease,
  renew: z.strictObject({ renewed: z.boolean() }),
  release: z.strictObject({}),
  push: Push,
  status: z.strictObject({ state: z.discriminatedUnion('kind', [...Lease.options, z.strictObject({ kind: z.literal('none') })]), fence: Count, waiting: Count, version: Count, push: Push.optional() }),
  current: z.strictObject({
    dama: z.strictObject({ digest: z.base64().length(44), weights: Ref, config: Ref, tokenizer: Ref.optional() }),
    version: z.strictObject({ sequence: z.int().positive(), adapter: Ref, record: Ref }).nullable(),
    again: z.strictObject({ late: z.hash('sha256').lowercase(), base: z.base64().length(44), start: Ref }).nullable(),
  }),
} as const;
export type HubAnswer<A extends HubAction> = z.infer<(typeof HUB_ANSWERS)[A]>;

/**
 * Why a hub does not answer, by the name in its reply. What is `final` is so however often it is asked again; a request
 * that came too late or too early, or was used, is asked again with a fresh signature.
 */
export const HUB_REFUSALS = {
  InvalidInput: { status: 400, isFinal: true },
  BadSubmission: { status: 400, isFinal: true },
  NewerSchema: { status: 400, isFinal: true },
  BadSignature: { status: 401, isFinal: true },
  WrongAudience: { status: 401, isFinal: true },
  Expired: { status: 401, isFinal: false },
  FromTheFuture: { status: 401, isFinal: false },
  Replayed: { status: 401, isFinal: false },
  NotRegistered: { status: 403, isFinal: true },
  NotFound: { status: 404, isFinal: true },
  MethodNotAllowed: { status: 405, isFinal: true },
  RequestTimeout: { status: 408, isFinal: false },
  LeaseLost: { status: 409, isFinal: true },
  TooLarge: { status: 413, isFinal: true },
  UnsupportedMediaType: { status: 415, isFinal: true },
  TooManyRequests: { status: 429, isFinal: false },
  HeadersTooLarge: { status: 431, isFinal: true },
  HubUnavailable: { status: 503, isFinal: false },
} as const;
export type HubRefusalName = keyof typeof HUB_REFUSALS;

/** A reply that is no answer; nobody signs it, as whoever could forge it could cut the connection, too. */
export const HubRefused = z.strictObject({ error: z.enum(Object.keys(HUB_REFUSALS) as [HubRefusalName, ...HubRefusalName[]]), message: z.string().max(4000) });
