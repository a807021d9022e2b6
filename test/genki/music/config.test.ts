import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { readMusicConfig } from '../../../genki/music/config.ts';
import { TOY } from './support/toys.ts';

describe('readMusicConfig', () => {
  it('gives back what it read', () => {
    expect(readMusicConfig(JSON.parse(JSON.stringify(TOY)))).toEqual(TOY);
  });

  it('knows what a model may have beside the shipped one: wide codes, left and right, other activations, states as they are', () => {
    const decoder = { ...TOY.decoder, vocabSize: 65535, channels: 2, activation: 'gelu_new', maxPositions: 13 };
    const music = { ...TOY, decoder, text: { kind: 'states', hiddenSize: 32, isProjected: false } };
    expect(readMusicConfig(music)).toEqual(music);
    expect(() => readMusicConfig({ ...music, decoder: { ...decoder, maxPositions: 12 } })).toThrow('maxPositions to hold 12 delayed frames, 13, got 12');
  });

  it.each([
    ['an unknown key', { ...TOY, colour: 'red' }, 'colour'],
    ['an unknown key within', { ...TOY, decoder: { ...TOY.decoder, dropout: 0 } }, 'dropout'],
    ['a missing field', { decoder: TOY.decoder, text: TOY.text }, 'codec'],
    ['a text of another kind', { ...TOY, text: { kind: 'braille' } }, 'kind'],
    ['a size that is no number', { ...TOY, decoder: { ...TOY.decoder, numLayers: '2' } }, 'numLayers'],
    ['no layers', { ...TOY, decoder: { ...TOY.decoder, numLayers: 0 } }, 'numLayers'],
    ['codes beyond 16 bits', { ...TOY, decoder: { ...TOY.decoder, vocabSize: 65536 } }, 'vocabSize'],
    ['three channels', { ...TOY, decoder: { ...TOY.decoder, channels: 3 } }, 'channels'],
    ['codebooks that are no pairs', { ...TOY, decoder: { ...TOY.decoder, channels: 2, numCodebooks: 3 } }, 'numCodebooks'],
    ['an unknown activation', { ...TOY, decoder: { ...TOY.decoder, activation: 'silu' } }, 'activation'],
    ['states of another size without a projection', { ...TOY, text: { ...TOY.text, isProjected: false } }, 'text.hiddenSize'],
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
