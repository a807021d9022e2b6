import type { Dama } from '../genki/protocol/dama.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';

/** Copies an object into a folder of a bucket, under another name. */
export const copyObject = async (store: ObjectStore, ref: ObjectRef, { bucket, key }: { readonly bucket: string; readonly key: string }): Promise<ObjectRef> => await store.putOnce(bucket, key, await store.get(ref, { maxBytes: ref.bytes }));

/** A Dama in another bucket, file by file. */
export async function copyDama(store: ObjectStore, { digest, weights, config, tokenizer }: Dama, { bucket, folder }: { readonly bucket: string; readonly folder: string }): Promise<Dama> {
  const copy = (ref: ObjectRef, file: string): Promise<ObjectRef> => copyObject(store, ref, { bucket, key: `${folder}/${file}` });
  return { digest, weights: await copy(weights, 'model.safetensors'), config: await copy(config, 'config.json'), ...(tokenizer && { tokenizer: await copy(tokenizer, 'tokenizer.json') }) };
}
