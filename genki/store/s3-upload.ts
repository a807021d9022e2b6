import { createHash } from 'node:crypto';
import type { CompletedPart, ListMultipartUploadsCommandOutput, ListPartsCommandOutput, S3 } from '@aws-sdk/client-s3';
import { InvalidInput } from '../errors.ts';
import type { ObjectRef, StoreOptions } from './object-store.ts';
import { ifMissing, promptly, Refusal, type Attempt, type Http, type S3Server } from './s3-server.ts';

/** What is put: a body, or a file. */
export type Source = { readonly bytes: number; read(start: number, end: number): Promise<Uint8Array> };

export type Parts = {
  readonly partBytes: number;
  /** Of each part, in order. */
  readonly sums: readonly string[];
};

/** The server's own most, and so that parts grow with the object. */
const MAX_PARTS = 10_000;
/** An upload that nobody has finished for so long is nobody's. */
const ABANDONED_MS = 7 * 24 * 3_600_000;

/** Somebody has ended the upload. */
const GONE = new Set(['NoSuchUpload', 'InvalidPart']);

export const partSize = (bytes: number, least: number): number => Math.max(least, Math.ceil(bytes / MAX_PARTS));

/** Base64, as the server wants it. */
export const sumOf = (part: Uint8Array): string => createHash('sha256').update(part).digest('base64');

/**
 * Sends an object in parts, those of an interrupted upload of the same bytes not again. Ends what uploads there are in this
 * bucket that were begun a week before: they are abandoned.
 * @returns whether the server took it; false when it says that the key holds something, or when the upload is gone
 */
export async function uploadInParts(server: S3Server, ref: ObjectRef, source: Source, { partBytes, sums, signal }: Parts & StoreOptions): Promise<boolean> {
  const uploads = new Uploads(server, ref, signal);
  try {
    const { id, there } = (await uploads.resumable(sums)) ?? (await uploads.begin());
    const parts: CompletedPart[] = [];
    for (let number = 1; number <= sums.length; number++) {
      parts.push(there.get(number) ?? (await uploads.send(id, number, await partOf(source, number, { partBytes, sums }))));
    }
    await uploads.complete(id, parts);
    return true;
  } catch (error) {
    if (error instanceof Refusal && (error.status === 412 || GONE.has(error.code))) return false;
    throw error;
  }
}

/** @throws {InvalidInput} when it is not what it was when its sum was taken */
export async function partOf(source: Source, number: number, { partBytes, sums }: Parts): Promise<Uint8Array> {
  const body = await source.read((number - 1) * partBytes, Math.min(number * partBytes, source.bytes));
  if (sumOf(body) !== sums[number - 1]) throw new InvalidInput('Expected a file that stays as it is while it is put, got one that changes');
  return body;
}

/** Ends all uploads of a key: it holds its object, so that nobody can finish one. */
export const abortUploads = (server: S3Server, ref: ObjectRef, signal: AbortSignal | undefined): Promise<void> => new Uploads(server, ref, signal).abortAll();

type Upload = { readonly id: string; readonly there: ReadonlyMap<number, CompletedPart> };
type Listed = NonNullable<ListMultipartUploadsCommandOutput['Uploads']>[number];

class Uploads {
  readonly #server: S3Server;
  readonly #at: { readonly Bucket: string; readonly Key: string };
  readonly #signal: AbortSignal | undefined;

  constructor(server: S3Server, { bucket, key }: ObjectRef, signal: AbortSignal | undefined) {
    this.#server = server;
    this.#at = { Bucket: bucket, Key: key };
    this.#signal = signal;
  }

  async begin(): Promise<Upload> {
    const { UploadId: id = '' } = await this.#ask('begin an upload of', (s3, http) => s3.createMultipartUpload({ ...this.#at, ChecksumAlgorithm: 'SHA256' }, http));
    const all = await this.#list('');
    const now = all.find(({ UploadId }) => UploadId === id)?.Initiated?.getTime() ?? 0; // by the server's own clock
    for (const upload of all) if (upload.Initiated && now - upload.Initiated.getTime() > ABANDONED_MS) await this.#abort(upload);
    return { id, there: new Map() };
  }

  /** The upload with the most parts, if all of them are ours. */
  async resumable(sums: readonly string[]): Promise<Upload | undefined> {
    let best: Upload | undefined;
    for (const { UploadId: id = '' } of await this.#mine()) {
      const parts = await this.#parts(id);
      const isOurs = parts.every(({ PartNumber = 0, ChecksumSHA256 }) => ChecksumSHA256 !== undefined && sums[PartNumber - 1] === ChecksumSHA256);
      if (isOurs && parts.length > (best?.there.size ?? 0)) best = { id, there: new Map(parts.map((part) => [part.PartNumber ?? 0, part])) };
    }
    return best;
  }

  async send(id: string, number: number, body: Uint8Array): Promise<CompletedPart> {
    const sum = sumOf(body);
    const request = { ...this.#at, UploadId: id, PartNumber: number, Body: body, ChecksumSHA256: sum };
    const { ETag } = await this.#ask(
      `put part ${number} of`,
      async (s3, http, { isFirst }) => {
        // a server that refuses a part may close the connection before its answer is read
        if (!isFirst) await s3.listParts({ ...this.#at, UploadId: id, MaxParts: 1 }, http);
        return await s3.uploadPart(request, http);
      },
      body.byteLength,
    );
    return { PartNumber: number, ChecksumSHA256: sum, ETag };
  }

  async complete(id: string, Parts: CompletedPart[]): Promise<void> {
    await this.#ask('complete the upload of', (s3, http) => s3.completeMultipartUpload({ ...this.#at, UploadId: id, MultipartUpload: { Parts }, IfNoneMatch: '*' }, http));
  }

  async abortAll(): Promise<void> {
    for (const upload of await this.#mine()) await this.#abort(upload);
  }

  async #mine(): Promise<Listed[]> {
    return (await this.#list(this.#at.Key)).filter(({ Key }) => Key === this.#at.Key);
  }

  async #list(Prefix: string): Promise<Listed[]> {
    const uploads: Listed[] = [];
    let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const request = { Bucket: this.#at.Bucket, Prefix, ...marker };
      const page: ListMultipartUploadsCommandOutput = await this.#ask('list the uploads of', (s3, http) => s3.listMultipartUploads(request, http));
      uploads.push(...(page.Uploads ?? []));
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
      const isSame = KeyMarker === marker.KeyMarker && UploadIdMarker === marker.UploadIdMarker;
      if (page.IsTruncated !== true || KeyMarker === undefined || isSame) return uploads;
      marker = { KeyMarker, ...(UploadIdMarker !== undefined && { UploadIdMarker }) };
    }
  }

  async #parts(UploadId: string): Promise<CompletedPart[]> {
    const parts: CompletedPart[] = [];
    let PartNumberMarker = '0';
    for (;;) {
      const request = { ...this.#at, UploadId, PartNumberMarker };
      const page: ListPartsCommandOutput | undefined = await this.#ask('list the parts of', (s3, http) => s3.listParts(request, http)).catch(ifMissing(undefined));
      for (const { PartNumber, ETag, ChecksumSHA256 } of page?.Parts ?? []) parts.push({ PartNumber, ETag, ChecksumSHA256 });
      const next = page?.NextPartNumberMarker;
      if (page?.IsTruncated !== true || next === undefined || next === PartNumberMarker) return parts;
      PartNumberMarker = next;
    }
  }

  async #abort({ Key, UploadId }: Listed): Promise<void> {
    await this.#ask('abort an upload of', (s3, http) => s3.abortMultipartUpload({ Bucket: this.#at.Bucket, Key, UploadId }, http)).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error; // somebody else has
    });
  }

  #ask<T>(verb: string, request: (s3: S3, http: Http, attempt: Attempt) => Promise<T>, uploadBytes = 0): Promise<T> {
    const what = `${verb} ${this.#at.Bucket}/${this.#at.Key}`;
    return this.#server.ask({ what, signal: this.#signal, uploadBytes }, (s3, http, attempt) => promptly(request(s3, http, attempt), http));
  }
}
