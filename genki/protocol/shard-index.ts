import { InvalidInput } from '../errors.ts';
import { parseSmallFile } from './small-file.ts';

/** How a model's tensors are spread over files: what Hugging Face's `model.safetensors.index.json` says. */
export type ShardIndex = {
  /** The tensors of each shard, by the shard's file name. */
  readonly shards: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of all tensors, in bytes. */
  readonly totalSize?: number;
};

const MAX_SHARDS = 256;
const MAX_TENSORS = 65_536;
/** A name in the same folder: `model-00001-of-00003.safetensors`. */
const SHARD = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\.safetensors$/;

/**
 * @param path what the message calls it
 * @throws {InvalidInput} when it is no index, or leads out of its folder
 */
export function readShardIndex(text: string, path: string): ShardIndex {
  const { weight_map: map, metadata } = objectOf(parseSmallFile(text, path), path);
  const shards = new Map<string, Set<string>>();
  const entries = Object.entries(objectOf(map, `weight_map of ${path}`));
  if (entries.length > MAX_TENSORS) throw new InvalidInput(`Expected at most ${MAX_TENSORS} tensors in ${path}, got ${entries.length}`);
  for (const [name, shard] of entries) {
    if (typeof shard !== 'string' || !SHARD.test(shard)) {
      throw new InvalidInput(`Expected ${path} to name a safetensors file beside it for tensor ${name.slice(0, 200)}, got ${JSON.stringify(shard)?.slice(0, 80)}`);
    }
    const names = shards.get(shard);
    if (names === undefined) shards.set(shard, new Set([name]));
    else names.add(name);
  }
  if (shards.size < 1 || shards.size > MAX_SHARDS) throw new InvalidInput(`Expected 1 to ${MAX_SHARDS} shards in ${path}, got ${shards.size}`);
  const totalSize = metadata === undefined ? undefined : objectOf(metadata, `metadata of ${path}`)['total_size'];
  if (totalSize === undefined) return { shards };
  if (typeof totalSize !== 'number' || !Number.isSafeInteger(totalSize) || totalSize < 0) {
    throw new InvalidInput(`Expected metadata.total_size of ${path} to be bytes, got ${JSON.stringify(totalSize).slice(0, 80)}`);
  }
  return { shards, totalSize };
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidInput(`Expected ${what} to be an object, got ${Array.isArray(value) ? 'a list' : value === undefined ? 'none' : `a ${typeof value}`}`);
  return value as Record<string, unknown>;
}
