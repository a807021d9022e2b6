import { Readable } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';
import { StoreUnavailable } from '../errors.ts';
import { Passing, PATIENCE, retried, watched, type Patience } from './retry.ts';
import { orAborted } from './turns.ts';

export type S3Options = {
  /** `http(s)://host[:port]` */
  readonly endpoint: string;
  readonly region: string;
  /** The bucket stands in the path, not in the host's name. */
  readonly pathStyle: boolean;
  /** By AWS's own chain (environment, profile, …) unless told. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
  readonly patience?: Partial<Patience>;
};

/** What a request is sent with. */
export type Http = { readonly abortSignal: AbortSignal };

/** The server has understood, and says no. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Attempt = {
  readonly isFirst: boolean;
  /** Told of the bytes that come. */
  readonly came: (bytes: number) => void;
};

export type Asking = {
  /** For the message: `get miner-1/a`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that have come so far. */
  readonly progress?: () => number;
  /** Of the request's body, which may take its time. */
  readonly uploadBytes?: number;
};

/** Slower than this in a stall's time is no progress. */
const PROGRESS_BYTES = 2 ** 16;
const CONNECT_MS = 5000;
/** A request that waits for a socket counts as one that does not come to a connection. */
const SOCKETS = { keepAlive: true, maxSockets: 256 };
const MAX_TEXT = 200;
/** A page of a listing is below 2 MiB. */
const MAX_ANSWER_BYTES = 2 ** 23;

/**
 * An S3 server. All retrying is done here: the SDK's own is switched off.
 *
 * `ask` throws {Refusal} for 404, 409, 412, 416 and a missing part, and {StoreUnavailable} for whatever else stands in the
 * way, when patience is at its end or at once where it cannot help. No error holds a secret, or the SDK's error, which
 * quotes the request.
 */
export class S3Server {
  readonly origin: string;
  readonly #options: S3Options;
  readonly #patience: Patience;
  #client: Promise<S3> | undefined;

  constructor(options: S3Options) {
    this.origin = new URL(options.endpoint).origin;
    this.#options = options;
    this.#patience = { ...PATIENCE, ...options.patience };
  }

  /** What a request gives in the end. */
  async ask<T>({ what, signal, progress, uploadBytes = 0 }: Asking, request: (s3: S3, http: Http, attempt: Attempt) => Promise<T>): Promise<T> {
    const s3 = await this.#connect();
    const stallMs = this.#patience.stallMs * (1 + Math.ceil(uploadBytes / PROGRESS_BYTES));
    let refusals = 0;
    return await retried({ what: `${what} at ${this.origin}`, patience: this.#patience, signal, ...(progress && { progress }) }, (isFirst) =>
      watched({ stallMs, signal }, async (abortSignal, alive) => {
        let unreported = 0;
        const came = (bytes: number): void => {
          unreported += bytes;
          if (unreported < PROGRESS_BYTES) return;
          unreported = 0;
          alive();
        };
        return await request(s3, { abortSignal }, { isFirst, came }).catch(async (error: unknown) => {
          const mayBeClock = CLOCK_STATUS.has(statusOf(error) ?? 0) && refusals++ === 0;
          throw await this.#explain(error, { what, mayBeClock });
        });
      }),
    );
  }

  /** The SDK takes a while to load, and whoever uses a folder never does. */
  #connect(): Promise<S3> {
    return (this.#client ??= import('@aws-sdk/client-s3').then(({ S3 }) => {
      const { endpoint, region, pathStyle, credentials } = this.#options;
      const s3 = new S3({
        endpoint,
        region,
        forcePathStyle: pathStyle,
        ...(credentials && { credentials }),
        maxAttempts: 1,
        // we name the digest of what we send, and check that of what we get
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
        requestHandler: { connectionTimeout: Math.min(CONNECT_MS, this.#patience.stallMs), socketTimeout: this.#patience.stallMs, httpAgent: SOCKETS, httpsAgent: SOCKETS },
      });
      s3.middlewareStack.add(
        (next, { commandName }) => async (args) => {
          const result = await next(args);
          const response = result.response as { statusCode: number; body?: unknown };
          const isObject = commandName === 'GetObjectCommand' && response.statusCode < 300;
          if (!isObject && response.body instanceof Readable) response.body = Readable.from(bounded(response.body), { objectMode: false });
          return result;
        },
        { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
      );
      return s3;
    }));
  }

  async #explain(error: unknown, { what, mayBeClock }: { what: string; mayBeClock: boolean }): Promise<unknown> {
    if (error instanceof Passing) return new Passing(firstLine(error)); // the SDK adds to it
    if (!(error instanceof Error) || !isTransport(error)) return error;
    if ('tryNextLink' in error) return new StoreUnavailable(`Expected credentials for ${this.origin} (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile), got none`);
    const { status, code, text } = answerOf(error);
    if (isSilence(error)) return new Passing(`no progress for ${this.#patience.stallMs} ms`);
    if (status === undefined || isCutOff(error)) return new Passing(text);
    const said = code === '' ? String(status) : `${status} ${code}`;
    if (mayBeClock || status < 300 || (status >= 500 && status !== 501) || PASSING_STATUS.has(status) || PASSING_CODES.has(code)) return new Passing(said);
    if (MEANINGFUL_STATUS.has(status) || code === 'InvalidPart') return new Refusal(status, code, `Expected to ${what} at ${this.origin}, got ${said}`);
    if (status === 401 || status === 403) return new StoreUnavailable(`Expected to ${what} at ${this.origin} with the access key ${await this.#accessKeyId()}, got ${said}`);
    return new StoreUnavailable(`Expected to ${what} at ${this.origin}, got ${said}: ${text}`);
  }

  async #accessKeyId(): Promise<string> {
    return await (await this.#connect()).config.credentials().then(({ accessKeyId }) => accessKeyId, () => 'of nobody');
  }
}

/** The SDK collects whatever is not an object's body, however long it is. */
async function* bounded(body: Readable): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Passing(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    yield chunk;
  }
}

/** A refused signature may come of a clock that is wrong, which the client corrects by the server's answer. */
const CLOCK_STATUS = new Set([400, 403]);
const MEANINGFUL_STATUS = new Set([404, 409, 412, 416]);
const PASSING_STATUS = new Set([408, 429]);
const PASSING_CODES = new Set(['SlowDown', 'RequestTimeout', 'RequestTimeTooSkewed', 'InternalError', 'BadDigest', 'ConditionalRequestConflict', 'OperationAborted', 'XAmzContentSHA256Mismatch', 'IncompleteBody']);

/** Errors of the SDK and of the connection; ours, and those of the disk, are neither. */
const isTransport = (error: Error): boolean => '$metadata' in error || 'tryNextLink' in error || error.name === 'TimeoutError' || 'code' in error;

/** The client's own watch over the socket. */
const isSilence = (error: Error): boolean => error.name === 'TimeoutError' && error.message.includes('inactivity');

/** The connection broke, perhaps after the status and before what it is about. */
const isCutOff = (error: Error): boolean => error.name === 'TimeoutError' || ('code' in error && typeof error.code === 'string' && 'syscall' in error);

/** Of an answer that the SDK has made an error of. */
export const statusOf = (error: unknown): number | undefined => {
  const { $metadata } = (error ?? {}) as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
};

/** A value where there is no such object or bucket. @throws {StoreUnavailable} for any other refusal */
export const ifMissing =
  <T>(value: T) =>
  (error: unknown): T => {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 404) return value;
    throw new StoreUnavailable(error.message, { cause: error });
  };

const firstLine = ({ message }: Error): string => message.split('\n', 1)[0] ?? '';

/** What the server said, or how the connection failed. Foreign text, made fit for a log. */
function answerOf(error: Error): { readonly status: number | undefined; readonly code: string; readonly text: string } {
  const isNamed = /^[A-Za-z0-9.]{1,64}$/.test(error.name) && error.name !== 'Unknown' && error.name !== 'UnknownError';
  const text = firstLine(error).replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_TEXT);
  return { status: statusOf(error), code: isNamed ? error.name : '', text };
}

/** Waits no longer than until the signal aborts, also for steps of the SDK that do not heed it. */
export const promptly = <T>(promise: Promise<T>, { abortSignal }: Http): Promise<T> => orAborted(promise, abortSignal);
