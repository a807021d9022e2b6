import { describe, expect, it } from 'vitest';
import { maxUpscale } from '../../genki/chain/yuma/max-upscale.ts';
import { Random } from '../../genki/protocol/random.ts';
import { toU16 } from '../../workflows/weights.ts';

const named = (...weights: number[]): { hotkey: string; weight: number }[] => weights.map((weight, i) => ({ hotkey: `hotkey ${i}`, weight }));
const values = (...weights: number[]): number[] => toU16(named(...weights)).map(({ weight }) => weight);

describe('toU16', () => {
  it('makes the largest share 65535 and leaves out those of nobody', () => {
    expect(values(0.5, 0.25, 0.25)).toEqual([65_535, 32_768, 32_768]);
    expect(toU16(named(0, 0.2, 0.1))).toEqual([{ hotkey: 'hotkey 1', weight: 65_535 }, { hotkey: 'hotkey 2', weight: 32_768 }]);
    expect(values(1e-9, 1)).toEqual([65_535]);
  });

  it('gives nothing where nobody earned anything', () => {
    expect([values(), values(0, 0), values(Number.NaN)]).toEqual([[], [], []]);
  });

  it.each(['a', 'b', 'c'])('is stored by the chain as it was sent (seed %s)', (seed) => {
    const random = new Random(seed);
    const sent = values(...Array.from({ length: 20 }, () => random.next()));
    expect(maxUpscale(sent)).toEqual(sent);
  });
});
