import { describe, expect, it } from 'vitest';
import { composeDataset } from '../../../genki/data/dataset.ts';
import { heldOut } from '../../../genki/data/held-out.ts';
import { InvalidInput } from '../../../genki/errors.ts';

describe('held-out music', () => {
  it('is the same for the same seed, whatever order the styles are named in', () => {
    const clips = heldOut({ clips: { town: 2, march: 3 }, seed: 'block' });
    expect(clips.map(({ style }) => style)).toEqual(['march', 'march', 'march', 'town', 'town']);
    expect(heldOut({ clips: { march: 3, town: 2 }, seed: 'block' })).toEqual(clips);
    expect(heldOut({ clips: { march: 3, town: 2 }, seed: 'other' })).not.toEqual(clips);
  });

  it('is in no dataset, even one of the same seed', () => {
    const known = new Set(composeDataset({ name: 'd', styles: ['town'], clips: 50, seed: 'block', licence: 'CC0-1.0', sharing: 'shared' }).clips.map(({ codes }) => codes.join()));
    for (const { codes } of heldOut({ clips: { town: 50 }, seed: 'block' })) expect(known).not.toContain(codes.join());
  });

  it('is refused for a style that is unknown', () => {
    expect(() => heldOut({ clips: { polka: 1 }, seed: 'block' })).toThrow(InvalidInput);
  });
});
