import { describe, expect, it } from 'vitest';
import { boundDigest, dirDigest, fileDigest, sha256Hex } from '../../../genki/protocol/digests.ts';
import { Random } from '../../../genki/protocol/random.ts';

const digest = fileDigest;

describe('digests', () => {
  it('are the published vectors', () => {
    const dir = dirDigest(new Map([['1.txt', digest('1')], ['2.txt', digest('2')]]));
    expect(dir).toBe('+QRi7a03r3fB0ngVABh8READgCjfWs1hl8RWfVgKrwc=');
    expect(boundDigest(dir, '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY')).toBe('GjYOIGsKK/o1vwRZoAj9Offh2juRjqV7omwL2w55ink=');
    expect(sha256Hex(new TextEncoder().encode('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('of a directory follows a sorted walk: own files first, then folder by folder', () => {
    const walk = ['b.txt', 'z.txt', 'é.txt', 'ﬀ.txt', '🎵.txt', 'a/1', 'a/2', 'a/x/0', 'a.b/0', 'c/0'];
    const expected = digest(walk.map((path) => digest(path)).join(''));
    for (let i = 0; i < 20; i++) {
      const shuffled = new Random(`walk ${i}`).shuffle(walk);
      expect(dirDigest(new Map(shuffled.map((path) => [path, digest(path)])))).toBe(expected);
    }
  });

  it('of two hotkeys over the same directory differ', () => {
    const dir = dirDigest(new Map([['a', digest('a')]]));
    expect(boundDigest(dir, 'hotkey-1')).not.toBe(boundDigest(dir, 'hotkey-2'));
  });
});
