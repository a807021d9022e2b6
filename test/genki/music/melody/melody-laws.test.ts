import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import { adapterSpecs } from '../../../../genki/music/adapted-net.ts';
import type { Parameter } from '../../../../genki/music/adamw.ts';
import type { Backprop } from '../../../../genki/music/backprop.ts';
import { type Batch, batchOfLabels } from '../../../../genki/music/batch.ts';
import type { LanguageConfig } from '../../../../genki/music/config.ts';
import { generateLong } from '../../../../genki/music/continuation.ts';
import { delayCodes, delayedLength } from '../../../../genki/music/delay-pattern.ts';
import { batchFeeds, disposeAll, toldFeeds } from '../../../../genki/music/feeds.ts';
import { Generator } from '../../../../genki/music/generator.ts';
import { Layerwise } from '../../../../genki/music/layerwise.ts';
import type { LoraConfig } from '../../../../genki/music/lora.ts';
import { noMelody } from '../../../../genki/music/melody/melody-feeds.ts';
import { forwardProgram } from '../../../../genki/music/programs.ts';
import { ResidentWeights } from '../../../../genki/music/resident-weights.ts';
import { silenceRows, type TextBatch, textRows } from '../../../../genki/music/text.ts';
import { initialWeights, size, weightSpecs } from '../../../../genki/music/weights.ts';
import { WholeGraph } from '../../../../genki/music/whole-graph.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { createEngine } from '../support/engines.ts';
import { expectClose } from '../support/goldens.ts';

/** More positions before the music than a cache keeps unsettled. */
const MUSIC: LanguageConfig = {
  decoder: { vocabSize: 16, hiddenSize: 24, numLayers: 2, numHeads: 3, ffnDim: 32, numCodebooks: 2, maxPositions: 200, told: { by: 'prefix', chroma: { bins: 7, length: 90 } } },
  text: { kind: 'states', hiddenSize: 10 },
};
const CHROMA = { bins: 7, length: 90 };
/** Words of its own, and a melody that is not projected. */
const WORDS: LanguageConfig = {
  decoder: { vocabSize: 9, hiddenSize: 6, numLayers: 3, numHeads: 1, ffnDim: 8, numCodebooks: 4, channels: 2, maxPositions: 40, activation: 'relu', told: { by: 'prefix', chroma: { bins: 6, length: 3 } } },
  text: { kind: 'words', words: ['slow', 'fast'], hiddenSize: 5, maxWords: 2 },
};
const FRAMES = 40;

const layer = (l: number): string => `decoder.model.decoder.layers.${l}`;
const UNEVEN: LoraConfig = {
  rank: 2,
  alpha: 3,
  rslora: false,
  targets: ['q_proj'],
  modules: {
    enc_to_dec_proj: { rank: 2, alpha: 3 },
    'decoder.model.decoder.embed_tokens.1': { rank: 1, alpha: 2 },
    [`${layer(0)}.self_attn.k_proj`]: { rank: 3, alpha: 1 },
    [`${layer(1)}.fc2`]: { rank: 2, alpha: 4 },
    'decoder.lm_heads.0': { rank: 2, alpha: 2 },
  },
};
const PROJECTED: LoraConfig = { ...UNEVEN, modules: { ...UNEVEN.modules, audio_enc_to_dec_proj: { rank: 2, alpha: 5 } } };

const random = new Random('melody');
const oneHot = ({ bins, length }: typeof CHROMA): Float32Array => {
  const melody = new Float32Array(bins * length);
  for (let frame = 0; frame < length; frame++) melody[frame * bins + random.int(bins)] = 1;
  return melody;
};
const told = (rows: number): TextBatch => ({
  rows,
  length: 3,
  mask: Float32Array.from({ length: rows * 3 }, (_, i) => (i % 3 < 2 ? 1 : 0)),
  content: { kind: 'states', states: Float32Array.from({ length: rows * 30 }, () => random.normal()) },
  melodies: Array.from({ length: rows }, (_, row) => (row === 1 ? undefined : oneHot(CHROMA))),
});
const words = (): TextBatch => ({ rows: 3, length: 2, mask: Float32Array.of(1, 1, 1, 0, 0, 0), content: { kind: 'words', ids: Int32Array.of(1, 0, 1, 0, 0, 0) }, melodies: [oneHot({ bins: 6, length: 3 }), undefined, undefined] });

function batchOf({ decoder }: LanguageConfig, text: TextBatch, clips: readonly ArrayLike<number>[], frames: number): Batch {
  const [K, positions] = [decoder.numCodebooks, delayedLength(frames, decoder)];
  const labels = new Int32Array(text.rows * positions * K);
  clips.forEach((codes, row) => {
    const delayed = delayCodes(codes, { layout: decoder, frames }, -100);
    for (let p = 0; p < positions; p++) for (let k = 0; k < K; k++) labels[(row * positions + p) * K + k] = delayed[k * positions + p]!;
  });
  return batchOfLabels(decoder, labels, text);
}

const randomBatch = (music: LanguageConfig, text: TextBatch, frames: number): Batch => batchOf(music, text, Array.from({ length: text.rows }, () => Int32Array.from({ length: music.decoder.numCodebooks * frames }, () => random.int(music.decoder.vocabSize))), frames);

function parametersOf(config: LanguageConfig, lora: LoraConfig): Parameter[] {
  return adapterSpecs(config, lora).map(({ name, shape }) => {
    const value = Float32Array.from({ length: size(shape) }, () => 0.3 * random.normal());
    return { name, shape, value, moment1: new Float32Array(value.length), moment2: new Float32Array(value.length) };
  });
}

describe('a model that is told by a prefix', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  async function logitsOf(music: LanguageConfig, batch: Batch): Promise<Float32Array> {
    const resident = new ResidentWeights(engine, weightSpecs(music));
    resident.load(initialWeights(music, new Random('weights')));
    const executable = await engine.compile(forwardProgram(music));
    const own = batchFeeds(engine, music, batch);
    const outputs = await executable.run({ ...resident.feeds(), ...own });
    const logits = Float32Array.from(await outputs['logits']!.read());
    disposeAll(outputs);
    disposeAll(own);
    resident.dispose();
    await executable.dispose();
    return logits;
  }

  async function slope(backprop: Backprop, batch: Batch, parameters: Parameter[]): Promise<{ loss: number; gradients: Float32Array[] }> {
    const { loss, gradients, release } = await backprop.run(batch, parameters);
    const kept = gradients.map((values) => values.slice());
    release();
    await backprop.dispose();
    return { loss, gradients: kept };
  }

  it.each<[string, LanguageConfig, LoraConfig, () => Batch]>([
    ['states, all projected', MUSIC, PROJECTED, () => randomBatch(MUSIC, told(3), 12)],
    ['words, left and right, the melody as it is', WORDS, UNEVEN, () => randomBatch(WORDS, words(), 5)],
  ])('has the same loss and gradients a layer at a time: %s', async (_, music, lora, make) => {
    const [parameters, batch, frozen] = [parametersOf(music, lora), make(), initialWeights(music, new Random('weights'))];
    const whole = await slope(await WholeGraph.create(engine, music, { lora, frozen }), batch, parameters);
    const layered = await slope(await Layerwise.create(engine, music, { lora, frozen }), batch, parameters);
    expectClose([layered.loss], [whole.loss], 1e-6, 'loss');
    parameters.forEach(({ name }, i) => {
      expect(whole.gradients[i]!.some((value) => value !== 0), name).toBe(true);
      expectClose(layered.gradients[i]!, whole.gradients[i]!, 2e-5, name);
    });
  });

  it('composes, step by step, what a pass over the whole clip finds likeliest', async () => {
    const text = told(2);
    const generator = await Generator.create(engine, MUSIC, initialWeights(MUSIC, new Random('weights')));
    const clips = await generator.generateFrom(text, { frames: FRAMES, seed: 'greedy', guidance: 1, temperature: 0, topK: 0 });
    await generator.dispose();
    const batch = batchOf(MUSIC, text, clips, FRAMES);
    const logits = await logitsOf(MUSIC, batch);
    const likeliest = Int32Array.from({ length: batch.labels.length }, (_, i) => {
      const scores = logits.subarray(i * 16, (i + 1) * 16);
      return scores.indexOf(Math.max(...scores));
    });
    expect(new Set(likeliest).size).toBeGreaterThan(2);
    batch.weights.forEach((weight, i) => expect(weight === 0 ? batch.labels[i] : likeliest[i], `label ${i}`).toBe(batch.labels[i]));
  });

  it('composes each clip from its own melody, alone or among others', async () => {
    const text = told(3);
    const generator = await Generator.create(engine, MUSIC, initialWeights(MUSIC, new Random('weights')));
    const request = { frames: 12, seed: 'greedy', guidance: 2, temperature: 0, topK: 0 };
    const clips = await generator.generateFrom(text, request);
    for (let row = 0; row < 3; row++) expect(await generator.generateFrom(textRows(text, row, row + 1), request)).toEqual([clips[row]]);
    expect((await generator.generateFrom({ ...text, melodies: [undefined, undefined, undefined] }, request))[0]).not.toEqual(clips[0]);
    await generator.dispose();
  });

  it('follows, in a longer piece, what the melody is at each window', async () => {
    const { melodies: [melody, , other], ...text } = { ...told(3), melodies: [oneHot(CHROMA), undefined, oneHot(CHROMA)] };
    const generator = await Generator.create(engine, MUSIC, initialWeights(MUSIC, new Random('weights')));
    const request = { frames: 14, seed: 'greedy', guidance: 1, temperature: 0, topK: 0, windows: { window: 10, stride: 6 } };
    const asked: number[] = [];
    const pieces = await generateLong({ generator, text }, { ...request, melodyAt: (frame) => (asked.push(frame), frame === 0 ? melody! : other!) });
    expect([...new Set(asked)]).toEqual([0, 6]);
    const whole = await generator.generateFrom({ ...text, melodies: [melody, melody, melody] }, { ...request, frames: 10 });
    const heads = whole.map((codes) => ({ codes: codes.filter((_code, i) => i % 10 >= 6), frames: 4 }));
    const tails = await generator.generateFrom({ ...text, melodies: [other, other, other] }, { ...request, frames: 8, offset: 6, start: heads });
    pieces.forEach((codes, i) => {
      expect(codes.filter((_code, at) => at % 14 < 10)).toEqual(whole[i]);
      expect(codes.filter((_code, at) => at % 14 >= 6)).toEqual(tails[i]);
    });
    await expect(generateLong({ generator, text: { ...text, melodies: [undefined, melody, undefined] } }, request)).rejects.toThrow('Expected a melody for each window');
    await generator.dispose();
  });

  it('hears no melody as the first pitch class all the time, and a silenced row as nothing else', async () => {
    const batch = randomBatch(MUSIC, told(3), 4);
    const silenced = await logitsOf(MUSIC, { ...batch, text: silenceRows(batch.text, () => true) });
    const nothing: TextBatch = { ...batch.text, mask: new Float32Array(9), melodies: [noMelody(CHROMA), undefined, noMelody(CHROMA)] };
    expect(await logitsOf(MUSIC, { ...batch, text: nothing })).toEqual(silenced);
    expect(await logitsOf(MUSIC, batch)).not.toEqual(silenced);
  });

  it('refuses a melody of another shape, and a model of words alone any', () => {
    const text = { ...told(1), melodies: [new Float32Array(7)] };
    expect(() => toldFeeds(engine, MUSIC.decoder, text)).toThrow(new InvalidInput('Expected a melody of 90 frames of 7 pitch classes, got 7 values'));
    expect(() => toldFeeds(engine, { ...MUSIC.decoder, told: { by: 'cross-attention' } }, text)).toThrow(new InvalidInput('Expected a model that follows melodies, got one that is told by words alone'));
  });
});
