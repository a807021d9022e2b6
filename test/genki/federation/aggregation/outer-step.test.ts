import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { outerStep, type OuterState } from '../../../../genki/federation/aggregation/outer-step.ts';

type Golden = { readonly learningRate: number; readonly momentum: number; readonly nesterov: boolean; readonly weights: number[]; readonly windows: { readonly update: number[]; readonly weights: number[]; readonly momentum: number[] | null }[] };
const { outer } = JSON.parse(readFileSync(new URL('../../../goldens/aggregation.json', import.meta.url), 'utf8')) as { outer: Golden[] };

const state = (weights: number[], momentum: number[] | null = null): OuterState => ({ weights: Float32Array.from(weights), momentum: momentum && Float32Array.from(momentum) });

describe('outerStep', () => {
  it('adds the update times the learning rate', () => {
    expect(outerStep({ learningRate: 2, momentum: 0, nesterov: false }, state([1, -1]), Float32Array.of(0.5, 0.25))).toEqual(state([2, -0.5]));
  });

  it('keeps half of the last window, and with Nesterov looks half a window ahead', () => {
    const [plain, nesterov] = [false, true].map((ahead) => outerStep({ learningRate: 1, momentum: 0.5, nesterov: ahead }, state([0], [4]), Float32Array.of(1)));
    expect(plain).toEqual(state([3], [3]));
    expect(nesterov).toEqual(state([2.5], [3]));
  });

  it.each(outer)('does as torch.optim.SGD of the negative update over six windows: rate $learningRate, momentum $momentum, Nesterov $nesterov', ({ weights, windows, ...options }) => {
    let now = state(weights);
    for (const window of windows) {
      now = outerStep(options, now, Float32Array.from(window.update));
      // a few roundings to float32, which torch does in other places
      now.weights.forEach((weight, i) => expect(Math.abs(weight - window.weights[i]!)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(weight))));
      if (options.momentum === 0) expect(now.momentum).toBeNull();
      else now.momentum!.forEach((value, i) => expect(Math.abs(value - window.momentum![i]!)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value))));
    }
  });

  it('changes nothing that it is given', () => {
    const [before, update] = [state([1, 2], [3, 4]), Float32Array.of(5, 6)];
    outerStep({ learningRate: 1, momentum: 0.9, nesterov: true }, before, update);
    expect([before, update]).toEqual([state([1, 2], [3, 4]), Float32Array.of(5, 6)]);
  });

  it('names vectors that do not go together', () => {
    const outerOf = (momentum: number) => ({ learningRate: 1, momentum, nesterov: false });
    expect(() => outerStep(outerOf(0.9), state([1, 2]), new Float32Array(3))).toThrow(new RangeError('Expected 2 values of the update and of the momentum, got 3 and 2'));
    expect(() => outerStep(outerOf(0.9), state([1, 2], [1]), new Float32Array(2))).toThrow(new RangeError('Expected 2 values of the update and of the momentum, got 2 and 1'));
    expect(() => outerStep(outerOf(0), state([1], [1]), new Float32Array(1))).toThrow(new RangeError('Expected no momentum for a factor of 0, got one'));
  });
});
