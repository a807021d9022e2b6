import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { mergedWeights } from '../../../../genki/music/adapted-net.ts';
import { type Batch, batchOfLabels } from '../../../../genki/music/batch.ts';
import { disposeAll, type Feeds, idFeeds, labelFeeds, sequenceFeeds, textFeeds, weightFeeds } from '../../../../genki/music/feeds.ts';
import { type Adapter, loraNames } from '../../../../genki/music/lora.ts';
import { readPeftAdapter } from '../../../../genki/music/peft/read-peft.ts';
import { peftNames } from '../../../../genki/music/peft/tensor-names.ts';
import { forwardProgram, trainProgram } from '../../../../genki/music/programs.ts';
import { pickWeights } from '../../../../genki/music/weights.ts';
import { decodeSafetensors, type TensorMap } from '../../../../genki/protocol/safetensors.ts';
import { createEngine } from '../support/engines.ts';
import { expectClose, golden, goldenBytes, goldens, TINY, tinyText } from '../support/goldens.ts';
import { OUR_ADAPTERS } from './support/our-adapters.ts';

/** Relative to a tensor's largest value, as in the goldens of the model itself. */
const ACTIVATIONS = 1e-5;
const GRADIENTS = 1e-4;

const weights: TensorMap = pickWeights(TINY, decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors')).tensors);
const labelled: Batch = batchOfLabels(TINY.decoder, golden(goldens('loss.safetensors'), 'labels').data as Int32Array, tinyText());
const read = (name: string): Adapter =>
  readPeftAdapter({ config: goldenBytes(`peft/${name}/adapter_config.json`), weights: goldenBytes(`peft/${name}/adapter_model.safetensors`) }, { music: TINY });

const THEIRS = ['patterns', 'listed', 'half', 'brain', 'wide', 'linear'];
const ADAPTERS: [string, Adapter][] = [...THEIRS.map((name): [string, Adapter] => [name, read(name)]), ...Object.entries(OUR_ADAPTERS).map(([name, adapter]): [string, Adapter] => [`ours.${name}`, adapter])];

describe('an adapter', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  async function outputsOf(program: Parameters<Engine['compile']>[0], tensors: TensorMap, more: Feeds = {}): Promise<Record<string, Float32Array>> {
    const executable = await engine.compile(program);
    const model = Object.fromEntries([...tensors].map(([name, { data, shape }]) => [name, engine.tensor(data as Float32Array, shape)]));
    const own: Feeds = { ...model, ...sequenceFeeds(engine, TINY.decoder, labelled.positions), ...idFeeds(engine, labelled), ...textFeeds(engine, labelled.text), ...more };
    const outputs = await executable.run(own);
    const values = await Promise.all(Object.entries(outputs).map(async ([name, tensor]) => [name, Float32Array.from(await tensor.read())] as const));
    disposeAll(outputs);
    disposeAll(own);
    await executable.dispose();
    return Object.fromEntries(values);
  }

  /** Of the programs' [rows, positions, codebooks, codes], every other position as Hugging Face lists them: [rows · codebooks, positions, codes]. */
  function everyOther(logits: Float32Array): number[] {
    const half = Math.ceil(labelled.positions / 2);
    return Array.from({ length: 2 * 4 * half * 64 }, (_, i) => {
      const [row, k, p, v] = [Math.floor(i / (4 * half * 64)), Math.floor(i / (half * 64)) % 4, 2 * (Math.floor(i / 64) % half), i % 64];
      return logits[((row * labelled.positions + p) * 4 + k) * 64 + v]!;
    });
  }

  it.each(ADAPTERS)("makes of the model what it makes of it in PEFT: %s", async (name, adapter) => {
    const { logits } = await outputsOf(forwardProgram(TINY), mergedWeights(weights, adapter));
    expectClose(everyOther(logits!), golden(goldens('peft/logits.safetensors'), name).data, ACTIVATIONS, 'logits');
  });

  it.each(['patterns', 'wide'])("has PEFT's gradients: %s", async (name) => {
    const adapter = read(name);
    const factors: Feeds = Object.fromEntries([...adapter.layers].flatMap(([module, { a, b, in: columns, out, rank }]) => [
      [loraNames(module).a, engine.tensor(a, [rank, columns])],
      [loraNames(module).b, engine.tensor(b, [out, rank])],
    ]));
    const outputs = await outputsOf(trainProgram(TINY, adapter.config), weights, { ...labelFeeds(engine, labelled), ...weightFeeds(engine, labelled), ...factors });
    const theirs = goldens('peft/gradients.safetensors');
    for (const [module, { in: columns, out, rank }] of adapter.layers) {
      const [a, b] = [outputs[`grad/${loraNames(module).a}`]!, outputs[`grad/${loraNames(module).b}`]!];
      const isTable = module.includes('embed_tokens');
      const [first, second] = isTable ? [transpose(b, out, rank), transpose(a, rank, columns)] : [a, b];
      expectClose(first, golden(theirs, `${name}/${peftNames(module).a}`).data, GRADIENTS, `${module} A`);
      expectClose(second, golden(theirs, `${name}/${peftNames(module).b}`).data, GRADIENTS, `${module} B`);
    }
    expect([...theirs.keys()].filter((key) => key.startsWith(`${name}/`)).length).toBe(2 * adapter.layers.size);
  });

  const transpose = (values: Float32Array, rows: number, columns: number): Float32Array =>
    Float32Array.from({ length: values.length }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
});
