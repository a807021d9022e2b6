import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { finite } from '../../../genki/music/finite.ts';
import { languageWeights } from '../../../genki/music/open-model.ts';
import { readT5Config } from '../../../genki/music/t5/read-config.ts';
import { LoadedEncoder } from '../../../genki/music/t5/loaded-encoder.ts';
import { decodeSafetensors, type HostTensor } from '../../../genki/protocol/safetensors.ts';
import { sourceOf } from '../../../genki/protocol/tensor-source.ts';
import { createEngine } from './support/engines.ts';
import { goldenBytes, goldenJson, TINY } from './support/goldens.ts';

const { tensors } = decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors'));

/** The tiny model with one value of a tensor changed. */
function sourceWith(name: string, value: number) {
  const tensor = tensors.get(name) as HostTensor & { readonly data: Float32Array };
  return sourceOf(new Map([...tensors, [name, { ...tensor, data: tensor.data.with(3, value) }]]));
}

describe('a model with a value that is not finite', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  it.each([NaN, Infinity, -Infinity])('is refused by the tensor and the place: %d', (value) => {
    expect(() => finite('w', Float32Array.of(0, value, 1))).toThrow(`Expected finite values of w, got ${value} at 1`);
    expect(finite('w', Float32Array.of(3.4e38, -3.4e38))).toHaveLength(2);
  });

  it('is refused where the language model is read', async () => {
    const weights = sourceWith('decoder.lm_heads.2.weight', NaN);
    await expect(languageWeights({ music: TINY, weights })).rejects.toThrow('Expected finite values of decoder.lm_heads.2.weight, got NaN at 3');
  });

  it('is refused where the text encoder is read', async () => {
    const config = readT5Config((goldenJson('tiny-musicgen/config.json') as { text_encoder: unknown }).text_encoder);
    await expect(LoadedEncoder.load(engine, config, sourceWith('text_encoder.shared.weight', Infinity))).rejects.toThrow('Expected finite values of text_encoder.shared.weight, got Infinity at 3');
  });
});
