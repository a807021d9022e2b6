import { describe, expect, it } from 'vitest';
import { judgePromotion } from '../../../genki/evaluation/promotion.ts';
import { Random } from '../../../genki/protocol/random.ts';

const styles = ['swing', 'swing', 'town'];

describe('judgePromotion', () => {
  it('weighs the styles alike, however many clips each has', () => {
    // means 1 and 2 before, 0.5 and 2.4 after: 1.5 and 1.45
    const of = { styles, base: [2, 2, 2], before: [0.5, 1.5, 2], after: [0.5, 0.5, 2.4] };
    expect(judgePromotion(of, 0)).toEqual({ losses: { swing: { base: 2, before: 1, after: 0.5 }, town: { base: 2, before: 2, after: 2.4 } } });
    // 0.5 and 2.6: 1.55
    const worse = { ...of, after: [0.5, 0.5, 2.6] };
    expect(judgePromotion(worse, 0.06).refused).toBeUndefined();
    expect(judgePromotion(worse, 0.04).refused).toBe("Expected a held-out loss of at most 1.5400 nats a code, got 1.5500");
  });

  it.each([NaN, Infinity])('refuses one whose loss is %s, and takes one that is finite where the current one is not', (loss) => {
    const of = { styles, base: [2, 2, 2], before: [1, 1, 1], after: [1, loss, 1] };
    expect(judgePromotion(of, 1)).toEqual({ losses: { swing: { base: 2, before: 1, after: null }, town: { base: 2, before: 1, after: 1 } }, refused: 'Expected a finite held-out loss, got one that is not' });
    expect(judgePromotion({ ...of, before: of.after, after: of.before }, 0).refused).toBeUndefined();
  });

  it('leads nowhere above the base, however small the steps', () => {
    let before = [1.5, 1.5, 1.5];
    for (let hop = 0; hop < 100; hop++) {
      const after = before.map((loss) => loss + 0.09);
      if (judgePromotion({ styles, base: [2, 2, 2], before, after }, 0.1).refused === undefined) before = after;
    }
    expect(before[0]).toBeLessThanOrEqual(2.1);
    expect(judgePromotion({ styles, base: [2, 2, 2], before: [3, 3, 3], after: [2.9, 2.9, 2.9] }, 0.1).refused).toBeUndefined();
  });

  it('takes what is nowhere worse, and nothing that is worse everywhere by more than the tolerance', () => {
    const random = new Random('promotion');
    for (let i = 0; i < 1000; i++) {
      const before = styles.map(() => random.float() * 3);
      const better = before.map((loss) => loss - random.float() * 0.1);
      const worse = before.map((loss) => loss + 0.021 + random.float());
      expect([judgePromotion({ styles, base: before, before, after: better }, 0.02).refused, judgePromotion({ styles, base: before, before, after: worse }, 0.02).refused]).toEqual([undefined, expect.any(String)]);
    }
  });
});
