import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { openSafetensors } from '../../../genki/protocol/open-safetensors.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors, type HostTensor, type TensorMap } from '../../../genki/protocol/safetensors.ts';
import { saveSafetensors } from '../../../genki/protocol/save-safetensors.ts';
import { contentDigestOf, noTensor, sourceOf } from '../../../genki/protocol/tensor-source.ts';

const GOLDENS = fileURLToPath(new URL('../../goldens/', import.meta.url));
const SHARDED = join(GOLDENS, 'sharded-stereo');
const INDEX = 'model.safetensors.index.json';

const f32 = (...values: number[]): HostTensor => ({ dtype: 'F32', shape: [values.length], data: Float32Array.from(values) });

/** What this process has open of a folder, where the system tells. */
async function openFiles(of: string): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const targets = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(of));
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('openSafetensors', () => {
  it("reads a file's tensors as they are when it is read whole", async () => {
    const bytes = await readFile(join(GOLDENS, 'tiny-musicgen/model.safetensors'));
    const { tensors } = decodeSafetensors(bytes);
    for (const path of [join(GOLDENS, 'tiny-musicgen'), join(GOLDENS, 'tiny-musicgen/model.safetensors')]) {
      const source = await openSafetensors(path);
      expect([...source.specs]).toEqual([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
      for (const [name, tensor] of tensors) expect(await source.read(name)).toEqual(tensor);
      expect(await contentDigestOf(source)).toBe(contentDigest(tensors));
      await source.close();
    }
  });

  it('reads shards as one model, widened', async () => {
    const source = await openSafetensors(SHARDED);
    const shards = (await readdir(SHARDED)).filter((name) => name.endsWith('.safetensors'));
    const tensors = new Map((await Promise.all(shards.map((name) => readFile(join(SHARDED, name))))).flatMap((bytes) => [...decodeSafetensors(bytes).tensors]));
    expect(shards.length).toBe(3);
    if (process.platform === 'linux') expect(await openFiles(SHARDED)).toHaveLength(3);
    expect(await contentDigestOf(source)).toBe(contentDigest(tensors));
    expect(await source.read('enc_to_dec_proj.weight').catch(String)).toBe('InvalidInput: Expected a tensor enc_to_dec_proj.weight, got none');
    const { dtype, data } = await source.read('decoder.lm_heads.7.weight');
    expect([dtype, data]).toEqual(['BF16', tensors.get('decoder.lm_heads.7.weight')!.data]);
    await source.close();
    expect(await openFiles(SHARDED)).toEqual([]);
  });

  it.each(Array.from({ length: 20 }, (_, seed) => seed))('gives what was written in any dtype, read in any order and at once (seed %i)', async (seed) => {
    const random = new Random(`open ${seed}`);
    const tensors: TensorMap = new Map(Array.from({ length: 8 }, (_, i): [string, HostTensor] => {
      const length = random.int(40);
      const shape = [length];
      const bytes = Array.from({ length }, () => random.int(256));
      return [`t${i}`, random.pick<HostTensor>([
        { dtype: 'U8', shape, data: Uint8Array.from(bytes) },
        { dtype: 'U16', shape, data: Uint16Array.from(bytes, (byte) => 257 * byte) },
        { dtype: 'I64', shape, data: Int32Array.from(bytes, (byte) => -byte) },
        { dtype: 'BF16', shape, data: Float32Array.from(bytes) },
        { dtype: 'F16', shape, data: Float32Array.from(bytes) },
        { dtype: 'F32', shape, data: Float32Array.from(bytes, () => random.normal()) },
      ])];
    }));
    const path = join(folder, `${seed}.safetensors`);
    await writeFile(path, encodeSafetensors(tensors));
    const source = await openSafetensors(path);
    const read = await Promise.all(random.shuffle([...tensors.keys()]).map(async (name) => [name, await source.read(name)] as const));
    for (const [name, tensor] of read) expect(tensor).toEqual(tensors.get(name));
    expect(await contentDigestOf(source)).toBe(contentDigest(tensors));
    await source.close();
  });

  it('takes the one file where there are shards too', async () => {
    const both = await mkdtemp(join(folder, 'both-'));
    await writeFile(join(both, 'model.safetensors'), encodeSafetensors(new Map([['a', f32(1)]])));
    await writeFile(join(both, INDEX), '{}');
    const source = await openSafetensors(both);
    expect([...source.specs.keys()]).toEqual(['a']);
    await source.close();
  });

  it.each<[string, string, string | Uint8Array, string]>([
    ['a pickle', 'pytorch_model.bin', 'x', 'got a pickle FOLDER/pytorch_model.bin, which is never opened'],
    ['a checkpoint', 'last.ckpt', 'x', 'got a pickle FOLDER/last.ckpt'],
    ['nothing', 'README.md', 'x', 'Expected model.safetensors or model.safetensors.index.json in FOLDER, got neither'],
    ['a zip under the right name', 'model.safetensors', 'PK\x03\x04 and so on', 'got FOLDER/model.safetensors: a zip archive'],
    ['a pickle under the right name', 'model.safetensors', Buffer.from('\x80\x04\x95and so on', 'latin1'), 'got FOLDER/model.safetensors: a pickle'],
    ['a pointer', 'model.safetensors', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n', 'got FOLDER/model.safetensors: a Git LFS pointer'],
    ['an empty file', 'model.safetensors', '', 'got FOLDER/model.safetensors: Expected a safetensors file, got 0 bytes'],
    ['an index that is no JSON', INDEX, '{"weight_map":', `Expected FOLDER/${INDEX} to be JSON`],
    ['an index in other bytes', INDEX, Uint8Array.of(0xff, 0xfe), `Expected FOLDER/${INDEX} to be text in UTF-8`],
    ['a deep index', INDEX, '['.repeat(100_000), `Expected FOLDER/${INDEX} to have at most 32 levels`],
    ['a huge index', INDEX, ' '.repeat(2 ** 24 + 1), `Expected FOLDER/${INDEX} to have at most 16777216 bytes, got 16777217`],
    ['an index that is a list', INDEX, '[]', `Expected FOLDER/${INDEX} to be an object, got a list`],
    ['an index without a map', INDEX, '{}', `Expected weight_map of FOLDER/${INDEX} to be an object, got none`],
    ['an empty map', INDEX, '{"weight_map":{}}', 'Expected 1 to 256 shards'],
    ['a number for a shard', INDEX, '{"weight_map":{"a":1}}', 'beside it for tensor a, got 1'],
    ['a path upwards', INDEX, '{"weight_map":{"a":"../model.safetensors"}}', 'got "../model.safetensors"'],
    ['an absolute path', INDEX, '{"weight_map":{"a":"/model.safetensors"}}', 'got "/model.safetensors"'],
    ['a hidden name', INDEX, '{"weight_map":{"a":"..safetensors"}}', 'got "..safetensors"'],
    ['a path with backslashes', INDEX, '{"weight_map":{"a":"..\\\\model.safetensors"}}', 'got "..'],
    ['a pickle for a shard', INDEX, '{"weight_map":{"a":"pytorch_model-00001-of-00002.bin"}}', 'to name a safetensors file beside it'],
    ['a missing shard', INDEX, '{"weight_map":{"a":"model-00001-of-00001.safetensors"}}', 'Expected a safetensors file FOLDER/model-00001-of-00001.safetensors, got none'],
    ['a size that is none', INDEX, '{"metadata":{"total_size":-1},"weight_map":{"a":"a.safetensors"}}', 'total_size'],
    ['257 shards', INDEX, JSON.stringify({ weight_map: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`${i}`, `${i}.safetensors`])) }), 'Expected 1 to 256 shards'],
  ])('refuses %s', async (_, name, content, reason) => {
    const own = await mkdtemp(join(folder, 'bad-'));
    await writeFile(join(own, name), content);
    await expect(openSafetensors(own)).rejects.toThrow(InvalidInput);
    await expect(openSafetensors(own)).rejects.toThrow(reason.replaceAll('FOLDER', own));
    expect(await openFiles(own)).toEqual([]);
  });

  it('refuses what is no file: a path that is not there, a folder, a pipe', async () => {
    await mkdir(join(folder, 'odd/model.safetensors'), { recursive: true });
    await expect(openSafetensors(join(folder, 'none'))).rejects.toThrow('got none');
    await expect(openSafetensors(join(folder, 'odd'))).rejects.toThrow('got something else');
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [join(folder, 'pipe.safetensors')]);
      await expect(openSafetensors(join(folder, 'pipe.safetensors'))).rejects.toThrow('got something else');
    }
    await expect(openSafetensors(join(folder, 'a.pt'))).rejects.toThrow('got a pickle');
  });

  it('says when a file has become shorter since it was opened', async () => {
    const path = join(folder, 'shrinking.safetensors');
    await writeFile(path, encodeSafetensors(new Map([['a', f32(1, 2, 3)]])));
    const source = await openSafetensors(path);
    await truncate(path, (await readFile(path)).byteLength - 4);
    await expect(source.read('a')).rejects.toThrow(`Expected 12 bytes of tensor a in ${path}, got 8`);
    await source.close();
  });

  it('names the file of an integer that does not fit', async () => {
    const path = join(folder, 'wide.safetensors');
    const file = encodeSafetensors(new Map<string, HostTensor>([['a', { dtype: 'I64', shape: [1], data: Int32Array.of(-1) }]]));
    file[file.byteLength - 1] = 0;
    await writeFile(path, file);
    const source = await openSafetensors(path);
    await expect(source.read('a')).rejects.toThrow(`Expected safetensors, got ${path}: Expected tensor a to hold integers of 32 bits`);
    await source.close();
  });
});

describe('shards', () => {
  let own: string;
  let index: { metadata: Record<string, unknown>; weight_map: Record<string, string> };
  const [first, second] = ['model-00001-of-00003.safetensors', 'model-00002-of-00003.safetensors'] as const;
  const saveIndex = (): Promise<void> => writeFile(join(own, INDEX), JSON.stringify(index));
  const saveShard = (name: string, tensors: TensorMap, metadata?: Record<string, string>): Promise<void> => writeFile(join(own, name), encodeSafetensors(tensors, metadata));
  const tensorsOf = async (name: string): Promise<Map<string, HostTensor>> => new Map(decodeSafetensors(await readFile(join(own, name))).tensors);

  beforeEach(async () => {
    own = await mkdtemp(join(folder, 'shards-'));
    for (const name of await readdir(SHARDED)) await copyFile(join(SHARDED, name), join(own, name));
    index = JSON.parse(await readFile(join(own, INDEX), 'utf8')) as typeof index;
  });

  async function refused(reason: string): Promise<void> {
    await expect(openSafetensors(own)).rejects.toThrow(InvalidInput);
    await expect(openSafetensors(own)).rejects.toThrow(reason);
    expect(await openFiles(own)).toEqual([]);
  }

  it('are refused when one is missing', async () => {
    await rm(join(own, second));
    await refused(`Expected a safetensors file ${join(own, second)}, got none`);
  });

  it('are refused when one is cut off', async () => {
    const file = await open(join(own, second), 'r+');
    await file.truncate((await file.stat()).size - 1);
    await file.close();
    await refused(`Expected safetensors, got ${join(own, second)}: Expected `);
  });

  it('are refused when two hold the same tensor', async () => {
    const [name, tensor] = [...(await tensorsOf(first))][0]!;
    await saveShard(second, (await tensorsOf(second)).set(name, tensor));
    await refused(`Expected ${join(own, second)} to hold the tensors that the index says, got ${name} too`);
  });

  it('are refused when a tensor is in another than the index says', async () => {
    const [name] = [...(await tensorsOf(first)).keys()];
    index.weight_map[name!] = second;
    await saveIndex();
    await refused(`Expected a tensor ${name} in ${join(own, second)}, got none`);
  });

  it('are refused when a tensor is nowhere', async () => {
    index.weight_map['decoder.nothing'] = first;
    await saveIndex();
    await refused(`Expected a tensor decoder.nothing in ${join(own, first)}, got none`);
  });

  it('are refused when they have another size in all', async () => {
    index.metadata['total_size'] = (index.metadata['total_size'] as number) + 2;
    await saveIndex();
    await refused('bytes of tensors in all shards, got');
  });

  it('may leave out a tensor that equals another of the same shard, and count it or not', async () => {
    const [name, tensor] = [...(await tensorsOf(first))][0]!;
    await saveShard(first, await tensorsOf(first), { format: 'pt', twin: name });
    index.weight_map['twin'] = first;
    await saveIndex();
    await (await openSafetensors(own)).close();
    index.metadata['total_size'] = (index.metadata['total_size'] as number) + 2 * tensor.data.length;
    await saveIndex();
    const source = await openSafetensors(own);
    expect(source.specs.has('twin')).toBe(false);
    await source.close();
  });
});

describe('sourceOf', () => {
  it('gives the tensors, their digest and, for a name that there is not, the reason', async () => {
    const tensors: TensorMap = new Map([['b', f32(3)], ['a', f32(1, 2)]]);
    const source = sourceOf(tensors);
    expect(await source.read('a')).toBe(tensors.get('a'));
    expect(await contentDigestOf(source)).toBe('cYnvXsJKkz7HHN61mLfN2MaxtilQOjnSQDkn3h1zKuk=');
    await expect(source.read('c')).rejects.toThrow('Expected a tensor c, got none');
  });
});

describe('saveSafetensors', () => {
  it('joins shards into the file that would be written at once', async () => {
    const source = await openSafetensors(SHARDED);
    const path = join(folder, 'joined.safetensors');
    await saveSafetensors(path, source, { format: 'pt' });
    const tensors = new Map(await Promise.all([...source.specs.keys()].map(async (name) => [name, await source.read(name)] as const)));
    expect(Buffer.compare(await readFile(path), encodeSafetensors(tensors, { format: 'pt' }))).toBe(0);
    await expect(saveSafetensors(path, source)).rejects.toThrow('EEXIST');
    await source.close();
  });

  it('leaves nothing behind when a tensor cannot be read', async () => {
    const path = join(folder, 'half.safetensors');
    const tensors: TensorMap = new Map([['a', f32(1)], ['b', f32(2)]]);
    const source = { ...sourceOf(tensors), read: async (name: string) => tensors.get(name === 'b' ? '' : name) ?? noTensor(name) };
    await expect(saveSafetensors(path, source)).rejects.toThrow('Expected a tensor b, got none');
    await expect(readFile(path)).rejects.toThrow('ENOENT');
    expect(await openFiles(path)).toEqual([]);
  });
});
