import type { ListFileEntry } from '@huggingface/hub';
import { InvalidInput, TooLarge } from '../../genki/errors.ts';

/** A file of a repository that is to be fetched, and what its bytes have to be: by sha256, or by git's own sha1 of a small one. */
export type WantedFile = { readonly name: string; readonly bytes: number; readonly digest: { readonly kind: 'sha256' | 'git'; readonly hex: string } };

/** What a model or an adapter consists of beside its tensors. */
export const TEXT_FILES: readonly string[] = [
  'config.json', 'generation_config.json', 'preprocessor_config.json',
  'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json',
  'adapter_config.json', 'training.json', 'loss-curve.json', 'model.safetensors.index.json',
  'README.md', 'LICENSE', 'LICENSE.md', 'LICENSE.txt',
];
export const TENSOR_FILES = /^(model|adapter_model|model-\d{5}-of-\d{5})\.safetensors$/;
const PICKLES = /\.(bin|pt|pth|ckpt|pkl|pickle|msgpack|h5)$/;
/** Of a file that is read whole. */
const MAX_TEXT_BYTES = 2 ** 26;

/**
 * Of what a repository lists, what a model or an adapter needs: tensors as safetensors, texts by name. Nothing else is
 * ever fetched, least of all a pickle, and no folder of it is entered.
 * @throws {InvalidInput} when there are no safetensors, or a file has no digest; {TooLarge} for more than `maxBytes` in all
 */
export function wantedFiles(listed: readonly ListFileEntry[], { repository, maxBytes }: { repository: string; maxBytes: number }): WantedFile[] {
  const files = listed.filter(({ type, path }) => type === 'file' && (TEXT_FILES.includes(path) || TENSOR_FILES.test(path)));
  if (!files.some(({ path }) => TENSOR_FILES.test(path))) {
    const pickle = listed.find(({ path }) => PICKLES.test(path))?.path;
    throw new InvalidInput(`Expected safetensors in ${repository}, got none${pickle === undefined ? '' : `; ${pickle} may run code when it is read and is never opened`}`);
  }
  const wanted = files.map((file) => wantedOf(file, repository));
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > maxBytes) throw new TooLarge(`Expected ${repository} to have at most ${maxBytes} bytes, got ${total}; --max-gb allows more`);
  return wanted.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function wantedOf({ path: name, size, oid, lfs }: ListFileEntry, repository: string): WantedFile {
  const bytes = lfs?.size ?? size;
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new InvalidInput(`Expected the size of ${name} in ${repository}, got ${String(bytes).slice(0, 40)}`);
  if (lfs && /^[0-9a-f]{64}$/.test(lfs.oid)) return { name, bytes, digest: { kind: 'sha256', hex: lfs.oid } };
  if (TENSOR_FILES.test(name) || !/^[0-9a-f]{40}$/.test(oid ?? '')) throw new InvalidInput(`Expected ${repository} to name the digest of ${name}, it does not`);
  if (bytes > MAX_TEXT_BYTES) throw new TooLarge(`Expected ${name} in ${repository} to have at most ${MAX_TEXT_BYTES} bytes, got ${bytes}`);
  return { name, bytes, digest: { kind: 'git', hex: oid! } };
}
