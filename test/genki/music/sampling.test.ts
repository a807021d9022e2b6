import { describe, expect, it } from 'vitest';
import { drawCode, guide, roundScores, type Sampling, SCORE_STEP, warpScores } from '../../../genki/music/sampling.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { expectClose, golden, goldens } from './support/goldens.ts';

const ALL = { temperature: 1, topK: 0 };

describe('guide and warpScores', () => {
  const generate = goldens('generate.safetensors');

  it.each([
    ['default', { temperature: 1, topK: 50 }],
    ['k250', { temperature: 1, topK: 250 }],
    ['k20_t0.8_p0.9', { temperature: 0.8, topK: 20, topP: 0.9 }],
  ])("score and weigh codes as Hugging Face's processors do: %s", (name, sampling) => {
    const logits = golden(generate, `sample.${name}.raw_logits0`).data;
    const scores = golden(generate, `sample.${name}.scores0`).data;
    const probabilities = golden(generate, `sample.${name}.probs0`).data;
    for (let row = 0; row < 8; row++) {
      const rowOf = (values: ArrayLike<number>, at: number): number[] => Array.from(values).slice(at * 64, at * 64 + 64);
      const warped = warpScores(guide(rowOf(logits, row), rowOf(logits, 8 + row), 3), sampling);
      const expected = rowOf(scores, row);
      expect(Array.from(warped, (score) => score === -Infinity)).toEqual(expected.map((score) => score < -1e29));
      expectClose(warped.filter(Number.isFinite), expected.filter((score) => score > -1e29), 1e-5);
      const weights = warped.map(Math.exp);
      const total = weights.reduce((sum, weight) => sum + weight);
      expectClose(weights.map((weight) => weight / total), rowOf(probabilities, row), 1e-5, 'probabilities');
    }
  });

  it('keeps the codes that equal the last one kept', () => {
    expect([...warpScores([1, 2, 2, 0], { temperature: 1, topK: 1 })]).toEqual([-Infinity, 2, 2, -Infinity]);
  });

  it('drops of equally unlikely codes the last ones first', () => {
    // four times 1/6 and once 1/3: at 0.7 one of the four may go, at 0.4 three
    const scores = [0, 0, Math.log(2), 0, 0];
    const left = (topP: number) => [...warpScores(scores, { ...ALL, topP })].map((score) => score !== -Infinity);
    expect(left(0.7)).toEqual([true, true, true, true, false]);
    expect(left(0.4)).toEqual([true, false, true, false, false]);
    // a quarter is not more than 1 - 3/4
    expect([...warpScores([0, 0, 0, 0], { ...ALL, topP: 0.75 })]).toEqual([0, 0, 0, -Infinity]);
  });

  it('leaves the scores that it is given as they are', () => {
    const scores = Float64Array.of(3, 1, 2);
    warpScores(scores, { temperature: 2, topK: 1, topP: 0.5 });
    expect([...scores]).toEqual([3, 1, 2]);
  });

  it('always keeps the likeliest code', () => {
    expect([...warpScores([0, 3, 0], { temperature: 1, topK: 0, topP: 1e-9 })]).toEqual([-Infinity, 3, -Infinity]);
  });
});

describe('drawCode', () => {
  const draw = { seed: 'sampling', clip: 0, position: 0, codebook: 0 };

  it('takes the first of the likeliest codes at temperature 0', () => {
    expect(drawCode([0, 2, 2 + SCORE_STEP / 4, 1], { temperature: 0, topK: 0 }, draw)).toBe(1);
  });

  it('draws codes as often as softmax says', () => {
    const counts = [0, 0, 0];
    const scores = [Math.log(1), Math.log(2), Math.log(5)];
    for (let position = 0; position < 8000; position++) counts[drawCode(scores, ALL, { ...draw, position })]!++;
    // 4 standard deviations of a binomial count
    expect(Math.abs(counts[0]! - 1000)).toBeLessThan(4 * Math.sqrt(8000 / 8 * (7 / 8)));
    expect(Math.abs(counts[1]! - 2000)).toBeLessThan(4 * Math.sqrt(8000 / 4 * (3 / 4)));
  });

  it.each<[number, Sampling, number[]]>([
    [64, { temperature: 1, topK: 64 }, [28, 58, 55, 14, 10, 35, 14, 16, 6, 47, 25, 52]],
    [64, { temperature: 0.8, topK: 20, topP: 0.9 }, [28, 48, 55, 14, 10, 35, 14, 16, 6, 25, 40, 52]],
    [2048, { temperature: 1, topK: 250 }, [1696, 1952, 363, 1495, 1879, 462, 1913, 807, 538, 1494, 1457, 1666]],
    [300, { temperature: 1.2, topK: 0, topP: 0.7 }, [33, 202, 155, 87, 46, 258, 240, 91, 212, 95, 25, 122]],
    [64, { temperature: 0, topK: 0 }, [28, 48, 6, 14, 10, 5, 52, 12, 6, 25, 40, 45]],
  ])('draws of %i codes what it has always drawn: %o', (vocabSize, sampling, codes) => {
    const random = new Random(`scores ${vocabSize}`);
    const scores = Array.from(codes, () => Float32Array.from({ length: vocabSize }, () => 2 * random.normal()));
    expect(scores.map((row, position) => drawCode(row, sampling, { seed: 'drawn', clip: position % 3, position, codebook: position % 4 }))).toEqual(codes);
  });

  it('draws nothing outside top-k', () => {
    const drawn = new Set(Array.from({ length: 500 }, (_, position) => drawCode([0, 1, 1.1, 0.9], { temperature: 2, topK: 2 }, { ...draw, position })));
    expect(drawn).toEqual(new Set([1, 2]));
  });

  it('is the same for scores that differ in their last bits', () => {
    const codes = (nudge: number) => Array.from({ length: 200 }, (_, position) => drawCode([0.1, 0.2, 0.3].map((score) => score + nudge), ALL, { ...draw, position }));
    expect(codes(1e-6)).toEqual(codes(0));
    expect([...roundScores([0.30005])]).toEqual([...roundScores([0.3])]);
  });
});
