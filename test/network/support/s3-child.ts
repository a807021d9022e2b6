/** Puts or gets one file on an S3 server, to be killed on the way or to have its memory measured; prints the most memory that it took beyond its start, in bytes. */
import { stat } from 'node:fs/promises';
import { createS3Store } from '../../../genki/store/s3-store.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';
import { CREDENTIALS } from './versitygw.ts';

export type Errand = { readonly endpoint: string; readonly path: string; readonly partBytes?: number } & ({ readonly put: Pick<ObjectRef, 'bucket' | 'key'> } | { readonly get: ObjectRef });

const errand = JSON.parse(process.argv[2]!) as Errand;
const { endpoint, path, partBytes } = errand;
const store = createS3Store({ endpoint, region: 'us-east-1', pathStyle: true, credentials: CREDENTIALS, ...(partBytes !== undefined && { partBytes }) });
await store.head('miner-1', 'warm'); // the SDK is loaded
const before = process.memoryUsage.rss();
let most = before;
const watch = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()); }, 5);
if ('put' in errand) await store.putFile(errand.put.bucket, errand.put.key, path);
else await store.getFile(errand.get, path, { maxBytes: errand.get.bytes });
clearInterval(watch);
await stat(path);
process.stdout.write(`${most - before}\n`);
