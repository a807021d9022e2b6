import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { disposeAll, type Feeds, idFeeds, sequenceFeeds, textFeeds } from '../../../genki/music/feeds.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { languageWeights, openCodec, openModel, type OpenModel } from '../../../genki/music/open-model.ts';
import { forwardProgram } from '../../../genki/music/programs.ts';
import { ResidentWeights } from '../../../genki/music/resident-weights.ts';
import type { TextBatch } from '../../../genki/music/text.ts';
import { weightSpecs } from '../../../genki/music/weights.ts';
import type { TensorMap } from '../../../genki/protocol/safetensors.ts';
import { machineEngines } from './support/engines.ts';
import { expectClose, golden, type Golden, goldens } from './support/goldens.ts';

/** Relative to a tensor's largest value; both sides compute in float32, in another order. */
const ACTIVATIONS = 1e-5;

/** What T5 made of the prompts, as Hugging Face computed it. */
function toldBy(of: ReadonlyMap<string, Golden>): TextBatch {
  const { shape, data } = golden(of, 'encoder_last_hidden_state');
  return { rows: shape[0]!, length: shape[1]!, mask: Float32Array.from(golden(of, 'attention_mask').data), content: { kind: 'states', states: data as Float32Array } };
}

// sharded-stereo: bfloat16 in three shards, codes of 16 bits, no projection; half-mono: float16, three codebooks, gelu_new
describe.each((await machineEngines()).flatMap(([engine, create]) => ['sharded-stereo', 'half-mono'].map((layout) => ({ engine, create, layout }))))('$layout on $engine', ({ create, layout }) => {
  const of = goldens(`${layout}.safetensors`);
  let engine: Engine;
  let model: OpenModel;
  let weights: TensorMap;
  beforeAll(async () => {
    engine = await create();
    model = await openModel(fileURLToPath(new URL(`../../goldens/${layout}`, import.meta.url)));
    weights = await languageWeights(model);
  });
  afterAll(async () => {
    await model.close();
    await engine.dispose();
  });

  it("gives Hugging Face's logits", async () => {
    const { decoder } = model.music;
    const { numCodebooks: K, vocabSize } = decoder;
    const { shape, data } = golden(of, 'decoder_input_ids');
    const [rows, positions] = [shape[0]! / K, shape[1]!];
    const ids = Array.from({ length: K }, (_, k) => Int32Array.from({ length: rows * positions }, (_i, i) => data[(Math.floor(i / positions) * K + k) * positions + (i % positions)]!));
    const resident = new ResidentWeights(engine, weightSpecs(model.music));
    resident.load(weights);
    const executable = await engine.compile(forwardProgram(model.music));
    const feeds: Feeds = { ...sequenceFeeds(engine, decoder, positions), ...idFeeds(engine, { ids, rows, positions }), ...textFeeds(engine, toldBy(of)) };
    const outputs = await executable.run({ ...resident.feeds(), ...feeds });
    const logits = await outputs['logits']!.read();
    // [rows, positions, K, vocabSize] -> [rows * K, positions, vocabSize]
    const at = (row: number, k: number, p: number, v: number): number => logits[((row * positions + p) * K + k) * vocabSize + v]!;
    const theirs = Array.from({ length: logits.length }, (_, i) => at(Math.floor(i / (K * positions * vocabSize)), Math.floor(i / (positions * vocabSize)) % K, Math.floor(i / vocabSize) % positions, i % vocabSize));
    expectClose(theirs, golden(of, 'logits').data, ACTIVATIONS, 'logits');
    disposeAll(outputs);
    disposeAll(feeds);
    resident.dispose();
    await executable.dispose();
  });

  it.each([1, 3])("composes Hugging Face's greedy codes and sound at guidance %i", async (guidance) => {
    const { shape, data } = golden(of, `greedy.g${guidance}.codes`);
    const [, K, frames] = shape as [number, number, number];
    const generator = await Generator.create(engine, model.music, weights);
    const clips = await generator.generateFrom(toldBy(of), { frames, seed: 'greedy', guidance, temperature: 0, topK: 0 });
    expect(clips.map((codes) => [...codes])).toEqual(clips.map((_, row) => [...data.slice(row * K * frames, (row + 1) * K * frames)]));
    await generator.dispose();

    const codec = openCodec(engine, model);
    const sound = golden(of, `greedy.g${guidance}.audio`);
    const decoded = await Promise.all(clips.map((codes) => codec.decode(codes, frames)));
    expectClose(decoded.flatMap(({ channels }) => channels.flatMap((samples) => [...samples])), sound.data, ACTIVATIONS, 'samples');
    expect(decoded[0]!.channels.length).toBe(sound.shape[1]);
    await codec.dispose();
  });
});
