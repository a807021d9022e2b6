import { plainText } from '../../activities/plain-text.ts';
import { HUB_REFUSALS, type HubRefusalName } from '../../genki/protocol/hub.ts';

/** What goes back over HTTP. */
export type Reply = { readonly status: number; /** UTF-8 JSON */ readonly body: Uint8Array; readonly headers?: Readonly<Record<string, string>> };

export const answered = (body: Uint8Array): Reply => ({ status: 200, body });

export const plainly = (value: unknown): Reply => answered(new TextEncoder().encode(JSON.stringify(value)));

/** @param headers such as when to come again */
export const refused = (error: HubRefusalName, message: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: HUB_REFUSALS[error].status,
  body: new TextEncoder().encode(JSON.stringify({ error, message: plainText(message) })),
  headers,
});

/** Not now: asked again after so long it may be. */
export const refusedUntil = (error: 'TooManyRequests' | 'HubUnavailable', message: string, waitMs: number): Reply => refused(error, message, { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) });
