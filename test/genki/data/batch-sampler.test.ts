import { describe, expect, it } from 'vitest';
import { batchSampler } from '../../../genki/data/batch-sampler.ts';
import { composeDataset } from '../../../genki/data/dataset.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import type { Clip } from '../../../genki/music/clip.ts';

const own = composeDataset({ name: 'own', styles: ['swing'], clips: 10, seed: '1', licence: 'CC0-1.0', sharing: 'private' });
const replay = { styles: ['town', 'waltz'], clips: 3, seed: 'public' };
const rows = { privateRows: 4, replayRows: 2, seed: 's' };
const keys = (clips: readonly Clip[]): string[] => clips.map(({ codes }) => codes.join());
const steps = (count: number): number[] => Array.from({ length: count }, (_, step) => step);

describe('the batch sampler', () => {
  it('gives private rows first, then replayed ones', () => {
    const sample = batchSampler(own, replay, rows);
    for (const step of steps(20)) {
      const styles = sample(step).map(({ style }) => style);
      expect(styles.slice(0, 4)).toEqual(['swing', 'swing', 'swing', 'swing']);
      for (const style of styles.slice(4)) expect(replay.styles).toContain(style);
      expect(styles).toHaveLength(6);
    }
  });

  it('depends on the seed and the step alone, in whatever order the steps are asked for', () => {
    const forwards = batchSampler(own, replay, rows);
    const backwards = batchSampler(own, replay, rows);
    const expected = steps(12).map((step) => keys(forwards(step)));
    expect(steps(12).toReversed().map((step) => keys(backwards(step))).toReversed()).toEqual(expected);
    expect(steps(12).map((step) => keys(batchSampler(own, replay, { ...rows, seed: 't' })(step)))).not.toEqual(expected);
  });

  it('gives every clip once before any twice, private and replayed', () => {
    const sample = batchSampler(own, replay, rows);
    const batches = steps(30).map(sample);
    for (const [from, width, round] of [[0, 4, 10], [4, 2, 6]] as const) {
      const drawn = keys(batches.flatMap((batch) => batch.slice(from, from + width)));
      for (let at = 0; at + round <= drawn.length; at += round) expect(new Set(drawn.slice(at, at + round)).size).toBe(round);
    }
  });

  it('changes the order from one time round to the next', () => {
    const sample = batchSampler(own, replay, { ...rows, privateRows: 10, replayRows: 0 });
    expect(keys(sample(0))).not.toEqual(keys(sample(1)));
    expect(keys(sample(0)).sort()).toEqual(keys(sample(1)).sort());
  });

  it('refuses rows of a corpus without clips', () => {
    expect(() => batchSampler({ ...own, clips: [] }, replay, rows)).toThrow(new InvalidInput('Expected clips for 4 rows of a batch, got none'));
    expect(() => batchSampler(own, { ...replay, styles: [] }, rows)).toThrow(InvalidInput);
  });
});
