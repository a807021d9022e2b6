import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission } from '../errors.ts';
import { HUB_ANSWERS, type HubAction, type HubAnswer, type HubRequest } from './hub.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

const VERSION = 1;
const DOMAIN = 'genki-hub-answer-v1:';

/** The longest that is meant, a current version, has about 1500. */
export const MAX_ANSWER_BYTES = 64 * 2 ** 10;

/** What of a request its answer names. */
type AskedBy<A extends HubAction> = Pick<HubRequest, 'hotkey' | 'nonce'> & { readonly action: A };

/**
 * The bytes of a hub's answer to one request: canonical JSON, signed by the hub. It names the request's nonce, so that
 * nobody on the way can say something else, nor say again what was true once.
 */
export const signHubAnswer = <A extends HubAction>({ action, hotkey, nonce }: AskedBy<A>, answer: HubAnswer<A>, signer: Signer): Uint8Array =>
  signJson(DOMAIN, { version: VERSION, hotkey, nonce, action, answer }, signer);

/**
 * What the hub has answered to this request.
 * @throws {BadSubmission} when it is not the hub's answer to it
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function openHubAnswer<A extends HubAction>(bytes: Uint8Array, { hub, request }: { readonly hub: Hotkey; readonly request: AskedBy<A> }, verify: VerifySignature): HubAnswer<A> {
  const { action, hotkey, nonce } = request;
  const body = openSignedJson(DOMAIN, bytes, { hotkey: hub, version: VERSION }, verify);
  const named = z.strictObject({ version: z.literal(VERSION), hotkey: z.literal(hotkey), nonce: z.literal(nonce), action: z.literal(action), answer: z.unknown() }).safeParse(body);
  if (!named.success) throw new BadSubmission(`Expected the hub's answer to this ${action}:\n${z.prettifyError(named.error)}`);
  const parsed = HUB_ANSWERS[action].safeParse(named.data.answer);
  if (!parsed.success) throw new BadSubmission(`Expected an answer to ${action}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data as HubAnswer<A>;
}
