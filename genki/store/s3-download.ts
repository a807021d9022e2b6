import { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { ObjectMissing, TooLarge } from '../errors.ts';
import type { ByteRange, GetOptions } from './object-store.ts';
import { Passing } from './retry.ts';
import { ifMissing, promptly, statusOf, type S3Server } from './s3-server.ts';
import type { Sink } from './sink.ts';

export type Wanted = { readonly bucket: string; readonly key: string; readonly range?: ByteRange };

/**
 * Streams an object, or a range of it, into a sink, from `sink.bytes` on. A connection that breaks is taken up by range,
 * of the same version (If-Match); when the object was changed meanwhile the sink begins anew.
 * @throws {ObjectMissing} {StoreUnavailable}, {TooLarge} before a byte beyond the limit is kept
 */
export async function download(server: S3Server, { bucket, key, range }: Wanted, sink: Sink, { maxBytes, signal }: GetOptions): Promise<void> {
  const name = `${bucket}/${key}`;
  const start = range?.start ?? 0;
  let version: string | undefined;
  const anew = async (reason: string): Promise<never> => {
    version = undefined;
    await sink.restart();
    throw new Passing(reason);
  };
  let most = 0; // not what came again
  const outcome = await server.ask({ what: `get ${name}`, signal, progress: () => most }, async (s3, http, { came }) => {
    const from = start + sink.bytes;
    const request = { Bucket: bucket, Key: key, ...((from > 0 || range) && { Range: `bytes=${from}-${range ? range.end - 1 : ''}` }), ...(version !== undefined && { IfMatch: version }) };
    const answer = await promptly(s3.getObject(request, http), http).catch(async (error: unknown) => {
      const status = statusOf(error);
      if (status === 412) return await anew('another version of the object');
      if (status === 416 && sink.bytes > 0) return await anew('a shorter object');
      if (status === 416) return undefined;
      throw error;
    });
    if (!answer) return 'found'; // the range begins where the object has ended
    const body = bodyOf(answer);
    const destroy = (): void => void body.destroy();
    http.abortSignal.addEventListener('abort', destroy, { once: true });
    try {
      const span = spanOf(answer);
      if (span.from !== from) return await anew('another range than the one that was asked for');
      const total = Math.min(range?.end ?? span.size, span.size) - start;
      if (total > maxBytes) throw new TooLarge(`Expected ${name} to have at most ${maxBytes} bytes, got ${total}`);
      version = answer.ETag;
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        if (sink.bytes + chunk.byteLength > total) throw new Passing('more bytes than the answer announced');
        await sink.write(chunk);
        most = Math.max(most, sink.bytes);
        came(chunk.byteLength);
      }
      if (sink.bytes < total) throw new Passing('fewer bytes than the answer announced');
    } finally {
      destroy();
      http.abortSignal.removeEventListener('abort', destroy);
    }
    return 'found';
  }).catch(ifMissing('missing'));
  if (outcome === 'missing') throw new ObjectMissing(`Expected an object ${name}, got none`);
}

function bodyOf({ Body }: GetObjectCommandOutput): Readable {
  if (Body instanceof Readable) return Body;
  throw new Passing('an answer without a body');
}

/** Where the answer's bytes begin, and how large the whole object is. */
function spanOf({ ContentRange, ContentLength }: GetObjectCommandOutput): { readonly from: number; readonly size: number } {
  if (ContentRange === undefined) {
    if (ContentLength === undefined) throw new Passing('an answer that does not say how long it is');
    return { from: 0, size: ContentLength };
  }
  const [, from, size] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/.exec(ContentRange) ?? [];
  if (from === undefined || size === undefined) throw new Passing('a content range that is none');
  return { from: Number(from), size: Number(size) };
}
