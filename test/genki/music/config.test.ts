import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { readMusicConfig } from '../../../genki/music/config.ts';
import { TOY } from './support/toys.ts';

describe('readMusicConfig', () => {
  it('gives back what it read', () => {
    expect(readMusicConfig(JSON.parse(JSON.stringify(TOY)))).toEqual(TOY);
  });

  it.each([
    ['an unknown key', { ...TOY, colour: 'red' }, 'colour'],
    ['an unknown key within', { ...TOY, decoder: { ...TOY.decoder, dropout: 0 } }, 'dropout'],
    ['a missing field', { decoder: TOY.decoder, text: TOY.text }, 'codec'],
    ['a text of another kind', { ...TOY, text: { kind: 'braille' } }, 'kind'],
    ['a size that is no number', { ...TOY, decoder: { ...TOY.decoder, numLayers: '2' } }, 'numLayers'],
    ['no layers', { ...TOY, decoder: { ...TOY.decoder, numLayers: 0 } }, 'numLayers'],
    ['codes beyond a byte', { ...TOY, decoder: { ...TOY.decoder, vocabSize: 257 } }, 'vocabSize'],
    ['heads that do not divide', { ...TOY, decoder: { ...TOY.decoder, numHeads: 5 } }, 'numHeads'],
    ['too few positions', { ...TOY, decoder: { ...TOY.decoder, maxPositions: 14 } }, 'maxPositions'],
    ['a word twice', { ...TOY, text: { ...TOY.text, words: ['town', 'town'] } }, 'words'],
    ['a word that no caption can hold', { ...TOY, text: { ...TOY.text, words: ['Town'] } }, 'words'],
    ['nothing', null, 'music config'],
  ])('refuses %s by name', (_, json, name) => {
    expect(() => readMusicConfig(json)).toThrow(InvalidInput);
    expect(() => readMusicConfig(json)).toThrow(name);
  });
});
