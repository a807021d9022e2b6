import { describe, expect, it } from 'vitest';
import { aLittleIsEnough, mostDeviation } from '../../../../genki/attacks/windows/a-little-is-enough.ts';
import { honestUpdates } from '../../../../genki/attacks/windows/breakdown-table.ts';
import { collusion } from '../../../../genki/attacks/windows/collusion.ts';
import { gaussianNoise } from '../../../../genki/attacks/windows/gaussian-noise.ts';
import { innerProductManipulation } from '../../../../genki/attacks/windows/inner-product-manipulation.ts';
import { minMax } from '../../../../genki/attacks/windows/min-max.ts';
import { scaling } from '../../../../genki/attacks/windows/scaling.ts';
import { signFlip } from '../../../../genki/attacks/windows/sign-flip.ts';
import { apart, deviationOf, lengthOf, meanOf, spreadOf } from '../../../../genki/attacks/windows/spread.ts';
import { WINDOW_ATTACKS } from '../../../../genki/attacks/windows/window-attacks.ts';

const honest = [Float32Array.of(1, 4), Float32Array.of(3, 4)];
const many = honestUpdates(12, 'many', 200);

describe('spread', () => {
  it('is that of two updates, by hand', () => {
    expect([...meanOf(honest)]).toEqual([2, 4]);
    expect([...deviationOf(honest)]).toEqual([1, 0]);
    expect(spreadOf(honest)).toBe(1);
    expect(apart(honest[0]!, honest[1]!)).toBe(2);
  });
});

describe('attacks', () => {
  it('turn honest updates around, or make them longer', () => {
    expect(signFlip(honest, 3, '')).toEqual([Float32Array.of(-1, -4), Float32Array.of(-3, -4), Float32Array.of(-1, -4)]);
    expect(scaling(10)(honest, 1, '')).toEqual([Float32Array.of(10, 40)]);
  });

  it('point the mean backwards', () => expect(innerProductManipulation(0.5)(honest, 1, '')).toEqual([Float32Array.of(-1, -2)]));

  it('noise is as long as it says, and of its own from each', () => {
    const [one, other] = gaussianNoise(100)(many, 2, 'noise');
    expect(lengthOf(one!) / lengthOf(meanOf(many))).toBeCloseTo(100, -1);
    expect(apart(one!, other!)).toBeGreaterThan(lengthOf(one!));
  });

  it('colluding ones are equal, and as far off as they say', () => {
    const [one, other] = collusion(100)(many, 2, 'collusion');
    expect(one).toEqual(other);
    expect(apart(one!, meanOf(many)) / spreadOf(many)).toBeCloseTo(100, 3);
  });

  it('a little is as many deviations as leave the faulty ones a majority', () => {
    // they need two supporters among 26 honest ones: Φ(z) = 24/26
    expect(mostDeviation(50, 24)).toBeCloseTo(1.426, 2);
    expect(mostDeviation(20, 2)).toBeCloseTo(0, 3);
    expect(mostDeviation(20, 1)).toBeCloseTo(0, 3);
    expect(mostDeviation(20, 15)).toBeGreaterThan(0);
    const z = mostDeviation(4, 2);
    const [x, y] = aLittleIsEnough(honest, 2, '')[0]!;
    expect(x).toBeCloseTo(2 - z, 6);
    expect(y).toBe(4);
  });

  it('min-max goes as far as honest ones are apart, and no farther', () => {
    const widest = Math.max(...many.flatMap((x, i) => many.slice(0, i).map((y) => apart(x, y))));
    const [update] = minMax(many, 1, '');
    expect(Math.max(...many.map((x) => apart(x, update!))) / widest).toBeCloseTo(1, 4);
  });

  it.each(Object.entries(WINDOW_ATTACKS))('%s makes as many as are asked for, the same for the same seed, and changes no honest one', (_, attack) => {
    const before = many.map((update) => update.join());
    const made = attack(many, 5, 'seed').map((update) => update.join());
    expect(made).toHaveLength(5);
    expect(attack(many, 5, 'seed').map((update) => update.join())).toEqual(made);
    expect(attack(many, 0, 'seed')).toEqual([]);
    expect(attack(many.slice(0, 1), 2, 'seed').flatMap((update) => [...update]).every(Number.isFinite)).toBe(true);
    expect(many.map((update) => update.join())).toEqual(before);
  });
});
