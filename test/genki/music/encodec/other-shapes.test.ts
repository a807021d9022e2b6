import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { encodecCodec } from '../../../../genki/music/encodec/encodec-codec.ts';
import { encoderLayers } from '../../../../genki/music/encodec/layers.ts';
import { layerWeights } from '../../../../genki/music/encodec/weights.ts';
import { sourceOf } from '../../../../genki/protocol/tensor-source.ts';
import { machineEngines } from '../support/engines.ts';
import { expectClose, golden, goldens } from '../support/goldens.ts';
import { ACTIVATIONS, caseCodec, everyLayer, inOldNames, outputsOf, weightFeeds } from './golden-codecs.ts';

/** Of `make_encodec_goldens.py`. */
const CASES = ['causal', 'causal-reflect', 'deep', 'stereo', 'grouped'];

describe.each(await machineEngines())('EnCodec in other shapes on %s', (_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  it.each(CASES)('gives the waveforms and codes, the shortest included: %s', async (name) => {
    const { config, tensors, prefix } = caseCodec(name);
    const codec = encodecCodec(engine, { config, weights: sourceOf(tensors), prefix });
    const expected = goldens(`encodec/${name}.safetensors`);
    const lengthsOf = (way: string): number[] => [...expected.keys()].filter((key) => key.startsWith(`${way}.`) && key.endsWith('.codes')).map((key) => Number(key.split('.')[1]));
    for (const frames of lengthsOf('decode')) {
      const { channels } = await codec.decode(Uint8Array.from(golden(expected, `decode.${frames}.codes`).data), frames);
      expectClose(joined(channels), golden(expected, `decode.${frames}.sound`).data, ACTIVATIONS, `waveform of ${frames} frames`);
    }
    for (const samples of lengthsOf('encode')) {
      const { data } = golden(expected, `encode.${samples}.sound`);
      const channels = Array.from({ length: config.audioChannels }, (_c, c) => Float32Array.from(data.slice(c * samples, (c + 1) * samples)));
      const { codes, frames } = await codec.encode(channels);
      expect(golden(expected, `encode.${samples}.codes`).shape, `codes of ${samples} samples`).toEqual([3, frames]);
      expect([...codes], `codes of ${samples} samples`).toEqual([...golden(expected, `encode.${samples}.codes`).data]);
    }
    expect([lengthsOf('decode').length, lengthsOf('encode').length]).toEqual([3, 5]);
    await codec.dispose();
  });

  it.each(CASES)('gives the latents of the shortest and the longest sound: %s', async (name) => {
    const files = caseCodec(name);
    const expected = goldens(`encodec/${name}.safetensors`);
    const layers = encoderLayers(files.config);
    const weights = await weightFeeds(engine, layerWeights(files.config, layers), files);
    const sounds = [...expected].filter(([key]) => /^encode\..*\.sound$/.test(key)).toSorted(([, a], [, b]) => a.data.length - b.data.length);
    for (const [key, { data, shape }] of [sounds[0]!, sounds.at(-1)!]) {
      const [channels, length] = shape as [number, number];
      const outputs = await outputsOf(engine, everyLayer(files, layers, [1, channels, length]), { ...weights, signal: engine.tensor(data, [1, channels, length]) });
      expectClose(outputs[`out.${layers.length - 1}`]!, golden(expected, key.replace('sound', 'latent')).data, ACTIVATIONS, key);
    }
  });

  it('takes weight norms by their old names too', async () => {
    const { config, tensors, prefix } = caseCodec('stereo');
    const expected = goldens('encodec/stereo.safetensors');
    const renamed = inOldNames(tensors);
    expect([...renamed.keys()].filter((name) => name.endsWith('weight_g')).length).toBeGreaterThan(8);
    const codec = encodecCodec(engine, { config, weights: sourceOf(renamed), prefix });
    const { channels } = await codec.decode(Uint8Array.from(golden(expected, 'decode.9.codes').data), 9);
    expectClose(joined(channels), golden(expected, 'decode.9.sound').data, ACTIVATIONS, 'waveform');
    await codec.dispose();
  });
});

const joined = (channels: readonly Float32Array[]): number[] => channels.flatMap((samples) => [...samples]);
