import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createListenActivities, type Listened } from '../../activities/listen.ts';
import { compose } from '../../genki/data/composer.ts';
import { BadSubmission, InvalidInput, ObjectMissing } from '../../genki/errors.ts';
import { renderCodes, SAMPLE_RATE } from '../../genki/music/apu/synthesizer.ts';
import type { Codes } from '../../genki/music/clip.ts';
import { encodeWav } from '../../genki/music/wav.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { encodeSafetensors, type HostTensor } from '../../genki/protocol/safetensors.ts';
import { bytesOf, openShelf, type Shelf } from './support/federation.ts';

let shelf: Shelf;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf.remove());

const FRAMES = 128;
const music = ['dungeon', 'swing'].map((style) => compose({ style, seed: 'listen' }).codes);
const codesOf = (clips: readonly Codes[]): HostTensor => ({ dtype: 'U8', shape: [clips.length, 4, FRAMES], data: Uint8Array.from(clips.flatMap((clip) => [...clip])) });
const fileOf = (codes: HostTensor, name = 'codes'): Uint8Array => encodeSafetensors(new Map([[name, codes]]), { prompts: '[]' });

async function listen(file: Uint8Array): Promise<Listened> {
  const prefix = `rounds/${sha256Hex(file).slice(0, 12)}`;
  const codes = await shelf.store.putOnce('validator', `${prefix}/codes.safetensors`, file);
  return createListenActivities(shelf).listen({ codes, bucket: 'validator', prefix, frameRate: 12 });
}

describe('listening', () => {
  it('keeps a WAV file of each clip and finds no fault with music', async () => {
    const { clips, fault } = await listen(fileOf(codesOf(music)));
    expect(fault).toBeUndefined();
    expect(clips).toHaveLength(2);
    for (const [i, clip] of clips.entries()) {
      expect(clip.key).toMatch(new RegExp(`/${i}\\.wav$`));
      const body = await shelf.store.get(clip, { maxBytes: 2 ** 21 });
      expect(sha256Hex(body)).toBe(sha256Hex(encodeWav(renderCodes(music[i]!), SAMPLE_RATE)));
    }
  });

  it('is the same when it is done again', async () => {
    expect(await listen(fileOf(codesOf(music)))).toEqual(await listen(fileOf(codesOf(music))));
  });

  it.each([
    ['silence', [0, 1].map(() => new Uint8Array(4 * FRAMES)), '2 of 2 clips are no music: silence'],
    ['the same clip for two prompts', [music[0]!, music[0]!], 'clips 1 and 2 are identical although their prompts differ'],
  ])('finds fault with %s, and keeps it', async (_, codes, fault) => {
    const listened = await listen(fileOf(codesOf(codes)));
    expect(listened.fault).toBe(fault);
    expect(listened.clips).toHaveLength(2);
  });

  it.each<[string, Uint8Array, typeof InvalidInput | typeof BadSubmission, string]>([
    ['no safetensors', bytesOf('no file'), BadSubmission, 'Expected a safetensors file'],
    ['no codes', fileOf(codesOf(music), 'tokens'), InvalidInput, 'Expected codes U8 or U16 [clips, codebooks, frames], got undefined'],
    ['codes of another dtype', fileOf({ dtype: 'I32', shape: [1, 4, 2], data: new Int32Array(8) }), InvalidInput, 'got I32 [1, 4, 2]'],
    ['codes of another shape', fileOf({ dtype: 'U8', shape: [8, 128], data: new Uint8Array(1024) }), InvalidInput, 'got U8 [8, 128]'],
    ['a billion clips of nothing', fileOf({ dtype: 'U8', shape: [2 ** 30, 4, 0], data: new Uint8Array(0) }), InvalidInput, 'got U8 [1073741824, 4, 0]'],
    ['five codebooks', fileOf({ dtype: 'U8', shape: [1, 5, 3], data: new Uint8Array(15) }), InvalidInput, 'Expected codes of 4 channels'],
    ['codes of 16 bits that a chip does not have', fileOf({ dtype: 'U16', shape: [1, 4, 2], data: new Uint16Array(8).fill(2000, 5, 6) }), InvalidInput, 'Expected a code of 0 to 63 in channel triangle at frame 1, got 2000'],
    ['a code beyond the vocabulary', fileOf({ dtype: 'U8', shape: [1, 4, 2], data: new Uint8Array(8).fill(64, 5, 6) }), InvalidInput, 'Expected a code of 0 to 63 in channel triangle at frame 1, got 64'],
  ])('refuses a file with %s', async (_, file, kind, reason) => {
    const error = await listen(file).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(reason);
  });

  it('refuses codes that are gone', async () => {
    const codes = { bucket: 'validator', key: 'gone.safetensors', sha256: '0'.repeat(64), bytes: 1 };
    await expect(createListenActivities(shelf).listen({ codes, bucket: 'validator', prefix: 'x', frameRate: 12 })).rejects.toThrow(ObjectMissing);
  });
});
