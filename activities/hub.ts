import { randomBytes } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/activity';
import type { Hotkey, Signer } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, LeaseLost, NewerSchema } from '../genki/errors.ts';
import { HUB_REFUSALS, HubRefused, type HubAction, type HubAnswer, type HubQuestion } from '../genki/protocol/hub.ts';
import { MAX_ANSWER_BYTES, openHubAnswer } from '../genki/protocol/hub-answer.ts';
import { signHubRequest } from '../genki/protocol/hub-request.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { parseJson } from './parse-json.ts';
import { plainText } from './plain-text.ts';

export type HubDeps = {
  /** The miner's. */
  readonly signer: Signer;
  /** Of the hub's door, without `/v1`. */
  readonly url: string;
  readonly hubHotkey: Hotkey;
  readonly fetch?: typeof fetch;
  /** For a whole answer; 9 s unless told, as the hub gives its desk five and the rest is for the way. */
  readonly answerMs?: number;
};
export type HubActivities = ReturnType<typeof createHubActivities>;

type Adapter = { readonly adapterId: string };
type Held = Adapter & { readonly fence: number };

const ROUTES: Record<HubAction, string> = { request: 'v1/lease/request', renew: 'v1/lease/renew', release: 'v1/lease/release', push: 'v1/lease/push', status: 'v1/lease/status', current: 'v1/current' };
const ANSWER_MS = 9_000;
/** Whatever the hub says: it may be there again much sooner. */
const MAX_RETRY_DELAY_MS = 60_000;

/**
 * What one miner's key asks of the hub over HTTP. Each attempt is signed afresh. Beside the errors of the closed list they
 * fail with `HubUnavailable`, which another attempt may not meet, after as long as the hub has asked for.
 */
export const createHubActivities = (deps: HubDeps) => ({
  /** The grant, or a place in the queue; asking again answers again. */
  requestLease: async ({ adapterId }: Adapter): Promise<HubAnswer<'request'>> => await ask(deps, { action: 'request', adapterId }),

  /** @throws {LeaseLost} when somebody else may hold it by now */
  async renewLease({ adapterId, fence }: Held): Promise<void> {
    const { renewed } = await ask(deps, { action: 'renew', adapterId, fence });
    if (!renewed) throw new LeaseLost(`Expected ${deps.signer.hotkey} to hold ${adapterId} with fence ${fence}, it does not any more`);
  },

  /** One that is lost needs no release. */
  async releaseLease({ adapterId, fence }: Held): Promise<void> {
    await ask(deps, { action: 'release', adapterId, fence });
  },

  /** What becomes of an adapter that was trained under a lease from the version `parent`, 0 for none; asking again answers again. */
  pushAdapter: async ({ adapterId, fence, parent, adapter }: Held & { parent: number; adapter: ObjectRef }): Promise<HubAnswer<'push'>> => await ask(deps, { action: 'push', adapterId, fence, parent, adapter }),

  /** How this miner stands with the adapter. */
  hubStatus: async ({ adapterId }: Adapter): Promise<HubAnswer<'status'>> => await ask(deps, { action: 'status', adapterId }),

  /** What is to be trained on. */
  currentAdapter: async ({ adapterId }: Adapter): Promise<HubAnswer<'current'>> => await ask(deps, { action: 'current', adapterId }),
});

async function ask<A extends HubAction>({ signer, url, hubHotkey, fetch: send = fetch, answerMs = ANSWER_MS }: HubDeps, question: HubQuestion & { readonly action: A }): Promise<HubAnswer<A>> {
  const { request, bytes } = signHubRequest(question, { audience: hubHotkey, nonce: randomBytes(16), now: Date.now() }, signer);
  const { action } = question;
  const to = new URL(ROUTES[action], url.endsWith('/') ? url : `${url}/`);
  const { status, retryMs, body } = await post(() => send(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body: bytes, redirect: 'error', signal: AbortSignal.timeout(answerMs) }));
  if (status !== 200) throw failureOf({ status, retryMs, body });
  try {
    return openHubAnswer(body, { hub: hubHotkey, request: { ...request, action } }, verifySignature);
  } catch (error) {
    if (error instanceof NewerSchema) throw error;
    throw unavailable(`an answer that is not the hub's: ${(error as Error).message}`, { cause: error });
  }
}

type Response = { readonly status: number; /** what it has asked for */ readonly retryMs: number | undefined; readonly body: Uint8Array };

/** @throws {ApplicationFailure} `HubUnavailable`, when there is no whole answer of moderate size in time */
async function post(send: () => Promise<globalThis.Response>): Promise<Response> {
  try {
    const response = await send();
    return { status: response.status, retryMs: retryMsOf(response.headers), body: await bounded(response) };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw unavailable(cause instanceof Error ? cause.message || cause.name : String(cause), { cause: error });
  }
}

async function bounded({ body }: globalThis.Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // leaving the loop cancels the rest
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Seconds; a date is nobody's here. */
function retryMsOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(text) ? Math.min(MAX_RETRY_DELAY_MS, Number(text) * 1000) : undefined;
}

/** A hub's own refusal says whether it is final; a proxy's page, or somebody else's, is a hub that is not there. */
function failureOf({ status, retryMs, body }: Response): Error {
  const said = HubRefused.safeParse(parseJson(body));
  if (!said.success) return unavailable(`HTTP status ${status}`, { retryMs });
  const { error, message } = said.data;
  const text = `Expected the hub's answer, got ${error}: ${plainText(message)}`;
  if (error === 'LeaseLost') return new LeaseLost(text);
  if (error === 'BadSubmission') return new BadSubmission(text);
  if (error === 'NewerSchema') return new NewerSchema(text);
  return HUB_REFUSALS[error].isFinal ? new InvalidInput(text) : unavailable(`${error}: ${plainText(message)}`, { retryMs });
}

const unavailable = (got: string, { retryMs, cause }: { retryMs?: number | undefined; cause?: unknown } = {}): ApplicationFailure =>
  ApplicationFailure.create({ message: `Expected the hub's answer, got ${plainText(got)}`, type: 'HubUnavailable', ...(retryMs !== undefined && { nextRetryDelay: retryMs }), ...(cause instanceof Error && { cause }) });
