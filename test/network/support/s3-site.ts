import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { Random } from '../../../genki/protocol/random.ts';
import type { ObjectRef, ObjectStore } from '../../../genki/store/object-store.ts';
import type { Patience } from '../../../genki/store/retry.ts';
import { createS3Store } from '../../../genki/store/s3-store.ts';
import { BUCKETS, seededBytes } from '../../genki/store/conformance.ts';
import { FaultProxy, type Asked } from './fault-proxy.ts';
import { CREDENTIALS, Versitygw } from './versitygw.ts';

/** The least that S3 takes. */
export const PART_BYTES = 5 * 2 ** 20;

const jitter = new Random('jitter');
export const HASTE: Partial<Patience> = { attempts: 4, backoffMs: 5, maxBackoffMs: 20, stallMs: 20_000, jitter: () => jitter.float() };

export const isGet = ({ method }: Asked): boolean => method === 'GET';
export const isPart = ({ method, url }: Asked): boolean => method === 'PUT' && url.searchParams.has('partNumber');

export function storeAt(endpoint: string, patience = HASTE, credentials = CREDENTIALS): ObjectStore {
  return createS3Store({ endpoint, region: 'us-east-1', pathStyle: true, credentials, partBytes: PART_BYTES, patience });
}

/** A real S3 server, a proxy before it that spoils answers, and a folder for files. */
export class S3Site {
  readonly server: Versitygw;
  readonly proxy: FaultProxy;
  /** The server as the SDK has it. */
  readonly raw: S3;
  readonly folder: string;

  private constructor(server: Versitygw, proxy: FaultProxy, folder: string) {
    this.server = server;
    this.proxy = proxy;
    this.folder = folder;
    this.raw = new S3({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS });
  }

  static async start(): Promise<S3Site> {
    const server = await Versitygw.start();
    return new S3Site(server, await FaultProxy.start(server.endpoint), await mkdtemp(join(tmpdir(), 'genki-s3-files-')));
  }

  async stop(): Promise<void> {
    this.raw.destroy();
    await this.proxy.stop();
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Empty buckets, and nothing spoiled. */
  async empty(): Promise<void> {
    await this.server.empty();
    this.proxy.reset();
    for (const bucket of BUCKETS) await this.direct().createBucket(bucket);
  }

  direct(): ObjectStore {
    return storeAt(this.server.endpoint);
  }

  spoiled(patience = HASTE): ObjectStore {
    return storeAt(this.proxy.endpoint, patience);
  }

  async put(bytes: number, key = 'a'): Promise<ObjectRef> {
    return await this.direct().putOnce('miner-1', key, seededBytes(bytes, key));
  }

  partsAsked(): number {
    return this.proxy.asked.filter(isPart).length;
  }

  async uploadsLeft(): Promise<number> {
    return ((await this.raw.listMultipartUploads({ Bucket: 'miner-1' })).Uploads ?? []).length;
  }
}
