import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../genki/engine/engine.ts';
import { loadTfjs } from '../../../../../genki/engine/tfjs/load-tfjs.ts';
import { createTfjsEngine } from '../../../../../genki/engine/tfjs/tfjs-engine.ts';
import { InvalidInput } from '../../../../../genki/errors.ts';
import { NanoEmbedder } from '../../../../../genki/evaluation/clap/nano/nano-embedder.ts';
import { initialNanoWeights } from '../../../../../genki/evaluation/clap/nano/weights.ts';
import { Random } from '../../../../../genki/protocol/random.ts';
import { contentDigest } from '../../../../../genki/protocol/safetensors.ts';
import { createEngine } from '../../../music/support/engines.ts';
import { TOY_NANO, toyClip } from '../support/toy-nano.ts';

const weights = initialNanoWeights(TOY_NANO, new Random('toy'));
const clips = [400, 1, 96, 97, 1000].map((samples, i) => toyClip(`clip ${i}`, samples));
const captions = ['fast town', 'slow', 'waltz slow', 'town'];
const length = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

describe('NanoEmbedder', () => {
  let engine: Engine;
  let embedder: NanoEmbedder;
  beforeAll(async () => {
    engine = await createEngine();
    embedder = await NanoEmbedder.create(engine, TOY_NANO, weights);
  });
  afterAll(async () => {
    await embedder.dispose();
    await engine.dispose();
  });

  it('says what it is', () => {
    expect(embedder).toMatchObject({ name: `clap-nano ${contentDigest(weights)}`, sampleRate: 8000, dimensions: 6 });
  });

  it('gives clips and captions vectors of length 1, and each window its features', async () => {
    const heard = await embedder.audio(clips);
    expect(heard.map(({ windows }) => windows.length)).toEqual([5, 1, 1, 2, 11]);
    for (const { windows } of heard) for (const window of windows) expect(window.length).toBe(6);
    for (const vector of [...heard.map(({ clip }) => clip), ...(await embedder.text(captions))]) {
      expect(vector.length).toBe(6);
      expect(length(vector)).toBeCloseTo(1, 6);
    }
  });

  it('gives a clip and a caption the same bits whatever they come with', async () => {
    const all = await embedder.audio(clips);
    for (const [i, clip] of clips.entries()) expect(await embedder.audio([clip])).toEqual([all[i]]);
    expect(await embedder.audio(clips.toReversed())).toEqual(all.toReversed());
    const texts = await embedder.text(captions);
    for (const [i, caption] of captions.entries()) expect(await embedder.text([caption])).toEqual([texts[i]]);
    expect(await embedder.text(captions.toReversed())).toEqual(texts.toReversed());
  });

  it('hears words in any order, case and punctuation, and passes over those that it does not know', async () => {
    const [first, ...others] = await embedder.text(['fast town', 'Town, fast', 'a fast, FAST polka town']);
    for (const other of others) expect(other).toEqual(first);
    const [different] = await embedder.text(['slow town']);
    expect(different).not.toEqual(first);
  });

  it.each([[[]], [['fast', 'polka']], [['']]])('refuses the captions %j', async (asked) => {
    await expect(embedder.text(asked)).rejects.toThrow(InvalidInput);
  });

  it('names the clip that is empty or has no number', async () => {
    await expect(embedder.audio([clips[0]!, new Float32Array(0)])).rejects.toThrow('Clip 1: Expected a clip of at least one sample, got none');
    await expect(embedder.audio([Float32Array.of(NaN)])).rejects.toThrow('Clip 0: Expected samples that are numbers, got NaN at 0');
    await expect(embedder.audio([Float32Array.of(NaN)])).rejects.toThrow(InvalidInput);
  });

  it('refuses weights that are not its own, or not finite', async () => {
    const spoilt = (name: string, data: Float32Array) => NanoEmbedder.create(engine, TOY_NANO, new Map([...weights, [name, { ...weights.get(name)!, data }]]));
    await expect(spoilt('audio.norm.bias', new Float32Array(7))).rejects.toThrow('Expected tensor audio.norm.bias to be float [8], got F32 [8]');
    await expect(spoilt('audio.norm.bias', new Float32Array(8).fill(NaN))).rejects.toThrow('Expected tensor audio.norm.bias to be finite, got NaN');
    await expect(NanoEmbedder.create(engine, TOY_NANO, new Map())).rejects.toThrow('Expected a tensor audio.patch.weight, got none');
  });
});

describe('two engines', () => {
  it('agree to 1e-4', async () => {
    const results = [];
    for (const engine of [await createEngine(), await createTfjsEngine({ backend: 'cpu' })]) {
      const embedder = await NanoEmbedder.create(engine, TOY_NANO, weights);
      results.push({ heard: await embedder.audio(clips), texts: await embedder.text(captions) });
      await embedder.dispose();
      await engine.dispose();
    }
    const numbers = results.map(({ heard, texts }) => [...heard.flatMap(({ clip, windows }) => [clip, ...windows]), ...texts].flatMap((row) => [...row]));
    numbers[0]!.forEach((value, i) => expect(Math.abs(numbers[1]![i]! - value)).toBeLessThan(1e-4));
  });
});

describe('on an engine that counts its tensors', () => {
  it('an embedder leaves none behind, nor does one that fails', async () => {
    const { tf } = await loadTfjs('cpu');
    const engine = await createTfjsEngine({ backend: 'cpu' });
    const before = tf.memory().numTensors;
    const embedder = await NanoEmbedder.create(engine, TOY_NANO, weights);
    const held = tf.memory().numTensors;
    await embedder.audio(clips);
    await embedder.text(captions);
    await expect(embedder.audio([new Float32Array(0)])).rejects.toThrow(InvalidInput);
    await expect(embedder.text(['polka'])).rejects.toThrow(InvalidInput);
    expect(tf.memory().numTensors).toBe(held);
    await embedder.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await engine.dispose();
  });
});
