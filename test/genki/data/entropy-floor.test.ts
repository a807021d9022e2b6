import { describe, expect, it } from 'vitest';
import { entropyFloor } from '../../../genki/data/entropy-floor.ts';
import { STYLE_NAMES } from '../../../genki/data/styles/style.ts';
import { InvalidInput } from '../../../genki/errors.ts';

describe('the entropy floor', () => {
  it.each(STYLE_NAMES)('lies where a small model learns a style well and no two pieces are alike: %s', (style) => {
    const floor = entropyFloor(style, 200);
    expect(floor).toBeGreaterThan(0.05);
    expect(floor).toBeLessThan(0.2);
  });

  it('hardly moves with the number of pieces', () => {
    expect(entropyFloor('battle', 200)).toBeCloseTo(entropyFloor('battle', 1000), 2);
  });

  it('is of a style that there is', () => {
    expect(() => entropyFloor('polka')).toThrow(InvalidInput);
  });
});
