import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInput } from '../errors.ts';
import { readShardIndex, type ShardIndex } from './shard-index.ts';
import { readSmallFile } from './small-file.ts';
import { TensorFile } from './tensor-file.ts';
import { noTensor, type TensorSource } from './tensor-source.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 2 ** 24;
const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/;

/**
 * The tensors of one safetensors file, or of a model's folder: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names. Every header is read and checked now, the tensors when they are asked for.
 * @throws {InvalidInput} naming the file and what is wrong with it
 */
export async function openSafetensors(path: string): Promise<TensorSource> {
  if (PICKLE.test(path)) throw pickle(path);
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  if (!isFolder) return sourceOver([await TensorFile.open(path)]);
  const single = join(path, SINGLE);
  if (await stat(single).catch(() => undefined)) return sourceOver([await TensorFile.open(single)]);
  const index = await readSmallFile(join(path, INDEX), MAX_INDEX_BYTES);
  if (index !== undefined) return await openShards(path, readShardIndex(index, join(path, INDEX)));
  const names = await readdir(path);
  const found = names.find((name) => PICKLE.test(name));
  throw found === undefined ? new InvalidInput(`Expected ${SINGLE} or ${INDEX} in ${path}, got neither`) : pickle(join(path, found));
}

const pickle = (path: string): InvalidInput =>
  new InvalidInput(`Expected safetensors, got a pickle ${path}, which is never opened: it runs whatever code it brings. Save the model as safetensors`);

async function openShards(folder: string, index: ShardIndex): Promise<TensorSource> {
  const files: TensorFile[] = [];
  try {
    for (const shard of index.shards.keys()) files.push(await TensorFile.open(join(folder, shard)));
    checkShards(files, index);
    return sourceOver(files);
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
}

/** Each tensor of a shard is one of the index's, and the other way round. */
function checkShards(files: readonly TensorFile[], { shards, totalSize }: ShardIndex): void {
  let bytes = 0;
  let tiedBytes = 0;
  [...shards.values()].forEach((names, i) => {
    const { path, entries, metadata } = files[i]!;
    for (const { name, begin, end } of entries.values()) {
      if (!names.has(name)) throw new InvalidInput(`Expected ${path} to hold the tensors that the index says, got ${name} too`);
      bytes += end - begin;
    }
    for (const name of names) {
      if (entries.has(name)) continue;
      // a file keeps one of two equal tensors, and says in its metadata which one stands for the other
      const tied = entries.get(metadata[name] ?? '');
      if (tied === undefined) throw new InvalidInput(`Expected a tensor ${name} in ${path}, got none`);
      tiedBytes += tied.end - tied.begin;
    }
  });
  if (totalSize !== undefined && totalSize !== bytes && totalSize !== bytes + tiedBytes) {
    throw new InvalidInput(`Expected ${totalSize} bytes of tensors in all shards, got ${bytes}`);
  }
}

function sourceOver(files: readonly TensorFile[]): TensorSource {
  const holders = new Map(files.flatMap((file) => [...file.entries.keys()].map((name) => [name, file] as const)));
  return {
    specs: new Map(files.flatMap(({ entries }) => [...entries].map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const))),
    read: async (name) => await (holders.get(name) ?? noTensor(name)).read(name),
    close: async () => void (await Promise.all(files.map((file) => file.close()))),
  };
}
