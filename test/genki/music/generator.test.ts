import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { batchOfLabels, IGNORED } from '../../../genki/music/batch.ts';
import type { Codes } from '../../../genki/music/clip.ts';
import { delayCodes, delayedLength, isCode, undelayCodes } from '../../../genki/music/delay-pattern.ts';
import { disposeAll, idFeeds, sequenceFeeds, textFeeds } from '../../../genki/music/feeds.ts';
import type { Composition } from '../../../genki/music/composition.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { forwardProgram } from '../../../genki/music/programs.ts';
import { ResidentWeights } from '../../../genki/music/resident-weights.ts';
import { drawCode, guide } from '../../../genki/music/sampling.ts';
import { withUnconditional, wordsOf } from '../../../genki/music/text.ts';
import { initialWeights, weightSpecs } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from './support/engines.ts';
import { TOY } from './support/toys.ts';

const PROMPTS = ['fast town', 'minor battle', 'nothing it knows'];
const COMPOSITION: Composition = { frames: 8, seed: 'generator', guidance: 1, temperature: 1, topK: 8 };
// larger logits than a model that has learnt nothing gives, so that they decide and not the noise alone
const weights = new Map([...initialWeights(TOY, new Random('generator'))].map(([name, tensor]) =>
  [name, name.includes('lm_heads') ? { ...tensor, data: (tensor.data as Float32Array).map((value) => 4 * value) } : tensor]));

describe('Generator', () => {
  let engine: Engine;
  let generator: Generator;
  beforeAll(async () => {
    engine = await createEngine();
    generator = await Generator.create(engine, TOY, weights);
  });
  afterAll(async () => {
    await generator.dispose();
    await engine.dispose();
  });

  const generate = (change: Partial<Composition> = {}, prompts: readonly string[] = PROMPTS) => generator.generate({ ...COMPOSITION, ...change, prompts });

  /** The clips composed without a cache: all positions anew for each position. */
  async function recomputed({ frames, guidance, ...sampling }: Composition): Promise<Codes[]> {
    const { numCodebooks, vocabSize } = TOY.decoder;
    const length = delayedLength(frames, TOY.decoder);
    const text = withUnconditional(wordsOf(TOY.text, PROMPTS));
    const executable = await engine.compile(forwardProgram(TOY));
    const resident = new ResidentWeights(engine, weightSpecs(TOY));
    resident.load(weights);
    const labels = new Int32Array(text.rows * length * numCodebooks).fill(IGNORED);
    for (let position = 0; position < length; position++) {
      const batch = batchOfLabels(TOY.decoder, labels, text);
      const own = { ...sequenceFeeds(engine, TOY.decoder, length), ...idFeeds(engine, batch), ...textFeeds(engine, text) };
      const outputs = await executable.run({ ...resident.feeds(), ...own });
      const logits = (await outputs['logits']!.read()) as Float32Array;
      const scoresOf = (row: number, k: number) => logits.slice(((row * length + position) * numCodebooks + k) * vocabSize).slice(0, vocabSize);
      for (let clip = 0; clip < PROMPTS.length; clip++) {
        for (let codebook = 0; codebook < numCodebooks; codebook++) {
          if (!isCode(TOY.decoder, { position, k: codebook, frames })) continue;
          const scores = guide(scoresOf(clip, codebook), scoresOf(PROMPTS.length + clip, codebook), guidance);
          const code = drawCode(scores, sampling, { seed: sampling.seed, clip, position, codebook });
          for (const row of [clip, PROMPTS.length + clip]) labels[(row * length + position) * numCodebooks + codebook] = code;
        }
      }
      disposeAll(outputs);
      disposeAll(own);
    }
    resident.dispose();
    await executable.dispose();
    return PROMPTS.map((_prompt, row) => {
      const delayed = Int32Array.from({ length: numCodebooks * length }, (_v, i) => labels[(row * length + (i % length)) * numCodebooks + Math.floor(i / length)]!);
      return undelayCodes(delayed, { decoder: TOY.decoder, frames });
    });
  }

  /** Of each codebook and position the likeliest code, all computed at once from the clip itself. */
  async function likeliestLabels(codes: Codes, frames: number): Promise<number[]> {
    const { numCodebooks, vocabSize } = TOY.decoder;
    const length = delayedLength(frames, TOY.decoder);
    const delayed = delayCodes(codes, { layout: TOY.decoder, frames }, IGNORED);
    const labels = Int32Array.from({ length: delayed.length }, (_, i) => delayed[(i % numCodebooks) * length + Math.floor(i / numCodebooks)]!);
    const text = wordsOf(TOY.text, PROMPTS.slice(0, 1));
    const executable = await engine.compile(forwardProgram(TOY));
    const resident = new ResidentWeights(engine, weightSpecs(TOY));
    resident.load(weights);
    const own = { ...sequenceFeeds(engine, TOY.decoder, length), ...idFeeds(engine, batchOfLabels(TOY.decoder, labels, text)), ...textFeeds(engine, text) };
    const outputs = await executable.run({ ...resident.feeds(), ...own });
    const logits = (await outputs['logits']!.read()) as Float32Array;
    const greedy = { temperature: 0, topK: 0 };
    const found = Array.from(delayed, (_, i) => {
      const [codebook, position] = [Math.floor(i / length), i % length];
      const at = (position * numCodebooks + codebook) * vocabSize;
      return drawCode(logits.subarray(at, at + vocabSize), greedy, { seed: '', clip: 0, position, codebook });
    });
    for (const feeds of [outputs, own]) disposeAll(feeds);
    resident.dispose();
    await executable.dispose();
    return found;
  }

  it.each([
    ['greedy', { temperature: 0 }],
    ['greedy with guidance', { temperature: 0, guidance: 3 }],
    ['drawn', {}],
    ['drawn with guidance', { guidance: 2, temperature: 0.8 }],
  ])('composes with its cache what computing all positions anew composes: %s', async (_name, change) => {
    expect(await generate(change)).toEqual(await recomputed({ ...COMPOSITION, ...change }));
  });

  it('composes at length, over caches that settle, what one pass over all of it finds likeliest', async () => {
    const long = { ...TOY, decoder: { ...TOY.decoder, maxPositions: 400 } };
    const [frames, length] = [300, 303];
    const roomy = await Generator.create(engine, long, weights);
    const request = { ...COMPOSITION, prompts: PROMPTS.slice(0, 1), frames, temperature: 0 };
    const [codes] = await roomy.generate(request);
    const likeliest = await likeliestLabels(codes!, frames);
    const labels = delayCodes(codes!, { layout: TOY.decoder, frames }, IGNORED);
    expect(likeliest.filter((code, at) => labels[at] !== IGNORED && code !== labels[at]).length).toBe(0);
    // taken in by pieces as a start, it goes on the same
    const start = [{ codes: codes!.filter((_code, i) => i % frames < 290), frames: 290 }];
    expect(await roomy.generate({ ...request, start })).toEqual([codes]);
    expect(codes!.length).toBe(4 * frames);
    expect(likeliest.length).toBe(4 * length);
    await roomy.dispose();
  });

  it('gives codes of the model, every codebook for every frame', async () => {
    for (const codes of await generate()) {
      expect(codes.length).toBe(TOY.decoder.numCodebooks * COMPOSITION.frames);
      expect(codes.every((code) => code < TOY.decoder.vocabSize)).toBe(true);
      expect(delayCodes(codes, { layout: TOY.decoder, frames: 8 }, IGNORED).filter((code) => code !== IGNORED).length).toBe(32);
    }
  });

  it('composes the same for the same request, and something else for another seed', async () => {
    expect(await generate()).toEqual(await generate());
    expect(await generate({ seed: 'another' })).not.toEqual(await generate());
  });

  it('composes a clip by its place and prompt, whatever the others are', async () => {
    const [first] = await generate();
    expect(await generate({}, PROMPTS.slice(0, 1))).toEqual([first]);
    const many = await generate({}, [...PROMPTS, ...Array<string>(20).fill('waltz')]);
    expect(many.length).toBe(23);
    expect(many[0]).toEqual(first);
    expect(many[20]).not.toEqual(many[21]);
  });

  it('composes without text what it composes with words that it does not know', async () => {
    expect(await generate({}, ['', '', 'so quiet'])).toEqual(await generate({ guidance: 3 }, ['', '', '']));
  });

  it.each([
    ['no frames', { frames: 0 }, 'frames'],
    ['more frames than the model is meant for', { frames: 62 }, '1 to 61 frames'],
    ['a temperature below 0', { temperature: -1 }, 'temperature'],
    ['no temperature', { temperature: NaN }, 'temperature'],
    ['half a code', { topK: 1.5 }, 'topK'],
    ['no guidance', { guidance: Infinity }, 'guidance'],
    ['no probability', { topP: 0 }, 'topP'],
    ['a place before the beginning', { offset: -1 }, 'offset'],
    ['a start of all frames', { start: PROMPTS.map(() => ({ codes: new Uint8Array(32), frames: 8 })) }, 'start 0 to be shorter than the 8 frames'],
    ['a start for some clips', { start: [{ codes: new Uint8Array(4), frames: 1 }] }, 'a start for each of 3 clips, got 1'],
  ])('refuses %s', async (_name, change, message) => {
    await expect(generate(change)).rejects.toThrow(message);
  });
});
