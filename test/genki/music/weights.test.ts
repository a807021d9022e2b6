import { describe, expect, it } from 'vitest';
import { decoderLinears, initialWeights, pickWeights, weightSpecs } from '../../../genki/music/weights.ts';
import { sinusoidalPositions } from '../../../genki/music/positions.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { decodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { goldenBytes, TINY } from './support/goldens.ts';
import { TOY } from './support/toys.ts';

describe('weightSpecs', () => {
  it("are the tensors of Hugging Face's file, text encoder and codec aside", () => {
    const { tensors } = decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors'));
    const theirs = [...tensors].filter(([name]) => /^(decoder|enc_to_dec_proj)\./.test(name)).map(([name, { shape }]) => [name, shape]);
    expect(new Map(weightSpecs(TINY).map(({ name, shape }) => [name, shape]))).toEqual(new Map(theirs as [string, number[]][]));
    expect([...pickWeights(TINY, tensors).keys()].length).toBe(theirs.length);
  });

  it('hold a table of the words where the model learns them', () => {
    expect(weightSpecs(TOY)[0]).toMatchObject({ name: 'text_encoder.shared.weight', shape: [5, 8] });
  });

  it('have no projection where the states are used as they are', () => {
    const without = weightSpecs({ ...TINY, text: { kind: 'states', hiddenSize: 32, isProjected: false } });
    expect(without.map(({ name }) => name)).toEqual(weightSpecs(TINY).map(({ name }) => name).filter((name) => !name.startsWith('enc_to_dec_proj')));
  });

  it('name ten linear layers for each of the decoder', () => {
    expect(decoderLinears(TOY).length).toBe(20);
  });
});

describe('initialWeights', () => {
  it('come from the seed', () => {
    expect(initialWeights(TOY, new Random('a'))).toEqual(initialWeights(TOY, new Random('a')));
    expect(initialWeights(TOY, new Random('b'))).not.toEqual(initialWeights(TOY, new Random('a')));
  });
});

describe('sinusoidalPositions', () => {
  it('are cosines, then sines, ever slower', () => {
    const close = (values: number[]) => values.map((value) => expect.closeTo(value, 6));
    expect([...sinusoidalPositions(0, 2, 4)]).toEqual(close([1, 1, 0, 0, Math.cos(1), Math.cos(1e-4), Math.sin(1), Math.sin(1e-4)]));
  });

  it('are the same wherever the sequence is cut', () => {
    expect(sinusoidalPositions(0, 9, 8).slice(40)).toEqual(sinusoidalPositions(5, 4, 8));
  });
});
