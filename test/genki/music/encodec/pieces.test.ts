import { describe, expect, it } from 'vitest';
import { columnsOf, keepPiece, piecesOf } from '../../../../genki/music/encodec/pieces.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('piecesOf', () => {
  it('moves the last piece back to the end', () => {
    expect(piecesOf(17, { size: 8, context: 2 })).toEqual([
      { from: 0, to: 8, keepFrom: 0, keepTo: 6 },
      { from: 4, to: 12, keepFrom: 6, keepTo: 10 },
      { from: 8, to: 16, keepFrom: 10, keepTo: 14 },
      { from: 9, to: 17, keepFrom: 14, keepTo: 17 },
    ]);
  });

  it('leaves whole what is no longer than a piece', () => {
    expect(piecesOf(8, { size: 8, context: 3 })).toEqual([{ from: 0, to: 8, keepFrom: 0, keepTo: 8 }]);
    expect(piecesOf(5, { size: Infinity, context: 0 })).toEqual([{ from: 0, to: 5, keepFrom: 0, keepTo: 5 }]);
    expect(piecesOf(0, { size: 8, context: 3 })).toEqual([]);
  });

  it('keeps each element once, of pieces of one size, the context around it', () => {
    const random = new Random('pieces');
    for (let trial = 0; trial < 2000; trial++) {
      const context = random.int(9);
      const size = 2 * context + 1 + random.int(20);
      const length = 1 + random.int(300);
      const pieces = piecesOf(length, { size, context });
      const wrong = pieces.filter(({ from, to, keepFrom, keepTo }, i) =>
        keepFrom !== (pieces[i - 1]?.keepTo ?? 0)
        || keepTo <= keepFrom
        || to - from !== Math.min(size, length)
        || (from > 0 && keepFrom - from < context)
        || (to < length && to - keepTo < context));
      expect(wrong).toEqual([]);
      expect(pieces.at(-1)!.keepTo).toBe(length);
    }
  });

  it('refuses pieces that would keep nothing', () => {
    expect(() => piecesOf(9, { size: 6, context: 3 })).toThrow(new RangeError('Expected pieces longer than 2 · 3, got 6'));
  });
});

describe('keepPiece', () => {
  it('puts pieces together again, at any scale', () => {
    const random = new Random('keep');
    for (let trial = 0; trial < 200; trial++) {
      const [rows, length, scale] = [1 + random.int(3), 1 + random.int(60), 1 + random.int(4)];
      const whole = Float32Array.from({ length: rows * length * scale }, () => random.float());
      const out = new Float32Array(whole.length);
      for (const piece of piecesOf(length, { size: 11, context: 2 })) {
        const cut = columnsOf(whole, length * scale, { from: piece.from * scale, to: piece.to * scale }).slice();
        // what is not to be kept is spoilt
        const width = cut.length / rows;
        cut.forEach((_, i) => {
          const column = piece.from * scale + (i % width);
          if (column < piece.keepFrom * scale || column >= piece.keepTo * scale) cut[i] = NaN;
        });
        keepPiece(cut, piece, { out, rows, scale });
      }
      expect(out).toEqual(whole);
    }
  });
});
