import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { seedOf } from '../../../genki/protocol/seeds.ts';
import { isEvaluable, seedBlocksOf, snapshotBlock, windowBounds, windowOf } from '../../../genki/protocol/window.ts';

// sha256('competition')
const competition = 'RyGBmyvz4zJ4fx8krkrHcjfmyuPfJEJ+46es3NgI/iM=';
const blockHashes = Array.from({ length: 5 }, (_, i) => `0x${`0${i}`.repeat(32)}`);

describe('seedOf', () => {
  it('is the published vector', () => {
    // Python: blake2b(bytes of the five hashes + sha256(b'competition') + b'holdout/A', digest_size=32)
    expect(seedOf({ blockHashes, competition }, 'holdout/A')).toBe('9838c99a0222b90f13f78f9ce928a7da254834df21f1c0bb8cb4ee0d9df719bb');
  });

  it('changes with each block, their order, the competition and the label', () => {
    const others = [
      seedOf({ blockHashes, competition }, 'holdout/A'),
      seedOf({ blockHashes, competition }, 'holdout/B'),
      seedOf({ blockHashes: blockHashes.toReversed(), competition }, 'holdout/A'),
      seedOf({ blockHashes: [...blockHashes, blockHashes[0]!], competition }, 'holdout/A'),
      seedOf({ blockHashes, competition: '+QRi7a03r3fB0ngVABh8READgCjfWs1hl8RWfVgKrwc=' }, 'holdout/A'),
      ...blockHashes.map((_, i) => seedOf({ blockHashes: blockHashes.with(i, `0x${'ff'.repeat(32)}`), competition }, 'holdout/A')),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it.each([
    ['four blocks', { blockHashes: blockHashes.slice(1), competition }],
    ['a hash without 0x', { blockHashes: blockHashes.with(0, '00'.repeat(33)), competition }],
    ['a short hash', { blockHashes: blockHashes.with(0, '0x00'), competition }],
    ['a digest in hex', { blockHashes, competition: '00'.repeat(32) }],
    ['a short digest', { blockHashes, competition: 'AAAA' }],
  ])('refuses %s', (_, source) => {
    expect(() => seedOf(source, 'label')).toThrow(InvalidInput);
  });
});

describe('windows and snapshots', () => {
  it('part the blocks without gap or overlap', () => {
    for (const length of [1, 2, 7, 100]) {
      for (let block = 0; block < 300; block++) {
        const { first, last } = windowBounds(windowOf(block, length), length);
        expect(first <= block && block <= last && last - first === length - 1).toBe(true);
      }
    }
    expect([windowOf(6, 7), windowOf(7, 7), windowBounds(1, 7)]).toEqual([0, 1, { first: 7, last: 13 }]);
  });

  it('take the seed from the snapshot and the k blocks after it', () => {
    expect(seedBlocksOf(snapshotBlock(360, 3), 4)).toEqual([363, 364, 365, 366, 367]);
  });

  it('wait for the delay since the commit', () => {
    expect([isEvaluable(10, 13, 4), isEvaluable(10, 14, 4), isEvaluable(10, 10, 0)]).toEqual([false, true, true]);
  });

  it.each([[-1, 5], [1.5, 5], [NaN, 5], [1, 0], [1, 2.5]])('refuses block %d in windows of %d', (block, length) => {
    expect(() => windowOf(block, length)).toThrow(InvalidInput);
  });
});
