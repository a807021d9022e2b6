import { describe, expect, it } from 'vitest';
import { promptClips } from '../../../genki/data/prompts.ts';

describe('the prompts of a round', () => {
  const styles = ['swing', 'march', 'ambient'];

  it('take the styles in turn, each piece once', () => {
    const clips = promptClips({ styles, count: 7, seed: 'a' });
    expect(clips.map(({ style }) => style)).toEqual(['ambient', 'march', 'swing', 'ambient', 'march', 'swing', 'ambient']);
    expect(new Set(clips.map(({ codes }) => codes.join())).size).toBe(7);
  });

  it('are the same for a seed, other pieces of the same styles for another draw, and others for another seed', () => {
    const codes = (seed: string, draw?: number) => promptClips({ styles, count: 3, seed, ...(draw !== undefined && { draw }) }).map((clip) => [clip.style, clip.codes.join()]);
    expect(codes('a')).toEqual(codes('a', 0));
    expect(codes('a', 1).map(([style]) => style)).toEqual(codes('a').map(([style]) => style));
    expect(codes('a', 1)).not.toEqual(codes('a'));
    expect(codes('b')).not.toEqual(codes('a'));
  });
});
