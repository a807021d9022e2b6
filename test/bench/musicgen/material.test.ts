import { describe, expect, it } from 'vitest';
import { configJson } from '../../../bench/musicgen/config-json.ts';
import { randomBatch, randomText } from '../../../bench/musicgen/material.ts';
import { SIZES } from '../../../bench/musicgen/sizes.ts';
import { readMusicConfig } from '../../../genki/music/config.ts';
import { size as elementsOf, weightSpecs } from '../../../genki/music/weights.ts';

const millionsOf = (name: keyof typeof SIZES): number => {
  const specs = weightSpecs(readMusicConfig(configJson(SIZES[name])));
  return specs.reduce((sum, { shape }) => sum + elementsOf(shape), 0) / 1e6;
};

describe('what the sides learn from', () => {
  const music = readMusicConfig(configJson(SIZES.nano));

  it('has as many parameters as each size says', () => {
    expect(millionsOf('nano')).toBeCloseTo(1.13, 2);
    expect(millionsOf('100m')).toBeCloseTo(97.6, 1);
    expect(millionsOf('d1024')).toBeCloseTo(84.7, 1);
    expect(millionsOf('small')).toBeCloseTo(420.4, 1);
  });

  it('is clips of full length: every codebook is asked all frames', () => {
    const { rows, positions, weights, labels } = randomBatch(music, SIZES.nano);
    expect([rows, positions]).toEqual([8, 131]);
    for (let k = 0; k < 4; k++) expect(weights.filter((weight, i) => i % 4 === k && weight > 0)).toHaveLength(8 * 128);
    expect(new Set(labels).size).toBe(64);
    expect(randomBatch(music, SIZES.nano)).toEqual(randomBatch(music, SIZES.nano));
  });

  it('is told texts of different lengths', () => {
    const { mask, length, content } = randomText(music, 5);
    expect(Array.from({ length: 5 }, (_, row) => mask.slice(row * length, (row + 1) * length).reduce((sum, one) => sum + one))).toEqual([16, 13, 10, 7, 16]);
    expect(content.kind === 'states' && content.states.length).toBe(5 * 16 * 64);
  });
});
