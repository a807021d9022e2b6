import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Ops, Program } from '../../../../genki/engine/engine.ts';
import type { EncodecConfig } from '../../../../genki/music/encodec/config.ts';
import { dequantize, quantize } from '../../../../genki/music/encodec/quantizer.ts';
import { quantizerWeights } from '../../../../genki/music/encodec/weights.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import type { TensorMap } from '../../../../genki/protocol/safetensors.ts';
import { machineEngines } from '../support/engines.ts';
import { outputsOf, tinyCodec, weightFeeds } from './golden-codecs.ts';

/** Codes `codes.<k>` of `latent` [rows, hiddenSize, frames], and the latent that they stand for. */
const roundTrip = (config: EncodecConfig, shape: readonly number[]): Program => ({
  name: 'round-trip',
  inputs: { ...Object.fromEntries(quantizerWeights(config).map(({ name, shape: table }) => [name, { shape: table, dtype: 'float32' as const }])), latent: { shape, dtype: 'float32' } },
  build: <T>(ops: Ops<T>, inputs: Readonly<Record<string, T>>) => {
    const net = { ops, config, weight: (name: string) => inputs[name]! };
    const codes = quantize(net, inputs['latent']!);
    return { latent: dequantize(net, codes), ...Object.fromEntries(codes.map((ids, k) => [`codes.${k}`, ids])) };
  },
});

const codebooks = (config: EncodecConfig, vectors: readonly (readonly (readonly number[])[])[]): TensorMap =>
  new Map(vectors.map((table, k) => [`quantizer.layers.${k}.codebook.embed`, { shape: [config.codebookSize, config.hiddenSize], dtype: 'F32', data: Float32Array.from(table.flat()) }]));

describe.each(await machineEngines())('the quantiser on %s', (_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  async function run(config: EncodecConfig, tensors: TensorMap, latent: Float32Array): Promise<Record<string, Float32Array | Int32Array>> {
    const shape = [1, config.hiddenSize, latent.length / config.hiddenSize];
    const weights = await weightFeeds(engine, quantizerWeights(config), { config, tensors, prefix: '' });
    return await outputsOf(engine, roundTrip(config, shape), { ...weights, latent: engine.tensor(latent, shape) });
  }

  it('takes the nearest vector, then the nearest to what is left', async () => {
    const config = { ...tinyCodec().config, hiddenSize: 2, codebookSize: 2, numQuantizers: 2 };
    const tables = codebooks(config, [[[0, 0], [10, 10]], [[1, -1], [-2, 0]]]);
    // (9, 10) is nearest to (10, 10), and what is left, (−1, 0), to (−2, 0); (1, 0) to (0, 0) and (1, −1)
    const outputs = await run(config, tables, Float32Array.of(9, 1, 10, 0));
    expect([...outputs['codes.0']!, ...outputs['codes.1']!]).toEqual([1, 0, 1, 0]);
    expect([...outputs['latent']!]).toEqual([8, 1, 10, -1]);
  });

  it('takes the first of equally near vectors, wherever they lie', async () => {
    const config = { ...tinyCodec().config, hiddenSize: 24, codebookSize: 96, numQuantizers: 1 };
    const random = new Random('ties');
    const vectors = Array.from({ length: 48 }, () => Array.from({ length: 24 }, () => random.normal()));
    const order = random.shuffle(Array.from({ length: 96 }, (_v, i) => i % 48));
    const near = vectors.map((vector) => vector.map((x) => x + 0.01 * random.normal()));
    const latent = Float32Array.from({ length: 24 * 48 }, (_v, i) => near[i % 48]![Math.floor(i / 48)]!); // [24, 48]
    const outputs = await run(config, codebooks(config, [order.map((i) => vectors[i]!)]), latent);
    expect([...outputs['codes.0']!]).toEqual(vectors.map((_v, i) => order.indexOf(i)));
  });

  it('leaves no vector that is nearer, by float64 distances', async () => {
    const config = { ...tinyCodec().config, hiddenSize: 8, codebookSize: 32, numQuantizers: 3 };
    const random = new Random('nearest');
    const tables = Array.from({ length: 3 }, () => Array.from({ length: 32 }, () => Array.from({ length: 8 }, () => Math.fround(random.normal()))));
    const frames = 300;
    const latent = Float32Array.from({ length: 8 * frames }, () => 2 * random.normal());
    const outputs = await run(config, codebooks(config, tables), latent);
    const distance = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
    let worst = 0;
    for (let t = 0; t < frames; t++) {
      let rest = Array.from({ length: 8 }, (_v, d) => latent[d * frames + t]!);
      tables.forEach((table, k) => {
        const chosen = table[outputs[`codes.${k}`]![t]!]!;
        worst = Math.max(worst, distance(rest, chosen) - Math.min(...table.map((vector) => distance(rest, vector))));
        rest = rest.map((x, d) => x - chosen[d]!);
      });
    }
    expect(worst).toBeLessThan(1e-5);
  });
});
