import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { flatten, layoutOf } from '../../../genki/federation/layout.ts';
import { wordConditioner } from '../../../genki/music/conditioner.ts';
import { fullTune, type FullTuned } from '../../../genki/music/full-tune.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import type { Tuning } from '../../../genki/music/tuning.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from './support/engines.ts';
import { TOY, TOY_HYPER, toyClips } from './support/toys.ts';

const HYPER = { ...TOY_HYPER, steps: 4, warmup: 0, schedule: 'constant' as const, accumulation: 2 };
const SHALLOW = { ...TOY, decoder: { ...TOY.decoder, numLayers: 1 } };
const weights = initialWeights(SHALLOW, new Random('full-tune'));
const layout = layoutOf(SHALLOW);

describe('fullTune', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  const told = (more: Partial<Tuning> = {}): Tuning => ({ engine, music: SHALLOW, weights, conditioner: wordConditioner(SHALLOW.text), sample: (step) => toyClips(HYPER.batch, `step ${step}`), hyper: HYPER, seed: 'seed', ...more });
  const bytes = (tuned: FullTuned): Uint8Array => Buffer.concat([Buffer.from(flatten(layout, tuned.weights).buffer), tuned.checkpoint()]);

  it('gives what a trainer of all weights gives, each of which has moved', async () => {
    const tuned = (await fullTune(told(), { onStep: async () => true }))!;
    const trainer = await Trainer.create(engine, SHALLOW, weights, { kind: 'full' }, HYPER, 'seed');
    for (let step = 0; step < HYPER.steps; step++) await trainer.step(toyClips(HYPER.batch, `step ${step}`));
    expect(flatten(layout, tuned.weights)).toEqual(flatten(layout, trainer.weights()));
    const base = flatten(layout, weights);
    const trained = flatten(layout, tuned.weights);
    const unmoved = layout.places.filter(({ offset, size }) => base.subarray(offset, offset + size).every((value, i) => value === trained[offset + i]));
    expect(unmoved.map(({ name }) => name)).toEqual([]);
    expect(tuned.curve.map(({ learningRate }) => learningRate)).toEqual([1e-2, 1e-2, 1e-2, 1e-2]);
    await trainer.dispose();
  });

  it('leaves the weights that it begins with as they are', async () => {
    const before = flatten(layout, weights);
    await fullTune(told(), { onStep: async () => true });
    expect(flatten(layout, weights)).toEqual(before);
  });

  it('comes to the same bytes, stopped at any step and taken up again', async () => {
    const whole = bytes((await fullTune(told(), { onStep: async () => true }))!);
    for (let at = 1; at < HYPER.steps; at++) {
      const first = (await fullTune(told(), { onStep: async ({ step }) => step < at }))!;
      expect([first.done, first.curve.length]).toEqual([false, at]);
      const second = (await fullTune(told({ checkpoint: first.checkpoint() }), { onStep: async () => true }))!;
      expect(Buffer.compare(bytes(second), whole), `stopped at ${at}`).toBe(0);
    }
  });
});
