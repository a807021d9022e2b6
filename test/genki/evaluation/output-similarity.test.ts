import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { COPY_OUTPUTS, outputSimilarity } from '../../../genki/evaluation/output-similarity.ts';
import { Random } from '../../../genki/protocol/random.ts';

const at = (degrees: number, length = 1): Float32Array => Float32Array.of(length * Math.cos((degrees * Math.PI) / 180), length * Math.sin((degrees * Math.PI) / 180));

describe('outputSimilarity', () => {
  it('is worked by hand', () => {
    // cosines 1 and ½ over a floor of ½: their mean ¾ lies half way to 1
    expect(outputSimilarity([at(0), at(10)], [at(0), at(70)], { floor: 0.5 })).toBeCloseTo(0.5, 6);
  });

  it('is 1 for the same, at any loudness, and 0 from the floor down', () => {
    const clips = [at(5), at(50), at(140)];
    expect(outputSimilarity(clips, clips.map((clip) => clip.map((x) => 3 * x)), { floor: 0.4 })).toBeCloseTo(1, 6);
    expect(outputSimilarity(clips, [at(95), at(140), at(230)], { floor: 0.4 })).toBe(0);
  });

  it('lies between 0 and 1 and does not depend on who is compared with whom, over 1,000 draws', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(`outputs ${seed}`);
      const [a, b] = [0, 1].map(() => Array.from({ length: 4 }, () => at(360 * random.float(), 0.1 + random.float()))) as [Float32Array[], Float32Array[]];
      const floor = 0.9 * random.float();
      const value = outputSimilarity(a, b, { floor });
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
      expect(outputSimilarity(b, a, { floor })).toBeCloseTo(value, 9);
    }
  });

  it('does not call two miners copies who both play what their Dama played', () => {
    const base = [at(0), at(20), at(40), at(60)];
    const learned = (own: number): Float32Array[] => [at(0), at(20), at(40 + own), at(60 + own)];
    expect(outputSimilarity(learned(80), learned(-80), { floor: 0.4 })).toBe(0);
    expect(outputSimilarity(base, base, { floor: 0.4 })).toBeCloseTo(1, 6);
    expect(outputSimilarity(base, base, { floor: 0.4, base })).toBe(0);
    expect(outputSimilarity(learned(80), learned(80), { floor: 0.4, base })).toBeGreaterThan(COPY_OUTPUTS);
  });

  it('names what it cannot compare', () => {
    expect(() => outputSimilarity([at(0), at(1)], [at(0)], { floor: 0.4 })).toThrow(new InvalidInput('Expected a clip of prompt 1 from both, got one of one only'));
    expect(() => outputSimilarity([at(0), undefined], [at(0), at(1)], { floor: 0.4 })).toThrow('prompt 1');
    expect(() => outputSimilarity([at(0)], [at(0)], { floor: 0.4, base: [] })).toThrow('prompt 0');
    expect(() => outputSimilarity([at(0)], [Float32Array.of(1)], { floor: 0.4 })).toThrow('Expected embeddings of one width for prompt 0, got 2 and 1');
    expect(() => outputSimilarity([at(0, 0)], [at(0)], { floor: 0.4 })).toThrow('Expected embeddings with a direction for prompt 0, got none');
    expect(() => outputSimilarity([at(0)], [at(0)], { floor: 1 })).toThrow('Expected a floor from −1 to below 1, got 1');
  });
});
