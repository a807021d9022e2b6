import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import type { Backprop } from '../../../genki/music/backprop.ts';
import { slopeOf } from '../../../genki/music/backprop.ts';
import { batchOfClips, microBatches } from '../../../genki/music/batch.ts';
import { startParameters, type Trainable } from '../../../genki/music/trainable.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { WholeGraph } from '../../../genki/music/whole-graph.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from './support/engines.ts';
import { expectClose } from './support/goldens.ts';
import { TOY, TOY_LORA, toyClips } from './support/toys.ts';

const MUSIC = { ...TOY, decoder: { ...TOY.decoder, numLayers: 1 } };
const weights = initialWeights(MUSIC, new Random('backprop'));
/** Clips of unequal length, so that no two parts ask the same number of codes. */
const batch = batchOfClips(MUSIC, [12, 3, 9, 1, 5, 12].flatMap((frames, i) => toyClips(1, `clip ${i}`, frames)));

describe('slopeOf', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  it.each<[string, Trainable]>([['all weights', { kind: 'full' }], ['an adapter', { kind: 'lora', lora: TOY_LORA }]])('is that of the whole batch, in however many parts: %s', async (_name, trainable) => {
    const backprop: Backprop = await WholeGraph.create(engine, MUSIC, trainable.kind === 'lora' ? { lora: trainable.lora, frozen: weights } : undefined);
    const parameters = startParameters(MUSIC, trainable, { weights, seed: 'seed' });
    const whole = await slopeOf(backprop, [batch], { parameters });
    for (const count of [2, 3, 4, 6]) {
      const parts = await slopeOf(backprop, microBatches(batch, count), { parameters });
      expectClose([parts.loss], [whole.loss], 1e-6, 'loss');
      // of adapters whose B is 0 some gradients are 0 throughout
      parameters.forEach(({ name }, i) => (whole.gradients[i]!.some((value) => value !== 0) ? expectClose(parts.gradients[i]!, whole.gradients[i]!, 2e-5, name) : expect(parts.gradients[i]!.every((value) => value === 0)).toBe(true)));
      parts.release();
    }
    whole.release();
    await backprop.dispose();
  });

  it('says after each part that it goes on', async () => {
    const backprop = await WholeGraph.create(engine, MUSIC, { lora: TOY_LORA, frozen: weights });
    const parameters = startParameters(MUSIC, { kind: 'lora', lora: TOY_LORA }, { weights, seed: 'seed' });
    let heard = 0;
    await slopeOf(backprop, microBatches(batch, 3), { parameters, onPart: async () => void heard++ });
    expect(heard).toBe(3);
    await backprop.dispose();
  });
});
