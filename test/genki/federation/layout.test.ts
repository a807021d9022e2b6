import { describe, expect, it } from 'vitest';
import { BadSubmission, InvalidInput } from '../../../genki/errors.ts';
import { flatten, layoutOf, normOf, unflatten } from '../../../genki/federation/layout.ts';
import { initialWeights, weightSpecs } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { TOY } from '../music/support/toys.ts';

const layout = layoutOf(TOY);
const weights = initialWeights(TOY, new Random('layout'));

describe('the flat vector of all weights', () => {
  it('has one place after the other, in the order of the tensors', () => {
    expect(layout.places.map(({ name }) => name)).toEqual(weightSpecs(TOY).map(({ name }) => name));
    let end = 0;
    for (const { offset, size } of layout.places) {
      expect(offset).toBe(end);
      end += size;
    }
    expect(layout.size).toBe(end);
  });

  it('holds the weights, which come out as they went in', () => {
    const flat = flatten(layout, weights);
    const { name, offset, size } = layout.places[3]!;
    expect(flat.subarray(offset, offset + size)).toEqual(weights.get(name)!.data);
    expect([...unflatten(layout, flat)]).toEqual([...weights]);
  });

  it('refuses weights that are missing, or of another size', () => {
    const [first] = weights.keys();
    expect(() => flatten(layout, new Map([...weights].filter(([name]) => name !== first)))).toThrow(InvalidInput);
    expect(() => flatten(layout, new Map([...weights, [first!, { shape: [1], dtype: 'F32', data: new Float32Array(1) }]]))).toThrow(InvalidInput);
    expect(() => unflatten(layout, new Float32Array(layout.size - 1))).toThrow(InvalidInput);
  });

  it('is as long as its values make it, and none that is not finite is', () => {
    expect(normOf(Float32Array.of(3, -4))).toBe(5);
    for (const unfit of [NaN, Infinity]) expect(() => normOf(Float32Array.of(1, unfit))).toThrow(BadSubmission);
  });
});
