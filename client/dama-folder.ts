import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTokenizer } from '../activities/model/tokenizer-object.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { draftName } from '../genki/store/drafts.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';

/**
 * A Dama of a network as a folder that `openModel` reads, fetched once and kept.
 * @param models folder of all of them
 * @throws {ObjectMissing} {ChecksumMismatch} {StoreUnavailable}
 */
export async function damaFolder(store: ObjectStore, { config, weights, tokenizer }: Dama, models: string): Promise<string> {
  const parts = [config, weights, ...(tokenizer ? [tokenizer] : [])].map(({ sha256 }) => sha256);
  const folder = join(models, sha256Hex(new TextEncoder().encode(parts.join())).slice(0, 40));
  if (existsSync(folder)) return folder;
  const draft = join(models, draftName());
  const get = (ref: ObjectRef): Promise<Uint8Array> => store.get(ref, { maxBytes: ref.bytes });
  await mkdir(draft, { recursive: true });
  try {
    await writeFile(join(draft, 'config.json'), await get(config));
    if (tokenizer) {
      const files = readTokenizer(await get(tokenizer));
      await writeFile(join(draft, 'tokenizer.json'), files.json);
      await writeFile(join(draft, 'tokenizer_config.json'), files.config);
    }
    await store.getFile(weights, join(draft, 'model.safetensors'), { maxBytes: weights.bytes });
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // somebody else was faster
    });
    return folder;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
