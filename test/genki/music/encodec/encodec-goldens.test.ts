import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Ops, Program } from '../../../../genki/engine/engine.ts';
import { encodecCodec } from '../../../../genki/music/encodec/encodec-codec.ts';
import { decoderLayers, encoderLayers } from '../../../../genki/music/encodec/layers.ts';
import { dequantize } from '../../../../genki/music/encodec/quantizer.ts';
import { layerWeights, quantizerWeights } from '../../../../genki/music/encodec/weights.ts';
import { sourceOf } from '../../../../genki/protocol/tensor-source.ts';
import { machineEngines } from '../support/engines.ts';
import { expectClose, golden, goldens } from '../support/goldens.ts';
import { ACTIVATIONS, type CodecFiles, everyLayer, outputsOf, tinyCodec, weightFeeds } from './golden-codecs.ts';

/** The latent of the codes `codes.<k>` [rows, frames]. */
const latentOfCodes = ({ config }: CodecFiles, shape: readonly number[]): Program => ({
  name: 'latent',
  inputs: Object.fromEntries([
    ...quantizerWeights(config).map(({ name, shape: table }) => [name, { shape: table, dtype: 'float32' }]),
    ...Array.from({ length: config.numQuantizers }, (_, k) => [`codes.${k}`, { shape, dtype: 'int32' }]),
  ]),
  build: <T>(ops: Ops<T>, inputs: Readonly<Record<string, T>>) => {
    const codes = Array.from({ length: config.numQuantizers }, (_, k) => inputs[`codes.${k}`]!);
    return { latent: dequantize({ ops, config, weight: (name) => inputs[name]! }, codes) };
  },
});

describe.each(await machineEngines())('EnCodec on %s', (_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  const tiny = goldens('encodec.safetensors');

  it("gives Hugging Face's latent of MusicGen's codes", async () => {
    const files = tinyCodec();
    const { data } = golden(tiny, 'codes'); // [1, 2, 4, 12]
    const codes = Object.fromEntries([0, 1, 2, 3].map((k) => [`codes.${k}`, engine.tensor(Int32Array.from([...data.slice(k * 12, (k + 1) * 12), ...data.slice((4 + k) * 12, (5 + k) * 12)]), [2, 12])]));
    const { latent } = await outputsOf(engine, latentOfCodes(files, [2, 12]), { ...(await weightFeeds(engine, quantizerWeights(files.config), files)), ...codes });
    expectClose(latent!, golden(tiny, 'quantized').data, ACTIVATIONS, 'latent');
  });

  it("gives every layer's output on the way to the waveform, and it", async () => {
    const files = tinyCodec();
    const layers = decoderLayers(files.config);
    const signal = engine.tensor(golden(tiny, 'quantized').data, [2, 8, 12]);
    const outputs = await outputsOf(engine, everyLayer(files, layers, [2, 8, 12]), { ...(await weightFeeds(engine, layerWeights(files.config, layers), files)), signal });
    for (let i = 0; i < 10; i++) expectClose(outputs[`out.${i}`]!, golden(tiny, `decoder.layers.${i}.out`).data, ACTIVATIONS, `layer ${i}`);
    expectClose(outputs['out.9']!, golden(tiny, 'wav').data, ACTIVATIONS, 'waveform');
  });

  it('gives the latent of a waveform', async () => {
    const files = tinyCodec();
    const layers = encoderLayers(files.config);
    const signal = engine.tensor(golden(tiny, 'enc_in').data, [2, 1, 96]);
    const outputs = await outputsOf(engine, everyLayer(files, layers, [2, 1, 96]), { ...(await weightFeeds(engine, layerWeights(files.config, layers), files)), signal });
    expectClose(outputs[`out.${layers.length - 1}`]!, golden(tiny, 'enc_latent').data, ACTIVATIONS, 'latent');
  });

  it("codes and decodes MusicGen's clips", async () => {
    const { config, tensors, prefix } = tinyCodec();
    const codec = encodecCodec(engine, { config, weights: sourceOf(tensors), prefix });
    for (const row of [0, 1]) {
      const codes = Uint8Array.from(golden(tiny, 'codes').data.slice(row * 48, (row + 1) * 48));
      const { channels, sampleRate } = await codec.decode(codes, 12);
      expect([channels.length, sampleRate]).toEqual([1, 32_000]);
      expectClose(channels[0]!, golden(tiny, 'wav').data.slice(row * 96, (row + 1) * 96), ACTIVATIONS, 'waveform');
      const coded = await codec.encode([Float32Array.from(golden(tiny, 'enc_in').data.slice(row * 96, (row + 1) * 96))]);
      expect([coded.frames, [...coded.codes]]).toEqual([12, [...golden(tiny, 'enc_codes').data.slice(row * 48, (row + 1) * 48)]]);
    }
    await codec.dispose();
  });
});
