import { HubApiError } from '@huggingface/hub';
import { InvalidInput, StoreUnavailable } from '../../genki/errors.ts';
import { type Patience, Passing, PATIENCE, retried, watched } from '../../genki/store/retry.ts';

/** A Hugging Face hub, and who asks it. */
export type Hub = { readonly url: string; readonly token?: string; readonly patience?: Patience };

const HUB = 'https://huggingface.co';
const NOT_ALLOWED = [401, 403];
const TOO_MANY = 429;

/**
 * The hub that the environment names: `HF_ENDPOINT` for a mirror, `HF_TOKEN` for what is not public.
 * @throws {InvalidInput} when the address is none, or would send a token in the clear
 */
export function hubOf(env: NodeJS.ProcessEnv): Hub {
  const { HF_ENDPOINT: address = HUB, HF_TOKEN: token } = env;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isAddress = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!isAddress) throw new InvalidInput('Expected HF_ENDPOINT to be http:// or https:// and a host, without a user, a password or a query');
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (token !== undefined && token !== '' && url.protocol === 'http:' && !isHere) throw new InvalidInput(`Expected https:// for a hub that is sent a token (HF_TOKEN), got ${url.origin}`);
  return { url: url.href.replace(/\/+$/, ''), ...(token !== undefined && token !== '' && { token }) };
}

/** What the library's calls are told of the hub; each of its requests ends with the signal. */
export const asked = ({ url, token }: Hub, signal: AbortSignal) => ({
  hubUrl: url,
  ...(token !== undefined && { accessToken: token }),
  fetch: ((input, init) => fetch(input, { ...init, signal })) as typeof fetch,
});

/**
 * A call to the hub, tried again where that may help.
 * @param what for the message, such as `list owner/name`
 * @param call says by `came` that bytes have come
 * @throws {InvalidInput} when the hub refuses; {StoreUnavailable} when it does not answer
 */
export async function askHub<T>(hub: Hub, what: string, call: (signal: AbortSignal, came: (bytes: number) => void) => Promise<T>): Promise<T> {
  const { url, patience = PATIENCE } = hub;
  let bytes = 0;
  return await retried({ what: `${what} at ${url}`, patience, progress: () => bytes }, () =>
    watched({ stallMs: patience.stallMs }, async (signal, alive) => {
      const came = (more: number): void => {
        bytes += more;
        alive();
      };
      return await call(signal, came).catch((error: unknown) => { throw explained(error, { what, hub }); });
    }),
  );
}

function explained(error: unknown, { what, hub }: { what: string; hub: Hub }): unknown {
  if (error instanceof InvalidInput || error instanceof StoreUnavailable || error instanceof Passing) return error;
  if (error instanceof HubApiError) return ofStatus(error.statusCode, { what, hub });
  if (typeof error === 'string') return new Passing(error); // as the library's streams end
  // what the fetch of Node raises when a line breaks; it says why only in the cause
  if (error instanceof TypeError) return new Passing(error.cause instanceof Error ? error.cause.message || error.message : error.message);
  return error;
}

function ofStatus(status: number, { what, hub }: { what: string; hub: Hub }): Error {
  if (status === TOO_MANY || status >= 500) return new Passing(`status ${status}`);
  const how = hub.token === undefined ? 'if it is not public, or its licence has to be accepted first, set HF_TOKEN' : 'the token in HF_TOKEN may lack the right, or the licence has to be accepted on its page first';
  if (NOT_ALLOWED.includes(status)) return new InvalidInput(`Expected to ${what} at ${hub.url}, got status ${status}: ${how}`);
  return new InvalidInput(`Expected to ${what} at ${hub.url}, got status ${status}${status === 404 ? `: there is no such repository, revision or file; ${how}` : ''}`);
}
