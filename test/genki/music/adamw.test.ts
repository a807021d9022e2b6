import { describe, expect, it } from 'vitest';
import { adamwStep, clipFactor, globalNorm } from '../../../genki/music/adamw.ts';
import { learningRateAt, silentRows } from '../../../genki/music/schedule.ts';
import { TOY_HYPER } from './support/toys.ts';

describe('adamwStep', () => {
  it('moves a parameter by the learning rate at the first step, after its decay', () => {
    const parameter = { name: 'w', shape: [2], value: Float32Array.of(1, -2), moment1: new Float32Array(2), moment2: new Float32Array(2) };
    adamwStep(parameter, Float32Array.of(0.5, -4), { betas: [0.9, 0.99], weightDecay: 0.1 }, { t: 1, learningRate: 0.01, factor: 1 });
    expect([...parameter.value]).toEqual([expect.closeTo(0.999 - 0.01, 6), expect.closeTo(-1.998 + 0.01, 6)]);
    expect([...parameter.moment1]).toEqual([expect.closeTo(0.05, 6), expect.closeTo(-0.4, 6)]);
    expect([...parameter.moment2]).toEqual([expect.closeTo(0.0025, 6), expect.closeTo(0.16, 6)]);
  });

  it('takes the gradient times its factor', () => {
    const start = () => ({ name: 'w', shape: [1], value: Float32Array.of(1), moment1: new Float32Array(1), moment2: new Float32Array(1) });
    const [whole, half] = [start(), start()];
    const config = { betas: [0.9, 0.95] as const, weightDecay: 0 };
    adamwStep(whole, Float32Array.of(1), config, { t: 3, learningRate: 0.1, factor: 0.5 });
    adamwStep(half, Float32Array.of(0.5), config, { t: 3, learningRate: 0.1, factor: 1 });
    expect(whole).toEqual(half);
  });
});

describe('clipping', () => {
  it('measures all gradients together', () => {
    expect(globalNorm([Float32Array.of(3), Float32Array.of(0, 4)])).toBe(5);
  });

  it('shortens what is too long and leaves the rest', () => {
    expect(clipFactor(5, 1)).toBeCloseTo(0.2, 6);
    expect(clipFactor(0.5, 1)).toBe(1);
  });
});

describe('learningRateAt', () => {
  it('rises in the warm-up, then falls along half a cosine', () => {
    const hyper = { ...TOY_HYPER, learningRate: 1, steps: 6, warmup: 2 };
    expect([1, 2, 3, 5, 7].map((t) => learningRateAt(hyper, t))).toEqual([0.5, 1, 1, 0.5, 0].map((rate) => expect.closeTo(rate, 12)));
  });

  it('stays where it is when told so', () => {
    expect(learningRateAt({ ...TOY_HYPER, warmup: 0, schedule: 'constant' }, 1000)).toBe(TOY_HYPER.learningRate);
  });
});

describe('silentRows', () => {
  it('depends on the seed and the step alone', () => {
    expect(silentRows(TOY_HYPER, 8, 'a', 3)).toEqual(silentRows(TOY_HYPER, 8, 'a', 3));
    expect(silentRows(TOY_HYPER, 64, 'a', 3)).not.toEqual(silentRows(TOY_HYPER, 64, 'a', 4));
    expect(silentRows({ ...TOY_HYPER, guidanceDropout: 0 }, 64, 'a', 3)).not.toContain(true);
  });
});
