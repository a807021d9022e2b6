import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { type Batch, batchOfLabels } from '../../../../genki/music/batch.ts';
import { chromaConfig } from '../../../../genki/music/config.ts';
import { batchFeeds, disposeAll, type Feeds, lossFeeds } from '../../../../genki/music/feeds.ts';
import { Generator } from '../../../../genki/music/generator.ts';
import { adaptableLinears, type Adapter, decodeAdapter, loraNames, type LoraConfig } from '../../../../genki/music/lora.ts';
import { stretchMelody } from '../../../../genki/music/melody/chroma.ts';
import { languageWeights, openCodec, openModel, type OpenModel } from '../../../../genki/music/open-model.ts';
import { forwardProgram, trainProgram } from '../../../../genki/music/programs.ts';
import { ResidentWeights } from '../../../../genki/music/resident-weights.ts';
import type { Hyper } from '../../../../genki/music/schedule.ts';
import type { TextBatch } from '../../../../genki/music/text.ts';
import { Trainer } from '../../../../genki/music/trainer.ts';
import { weightSpecs } from '../../../../genki/music/weights.ts';
import { encodeSafetensors, type TensorMap } from '../../../../genki/protocol/safetensors.ts';
import { machineEngines } from '../support/engines.ts';
import { expectClose, golden, goldens } from '../support/goldens.ts';

/** Relative to a tensor's largest value; both sides compute in float32, in another order. */
const ACTIVATIONS = 1e-5;
const GRADIENTS = 1e-4;

const HYPER: Hyper = { learningRate: 1e-2, steps: 3, warmup: 0, schedule: 'constant', betas: [0.9, 0.95], weightDecay: 0.1, maxGradNorm: 1, guidanceDropout: 0, batch: 3 };

// mono: three codebooks, five pitch classes, both projections; stereo: neither projected, gelu_new, a melody that is cut
describe.each((await machineEngines()).flatMap(([engine, create]) => (engine === 'onnx' ? ['mono', 'stereo'] : ['stereo']).map((layout) => ({ engine, create, layout }))))('MusicGen melody, $layout, on $engine', ({ create, layout }) => {
  const of = goldens(`melody/${layout}.safetensors`);
  let engine: Engine;
  let model: OpenModel;
  let weights: TensorMap;
  let resident: ResidentWeights;
  beforeAll(async () => {
    engine = await create();
    model = await openModel(fileURLToPath(new URL(`../../../goldens/melody/${layout}`, import.meta.url)));
    weights = await languageWeights(model);
    resident = new ResidentWeights(engine, weightSpecs(model.music));
    resident.load(weights);
  });
  afterAll(async () => {
    resident.dispose();
    await model.close();
    await engine.dispose();
  });

  function told(withMelody: boolean): TextBatch {
    const { shape: [rows, length], data } = golden(of, 'encoder_last_hidden_state');
    const text: TextBatch = { rows: rows!, length: length!, mask: Float32Array.from(golden(of, 'attention_mask').data), content: { kind: 'states', states: data as Float32Array } };
    if (!withMelody) return text;
    const { shape: [, frames, bins], data: heard } = golden(of, 'melody');
    const chroma = chromaConfig(model.music.decoder)!;
    return { ...text, melodies: Array.from({ length: rows! }, (_, row) => stretchMelody(heard.slice(row * frames! * bins!, (row + 1) * frames! * bins!) as Float32Array, chroma)) };
  }

  const labelled = (withMelody: boolean): Batch => batchOfLabels(model.music.decoder, golden(of, 'labels').data as Int32Array, told(withMelody));

  async function outputsOf(program: Parameters<Engine['compile']>[0], feeds: Feeds): Promise<Record<string, Float32Array>> {
    const executable = await engine.compile(program);
    const outputs = await executable.run({ ...resident.feeds(), ...feeds });
    const values = await Promise.all(Object.entries(outputs).map(async ([name, tensor]) => [name, Float32Array.from(await tensor.read())] as const));
    disposeAll(outputs);
    disposeAll(feeds);
    await executable.dispose();
    return Object.fromEntries(values);
  }

  function startAdapter(): { lora: LoraConfig; adapter: Adapter } {
    const init = new Map([...of].filter(([name]) => name.startsWith('init/')).map(([name, { shape, data }]) => [name.slice('init/'.length), { shape, dtype: 'F32' as const, data: data as Float32Array }]));
    const modules = adaptableLinears(model.music).map(({ module }) => module).filter((module) => init.has(`base_model.model.${loraNames(module).a}`));
    expect(init.size).toBe(2 * modules.length);
    const lora: LoraConfig = { rank: 2, alpha: 3, targets: ['q_proj'], rslora: true, modules: Object.fromEntries(modules.map((module) => [module, { rank: 2, alpha: 3 }])) };
    return { lora, adapter: decodeAdapter(encodeSafetensors(init), { music: model.music, lora }) };
  }

  it('has a use for every tensor', () => expect(model.strangers).toEqual([]));

  it.each([['', false], ['melody.', true]] as const)("gives Hugging Face's hidden states and logits: %s", async (kind, withMelody) => {
    const { decoder } = model.music;
    const { numCodebooks: K, vocabSize: V, numLayers } = decoder;
    const { shape, data } = golden(of, 'decoder_input_ids');
    const [rows, positions] = [shape[0]! / K, shape[1]!];
    const ids = Array.from({ length: K }, (_, k) => Int32Array.from({ length: rows * positions }, (_i, i) => data[(Math.floor(i / positions) * K + k) * positions + (i % positions)]!));
    const outputs = await outputsOf(forwardProgram(model.music), batchFeeds(engine, model.music, { ...labelled(withMelody), ids, rows, positions }));
    expectClose(outputs[`hidden.${numLayers}`]!, golden(of, `${kind}hidden.last`).data, ACTIVATIONS, 'hidden states');
    // [rows, positions, K, V] -> [rows * K, positions, V]
    const at = (row: number, k: number, p: number, v: number): number => outputs['logits']![((row * positions + p) * K + k) * V + v]!;
    const theirs = Array.from({ length: rows * K * positions * V }, (_, i) => at(Math.floor(i / (K * positions * V)), Math.floor(i / (positions * V)) % K, Math.floor(i / V) % positions, i % V));
    expectClose(theirs, golden(of, `${kind}logits`).data, ACTIVATIONS, 'logits');
  });

  it("gives Hugging Face's loss", async () => {
    const batch = labelled(false);
    const { loss } = await outputsOf(trainProgram(model.music), { ...batchFeeds(engine, model.music, batch), ...lossFeeds(engine, batch) });
    expectClose(loss!, golden(of, 'loss').data, ACTIVATIONS, 'loss');
  });

  it("gives PEFT's gradients of an adapter, that of the projections included", async () => {
    const { lora, adapter } = startAdapter();
    const batch = labelled(true);
    const own: Feeds = { ...batchFeeds(engine, model.music, batch), ...lossFeeds(engine, batch) };
    for (const [module, layer] of adapter.layers) {
      own[loraNames(module).a] = engine.tensor(layer.a, [layer.rank, layer.in]);
      own[loraNames(module).b] = engine.tensor(layer.b, [layer.out, layer.rank]);
    }
    const outputs = await outputsOf(trainProgram(model.music, lora), own);
    const gradients = [...of].filter(([key]) => key.startsWith('grad/'));
    expect(gradients.length).toBe(2 * adapter.layers.size);
    for (const [key, { data }] of gradients) expectClose(outputs[key.replace('base_model.model.', '')]!, data, GRADIENTS, key);
  });

  it.each<[string, Partial<Hyper>]>([
    ['at once', {}],
    ['a layer at a time, a clip at a time', { checkpointing: true, accumulation: 3 }],
  ])("trains as PyTorch does, %s", async (_, how) => {
    const trainer = await Trainer.create(engine, model.music, weights, { kind: 'lora', ...startAdapter() }, { ...HYPER, ...how }, 'goldens');
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) losses.push(await trainer.stepOn(labelled(true)));
    expectClose(losses, golden(of, 'losses').data, ACTIVATIONS, 'losses');
    await trainer.dispose();
  });

  it.each([['greedy', 1], ['greedy', 3], ['melody', 1], ['melody', 3]] as const)("composes Hugging Face's greedy codes: %s at guidance %i", async (kind, guidance) => {
    const { shape, data } = golden(of, `${kind}.g${guidance}.codes`);
    const [, K, frames] = shape as [number, number, number];
    const generator = await Generator.create(engine, model.music, weights);
    const request = { frames, seed: 'greedy', guidance, temperature: 0, topK: 0 };
    const clips = await generator.generateFrom(told(kind === 'melody'), request);
    expect(clips.map((codes) => [...codes])).toEqual(clips.map((_, row) => [...data.slice(row * K * frames, (row + 1) * K * frames)]));
    // and goes on from a beginning of its own
    const start = clips.map((codes) => ({ codes: codes.filter((_code, i) => i % frames < 3), frames: 3 }));
    expect(await generator.generateFrom(told(kind === 'melody'), { ...request, start })).toEqual(clips);
    await generator.dispose();
    if (kind !== 'greedy' || guidance !== 3) return;
    const codec = openCodec(engine, model);
    const decoded = await Promise.all(clips.map((codes) => codec.decode(codes, frames)));
    expectClose(decoded.flatMap(({ channels }) => channels.flatMap((samples) => [...samples])), golden(of, 'greedy.g3.audio').data, ACTIVATIONS, 'samples');
    await codec.dispose();
  });
});
