import { describe, expect, it } from 'vitest';
import { loadTfjs } from '../../../genki/engine/tfjs/load-tfjs.ts';
import { createTfjsEngine } from '../../../genki/engine/tfjs/tfjs-engine.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { Scorer } from '../../../genki/music/scorer.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from './support/engines.ts';
import { TOY, TOY_HYPER, TOY_LORA, toyClips } from './support/toys.ts';

const weights = initialWeights(TOY, new Random('engines'));
const HEAD = 'decoder.lm_heads.0.weight';
const REQUEST = { prompts: ['waltz', 'fast town'], frames: 10, seed: 'engines', guidance: 2, temperature: 1, topK: 8 };

describe('two engines', () => {
  it('compose the same codes, and agree on losses to 1e-5', async () => {
    const results = [];
    for (const engine of [await createEngine(), await createTfjsEngine({ backend: 'cpu' })]) {
      const generator = await Generator.create(engine, TOY, weights);
      const scorer = await Scorer.create(engine, TOY);
      scorer.load(weights);
      results.push({ clips: await generator.generate(REQUEST), losses: await scorer.losses(toyClips(3, 'engines')) });
      await generator.dispose();
      await scorer.dispose();
      await engine.dispose();
    }
    const [ours, theirs] = results;
    expect(theirs!.clips).toEqual(ours!.clips);
    theirs!.losses.forEach((loss, i) => expect(loss).toBeCloseTo(ours!.losses[i]!, 5));
  });
});

describe('on an engine that counts its tensors', () => {
  it('training, scoring and composing leave none behind, nor do they when they fail', async () => {
    const { tf } = await loadTfjs('cpu');
    const engine = await createTfjsEngine({ backend: 'cpu' });
    const clips = toyClips(2, 'leaks');
    const before = tf.memory().numTensors;

    const trainer = await Trainer.create(engine, TOY, weights, { kind: 'lora', lora: TOY_LORA }, TOY_HYPER, 'leaks');
    const scorer = await Scorer.create(engine, TOY);
    scorer.load(weights);
    const generator = await Generator.create(engine, TOY, weights);
    const held = tf.memory().numTensors;

    await trainer.step(clips);
    await scorer.losses(clips);
    await generator.generate(REQUEST);
    expect(tf.memory().numTensors).toBe(held);

    const head = weights.get(HEAD)!;
    scorer.load(new Map([[HEAD, head]]));
    await expect(trainer.step([{ ...clips[0]!, numCodebooks: 3 }])).rejects.toThrow('clip 0');
    await expect(generator.generate({ ...REQUEST, frames: 0 })).rejects.toThrow('frames');
    const broken = new Map([...weights, [HEAD, { ...head, data: new Float32Array(head.data.length).fill(NaN) }]]);
    const spoilt = await Trainer.create(engine, TOY, broken, { kind: 'full' }, TOY_HYPER, 'leaks');
    await expect(spoilt.step(clips)).rejects.toThrow('finite');
    await spoilt.dispose();
    expect(tf.memory().numTensors).toBe(held);

    for (const user of [trainer, scorer, generator]) await user.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await engine.dispose();
  });
});
