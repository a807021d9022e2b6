import { describe, expect, it } from 'vitest';
import { updateCosine, updateInnerProduct } from '../../../genki/evaluation/similarity.ts';
import { byteCopy, inflateNorm, junk, lyingHeader, noisyCopy, nothing, permutedCopy, rescaledCopy, signFlip, truncated, withNaN } from '../../../genki/federation/attacks.ts';
import { encodeAdapter, updateNorm, type Adapter } from '../../../genki/music/lora.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { nanoSizes, randomAdapter } from './adapters.ts';

const honest = randomAdapter('honest', { sizes: nanoSizes, rank: 8, alpha: 16 });
const digest = (adapter: Adapter): string => contentDigest(decodeSafetensors(encodeAdapter(adapter)).tensors);

describe('attacks', () => {
  it('copies bytes', () => expect(digest(byteCopy(honest))).toBe(digest(honest)));

  it.each([
    ['rescaling', rescaledCopy(honest, 4)],
    ['permuting', permutedCopy(honest)],
  ])('hides a copy from the digest, not from the cosine, by %s', (_, copy) => {
    expect(digest(copy)).not.toBe(digest(honest));
    expect(updateCosine(copy, honest)).toBeCloseTo(1, 6);
  });

  it('makes a noisy copy as close as it says', () => {
    expect(updateCosine(noisyCopy(honest, new Random('noise')), honest)).toBeCloseTo(1 / 1.01, 2);
    expect(updateCosine(noisyCopy(honest, new Random('noise'), 1.2), honest)).toBeCloseTo(1 / 2.44, 2);
  });

  it('makes junk as long as the honest update in every module, and unlike it', () => {
    const random = junk(honest, new Random('junk'));
    expect(updateNorm(random)).toBeCloseTo(updateNorm(honest), 4);
    expect(Math.abs(updateCosine(random, honest))).toBeLessThan(0.05);
  });

  it('flips, inflates and empties', () => {
    expect(updateCosine(signFlip(honest), honest)).toBeCloseTo(-1, 6);
    expect(updateNorm(inflateNorm(honest)) / updateNorm(honest)).toBeCloseTo(3, 5);
    expect(updateInnerProduct(nothing(honest), nothing(honest))).toBe(0);
    expect(updateNorm(junk(nothing(honest), new Random('junk')))).toBe(0);
  });

  it('breaks files so that no reader takes them for sound', () => {
    const file = encodeAdapter(honest);
    expect(() => decodeSafetensors(truncated(file))).toThrow(/Expected/);
    expect(() => decodeSafetensors(lyingHeader(file))).toThrow(/Expected a header of at most/);
    expect([...decodeSafetensors(withNaN(file)).tensors.values()].some(({ data }) => data.some(Number.isNaN))).toBe(true);
  });
});
