import { describe, expect, it } from 'vitest';
import { STICKS } from '../../../genki/data/drum-notation.ts';
import { strokes } from '../../../genki/data/rhythm.ts';
import { STYLE_NAMES } from '../../../genki/data/styles/style.ts';
import { BASE_STYLES, PRIVATE_STYLES, styleNamed } from '../../../genki/data/styles/styles.ts';

describe('styles', () => {
  it('are eight, three for the base and five for miners', () => {
    expect([...BASE_STYLES, ...PRIVATE_STYLES]).toEqual([...STYLE_NAMES]);
  });

  it.each(STYLE_NAMES.map(styleNamed))('$name is written in symbols that are known, at a grid that its tempos can play', (style) => {
    const patterns = [
      ...style.textures.flatMap((texture) => (texture.kind === 'pattern' ? [{ bar: texture.bar, symbols: /^[0-3.-]*$/ }] : [])),
      ...style.basses.map((bar) => ({ bar, symbols: /^[0-3va.-]*$/ })),
      ...style.drums.flatMap(({ bar, fill }) => [bar, fill]).map((bar) => ({ bar, symbols: new RegExp(`^[${Object.keys(STICKS).join('')}.-]*$`) })),
    ];
    for (const { bar, symbols } of patterns) {
      expect(bar).toMatch(symbols);
      for (const framesPerBeat of style.framesPerBeat) {
        for (const { frames } of strokes([bar], { at: 0, frames: style.beats * framesPerBeat })) expect(frames).toBeGreaterThanOrEqual(1);
      }
    }
  });

  it.each(STYLE_NAMES.map(styleNamed))('$name has forms of four motifs that begin with the first', ({ forms }) => {
    for (const form of forms) expect(form).toMatch(/^A[ABC]{3}$/);
  });
});
