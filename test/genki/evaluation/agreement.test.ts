import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { flatAgreement, gradientAgreement } from '../../../genki/evaluation/agreement.ts';
import { Random } from '../../../genki/protocol/random.ts';

const update = (values: Record<string, number[]>) => new Map(Object.entries(values).map(([module, delta]) => [module, Float32Array.from(delta)]));
const gradient = (values: Record<string, number[]>) => new Map(Object.entries(values).map(([module, slope]) => [`${module}.weight`, Float64Array.from(slope)]));

describe('gradient agreement', () => {
  it('is 1 for who goes down the slope, −1 for who climbs it, and 0 across', () => {
    const slope = gradient({ a: [3, 0], b: [0, -4] });
    expect(gradientAgreement(update({ a: [-3, 0], b: [0, 4] }), slope)).toBeCloseTo(1, 12);
    expect(gradientAgreement(update({ a: [3, 0], b: [0, -4] }), slope)).toBeCloseTo(-1, 12);
    expect(gradientAgreement(update({ a: [0, 1], b: [1, 0] }), slope)).toBe(0);
    // (−1, 0) against (−3, −4): 3 / 5
    expect(gradientAgreement(update({ a: [-1, 0] }), gradient({ a: [3, 4] }))).toBeCloseTo(0.6, 12);
  });

  it('is 0 for no update, and does not see how long one is', () => {
    const random = new Random('agreement');
    const slope = gradient({ a: Array.from({ length: 8 }, () => random.normal()) });
    expect(gradientAgreement(update({ a: new Array<number>(8).fill(0) }), slope)).toBe(0);
    for (let i = 0; i < 500; i++) {
      const delta = Array.from({ length: 8 }, () => random.normal());
      const cosine = gradientAgreement(update({ a: delta }), slope);
      expect(Math.abs(cosine)).toBeLessThanOrEqual(1);
      expect(gradientAgreement(update({ a: delta.map((x) => 16 * x) }), slope)).toBeCloseTo(cosine, 6);
    }
  });

  it('refuses a gradient of another model', () => {
    expect(() => gradientAgreement(update({ a: [1] }), gradient({ b: [1] }))).toThrow(InvalidInput);
    expect(() => gradientAgreement(update({ a: [1] }), gradient({ a: [1, 2] }))).toThrow('Expected a gradient of 1 values for a.weight, got 2');
  });

  it('is the same of an update of all weights', () => {
    const layout = { size: 3, places: [{ name: 'a.weight', shape: [2], offset: 0, size: 2 }, { name: 'b.weight', shape: [1], offset: 2, size: 1 }] };
    const slope = gradient({ a: [3, 4], b: [0] });
    // (−1, 0, 0) against (−3, −4, 0): 3 / 5
    expect(flatAgreement(layout, Float32Array.of(-1, 0, 0), slope)).toBeCloseTo(0.6, 12);
    expect(flatAgreement(layout, Float32Array.of(0, 0, 0), slope)).toBe(0);
    expect(() => flatAgreement(layout, Float32Array.of(1), slope)).toThrow('Expected an update of 3 values, got 1');
    expect(() => flatAgreement(layout, Float32Array.of(1, 2, 3), gradient({ a: [3, 4] }))).toThrow('Expected a gradient of 1 values for b.weight, got none');
  });
});
