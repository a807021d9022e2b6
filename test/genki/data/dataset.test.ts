import { describe, expect, it } from 'vitest';
import { composeDataset, decodeDataset, encodeDataset, manifestOf, type Dataset } from '../../../genki/data/dataset.ts';
import { BadSubmission, InvalidInput } from '../../../genki/errors.ts';
import type { Clip } from '../../../genki/music/clip.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../../genki/protocol/safetensors.ts';

const dataset = composeDataset({ name: 'cellar', styles: ['dungeon', 'town'], clips: 3, seed: '1', licence: 'CC0-1.0', sharing: 'private' });
const file = encodeDataset(dataset);
const { tensors, metadata } = decodeSafetensors(file);
const codes = tensors.get('codes')!;

const withMetadata = (changes: Record<string, string>): Uint8Array => encodeSafetensors(tensors, { ...metadata, ...changes });
const withCodes = (tensor: HostTensor, name = 'codes'): Uint8Array => encodeSafetensors(new Map([[name, tensor]]), metadata);

describe('a dataset', () => {
  it('comes back from its file, and gives the same file again', () => {
    const decoded = decodeDataset(file);
    expect(decoded).toEqual(dataset);
    expect(encodeDataset(decoded)).toEqual(file);
    expect(decoded.clips.map(({ style }) => style)).toEqual(['dungeon', 'dungeon', 'dungeon', 'town', 'town', 'town']);
    expect(codes.shape).toEqual([6, 4, 128]);
  });

  it('is the same for the same seed and another for another one', () => {
    const of = (seed: string): Dataset => composeDataset({ name: 'd', styles: ['march'], clips: 2, seed, licence: 'CC0-1.0', sharing: 'shared' });
    expect(of('1')).toEqual(of('1'));
    expect(of('1').clips).not.toEqual(of('2').clips);
  });

  it('tells of itself without its clips', () => {
    const manifest = manifestOf(dataset);
    expect(manifest).toEqual({ name: 'cellar', licence: 'CC0-1.0', sharing: 'private', clips: 6, digest: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/) });
    const changed = { ...dataset, clips: dataset.clips.map((clip, i) => (i === 5 ? { ...clip, caption: 'town' } : clip)) };
    expect(manifestOf(changed).digest).not.toBe(manifest.digest);
  });

  it('is not written without clips, or with clips of different shapes', () => {
    expect(() => encodeDataset({ ...dataset, clips: [] })).toThrow(new InvalidInput('Expected dataset cellar to have clips, got none'));
    const [first] = dataset.clips;
    const torn = { ...first!, frames: 64 };
    expect(() => encodeDataset({ ...dataset, clips: [first!, torn] })).toThrow('Expected clip 1 of dataset cellar to have 4 codebooks of 64 codes, got 4 and 512 codes in all');
    const fewer = { ...first!, numCodebooks: 2, codes: first!.codes.slice(0, 256) };
    expect(() => encodeDataset({ ...dataset, clips: [first!, fewer] })).toThrow('Expected clip 1 of dataset cellar to have 4 codebooks of 128 codes, got 2 and 256 codes in all');
  });

  it('keeps how long a shorter clip is', () => {
    const clip = (codes: Uint8Array | Uint16Array, caption: string): Clip => ({ codes, numCodebooks: 2, frames: codes.length / 2, caption, style: 'x' });
    for (const Wide of [Uint8Array, Uint16Array]) {
      const mixed: Dataset = { name: 'mixed', licence: 'CC0-1.0', sharing: 'shared', clips: [clip(Wide.of(1, 2, 3, 4), 'short'), clip(Wide.of(5, 6, 7, 8, 9, 10), 'long'), clip(Wide.of(11, 12), 'shortest')] };
      const bytes = encodeDataset(mixed);
      expect(decodeDataset(bytes)).toEqual(mixed);
      expect([...decodeSafetensors(bytes).tensors.get('codes')!.data]).toEqual([1, 2, 0, 3, 4, 0, 5, 6, 7, 8, 9, 10, 11, 0, 0, 12, 0, 0]);
      expect(encodeDataset(decodeDataset(bytes))).toEqual(bytes);
    }
  });

  it('holds codes of 16 bits where its clips do, all of them', () => {
    const wide = { ...dataset, clips: dataset.clips.map((clip, i) => ({ ...clip, codes: Uint16Array.from(clip.codes, (code) => 256 * i + code) })) };
    expect(decodeDataset(encodeDataset(wide))).toEqual(wide);
    expect(decodeSafetensors(encodeDataset(wide)).tensors.get('codes')?.dtype).toBe('U16');
    expect(() => encodeDataset({ ...dataset, clips: [dataset.clips[0]!, wide.clips[1]!] })).toThrow('Expected clip 1 of dataset cellar to have codes of 8 bits, got 16');
    expect(() => encodeDataset({ ...dataset, clips: [wide.clips[0]!, dataset.clips[1]!] })).toThrow('Expected clip 1 of dataset cellar to have codes of 16 bits, got 8');
  });

  it('is not written when it could not be read back', () => {
    expect(() => encodeDataset({ ...dataset, name: '' })).toThrow(InvalidInput);
    expect(() => encodeDataset({ ...dataset, licence: 'x'.repeat(65) })).toThrow('Expected a dataset that can be read back');
    expect(() => encodeDataset({ ...dataset, clips: [dataset.clips[0]!, { ...dataset.clips[1]!, style: '' }] })).toThrow('→ at style');
  });

  it.each<[string, () => Uint8Array]>([
    ['a file that ends early', () => file.subarray(0, file.length - 1)],
    ['no safetensors', () => new TextEncoder().encode('RIFF and so on')],
    ['an unknown format', () => withMetadata({ format: 'genki-dataset-2' })],
    ['an unknown key', () => withMetadata({ author: 'x' })],
    ['an unknown way of sharing', () => withMetadata({ sharing: 'sold' })],
    ['no name', () => withMetadata({ name: '' })],
    ['clips that are no JSON', () => withMetadata({ clips: '[{' })],
    ['clips that are no list', () => withMetadata({ clips: '{}' })],
    ['no clips', () => withMetadata({ clips: '[]' })],
    ['a clip with an unknown key', () => withMetadata({ clips: '[{"caption":"a","style":"b","codes":[]}]' })],
    ['a clip that is longer than its codes', () => withMetadata({ clips: JSON.stringify(Array.from({ length: 6 }, () => ({ caption: 'a', style: 'b', frames: 129 }))) })],
    ['a clip of no frames', () => withMetadata({ clips: JSON.stringify(Array.from({ length: 6 }, () => ({ caption: 'a', style: 'b', frames: 0 }))) })],
    ['more captions than clips', () => withMetadata({ clips: JSON.stringify(Array.from({ length: 7 }, () => ({ caption: 'a', style: 'b' }))) })],
    ['codes by another name', () => withCodes(codes, 'code')],
    ['codes of two dimensions', () => withCodes({ ...codes, shape: [6, 512] })],
    ['codes of four dimensions', () => withCodes({ ...codes, shape: [6, 4, 128, 1] })],
    ['codes that are floats', () => withCodes({ shape: [6, 4, 128], dtype: 'F32', data: new Float32Array(6 * 512) })],
    ['no frames', () => withCodes({ shape: [6, 4, 0], dtype: 'U8', data: new Uint8Array(0) })],
    ['33 codebooks', () => withCodes({ shape: [6, 33, 1], dtype: 'U8', data: new Uint8Array(6 * 33) })],
    ['another tensor beside the codes', () => encodeSafetensors(new Map([...tensors, ['more', codes]]), metadata)],
  ])('is refused: %s', (_, bytes) => {
    expect(() => decodeDataset(bytes())).toThrow(BadSubmission);
  });
});
