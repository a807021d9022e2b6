import { describe, expect, it } from 'vitest';
import { copiesIn } from '../../../genki/federation/window-copies.ts';
import { Random } from '../../../genki/protocol/random.ts';

const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
const random = (seed: string): Float32Array => {
  const draw = new Random(seed);
  return Float32Array.from({ length: 1000 }, () => (draw.chance(0.1) ? draw.normal() : 0));
};

describe('copies', () => {
  it('are of the first one in the order, whatever their length, and named after the original', async () => {
    const found = await copiesIn([f32(1, 0, 0), f32(2, 0, 0), f32(0, 1, 0), f32(3, 1, 0)], { copyCosine: 0.9 });
    expect(found).toEqual([undefined, { kind: 'earlier', index: 0, cosine: 1 }, undefined, { kind: 'earlier', index: 0, cosine: 3 / Math.sqrt(10) }]);
  });

  it('of a window before come first', async () => {
    expect(await copiesIn([f32(1, 0), f32(1, 0)], { older: [f32(0, 1), f32(5, 0)], copyCosine: 0.5 })).toEqual([{ kind: 'older', index: 1, cosine: 1 }, { kind: 'older', index: 1, cosine: 1 }]);
  });

  it('of windows before are read one at a time', async () => {
    let open = 0;
    async function* read(): AsyncGenerator<Float32Array> {
      for (const one of [f32(0, 1), f32(1, 1), f32(5, 0)]) {
        expect(open++).toBe(0);
        yield one;
        open--;
      }
    }
    expect(await copiesIn([f32(1, 0), f32(1, 0.9)], { older: read(), copyCosine: 0.9 })).toMatchObject([{ kind: 'older', index: 2, cosine: 1 }, { kind: 'older', index: 1 }]);
  });

  it('are not what is turned round, nothing, or less alike than is said', async () => {
    expect(await copiesIn([f32(1, 1), f32(-1, -1), f32(0, 0), f32(1, 0)], { copyCosine: 0.75 })).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('are found among many, however sparse', async () => {
    const updates = Array.from({ length: 40 }, (_, i) => random(`update ${i}`));
    expect((await copiesIn(updates, { copyCosine: 0.5 })).every((one) => one === undefined)).toBe(true);
    const noise = random('noise');
    const found = await copiesIn([...updates, updates[17]!.map((value, i) => value + 0.3 * noise[i]!)], { copyCosine: 0.5 });
    expect(found.at(-1)).toMatchObject({ kind: 'earlier', index: 17, cosine: expect.closeTo(1 / Math.sqrt(1.09), 1) as number });
  });
});
