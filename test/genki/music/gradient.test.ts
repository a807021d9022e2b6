import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { gradientOf } from '../../../genki/music/gradient.ts';
import { Scorer } from '../../../genki/music/scorer.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import type { HostTensor } from '../../../genki/protocol/safetensors.ts';
import { createEngine } from './support/engines.ts';
import { TOY, toyClips } from './support/toys.ts';

const weights = initialWeights(TOY, new Random('gradient'));
const NAME = 'decoder.model.decoder.layers.0.fc1.weight';

describe('the gradient of a model\'s loss', () => {
  let engine: Engine;
  beforeAll(async () => { engine = await createEngine(); });
  afterAll(() => engine.dispose());

  const meanLoss = async (scorer: Scorer, clips: ReturnType<typeof toyClips>): Promise<number> => (await scorer.losses(clips)).reduce((sum, loss) => sum + loss, 0) / clips.length;

  it('says by how much the mean loss changes along a direction, over several batches', async () => {
    const clips = toyClips(11, 'gradient');
    const slope = (await gradientOf(engine, TOY, { weights, clips })).get(NAME)!;
    const length = Math.sqrt(slope.reduce((sum, x) => sum + x * x, 0));
    const moved = (by: number): Map<string, HostTensor> => {
      const tensor = weights.get(NAME)!;
      return new Map([...weights, [NAME, { ...tensor, data: Float32Array.from(tensor.data as Float32Array, (w, i) => w + (by * slope[i]!) / length) } as HostTensor]]);
    };
    const scorer = await Scorer.create(engine, TOY);
    scorer.load(moved(1e-2));
    const above = await meanLoss(scorer, clips);
    scorer.load(moved(-1e-2));
    const below = await meanLoss(scorer, clips);
    await scorer.dispose();
    expect((above - below) / 2e-2 / length).toBeCloseTo(1, 2);
  });

  it('refuses to be taken of nothing', async () => {
    await expect(gradientOf(engine, TOY, { weights, clips: [] })).rejects.toThrow(InvalidInput);
  });
});
