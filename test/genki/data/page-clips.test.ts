import { describe, expect, it } from 'vitest';
import { compose } from '../../../genki/data/composer.ts';
import { pageClips } from '../../../genki/data/page-clips.ts';

const pages = { styles: ['march', 'swing', 'town'], clips: 5, seed: 'ruby' };

describe('a page', () => {
  it('has its styles in turn, each clip by its own seed', () => {
    const clips = pageClips(pages, 7);
    expect(clips.map(({ style }) => style)).toEqual(['march', 'swing', 'town', 'march', 'swing']);
    expect(clips[3]).toEqual(compose({ style: 'march', seed: 'page/ruby/7/3' }));
  });

  it('is the same whenever it is made, and shares no clip with another one', () => {
    expect(pageClips(pages, 2 ** 31 - 1)).toEqual(pageClips(pages, 2 ** 31 - 1));
    const codes = [...pageClips(pages, 0), ...pageClips(pages, 1), ...pageClips({ ...pages, seed: 'other' }, 0)].map((clip) => clip.codes.join());
    expect(new Set(codes).size).toBe(15);
  });
});
