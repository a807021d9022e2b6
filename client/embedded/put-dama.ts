import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeTokenizer } from '../../activities/model/tokenizer-object.ts';
import { openModel, type OpenModel } from '../../genki/music/open-model.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { saveSafetensors } from '../../genki/protocol/save-safetensors.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';

export type PutOptions = { readonly folder: string; readonly bucket: string; readonly prefix: string; /** with room for the model, where it lies in shards */ readonly work: string };

const FILE = 'model.safetensors';

/**
 * Puts a model's folder into a bucket as a Dama: its tensors in one file, however many shards they lie in.
 * @throws {InvalidInput} when the folder holds no model; {ChecksumMismatch} when the bucket holds another one there
 */
export async function putDama(store: ObjectStore, options: PutOptions): Promise<Dama> {
  const { folder, bucket, prefix } = options;
  const model = await openModel(folder);
  try {
    const put = (name: string, bytes: Uint8Array): Promise<ObjectRef> => store.putOnce(bucket, `${prefix}/${name}`, bytes);
    return {
      digest: await model.digest(),
      weights: await putTensors(store, model, options),
      config: await put('config.json', await readFile(join(folder, 'config.json'))),
      ...(model.tokenizer && { tokenizer: await put('tokenizer.json', encodeTokenizer(model.tokenizer)) }),
    };
  } finally {
    await model.close();
  }
}

async function putTensors(store: ObjectStore, { weights }: OpenModel, { folder, bucket, prefix, work }: PutOptions): Promise<ObjectRef> {
  const key = `${prefix}/${FILE}`;
  const single = join(folder, FILE);
  if (existsSync(single)) return await store.putFile(bucket, key, single);
  const joined = join(work, `${FILE}.joined`);
  await rm(joined, { force: true }); // somebody was killed while writing it
  try {
    await saveSafetensors(joined, weights);
    return await store.putFile(bucket, key, joined);
  } finally {
    await rm(joined, { force: true });
  }
}
