import { expect, it } from 'vitest';
import { Random, Scorer, Trainer, chooseEngine, composeDataset, encodeAdapter, heldOut, readMusicConfig } from '../../genki/index.ts';
import { initialWeights } from '../../genki/music/weights.ts';
import { WORDS } from '../../genki/data/words.ts';

it('trains and measures by the public surface alone', async () => {
  const music = readMusicConfig({
    decoder: { vocabSize: 64, hiddenSize: 16, numLayers: 1, numHeads: 2, ffnDim: 32, numCodebooks: 4, maxPositions: 131 },
    text: { kind: 'words', words: [...WORDS], hiddenSize: 8, maxWords: 8 },
    codec: { kind: 'apu', frameRate: 12, frames: 128 },
  });
  const engine = await chooseEngine({ threads: 1 });
  const weights = initialWeights(music, new Random('surface'));
  const { clips } = composeDataset({ name: 'swing', styles: ['swing'], clips: 4, seed: 'surface', licence: 'CC0-1.0', sharing: 'shared' });
  const hyper = { learningRate: 1e-2, steps: 4, warmup: 0, betas: [0.9, 0.95] as [number, number], weightDecay: 0, guidanceDropout: 0, batch: 4 };
  const trainer = await Trainer.create(engine, music, weights, { kind: 'lora', lora: { rank: 2, alpha: 4, targets: ['q_proj', 'fc1'], rslora: false } }, hyper, 'surface');
  const scorer = await Scorer.create(engine, music);
  try {
    const measured = async () => (await scorer.losses(heldOut({ clips: { swing: 2 }, seed: 'surface' }))).reduce((sum, loss) => sum + loss, 0);
    scorer.load(weights);
    const before = await measured();
    for (let step = 0; step < hyper.steps; step++) await trainer.step(clips);
    scorer.load(trainer.weights());
    expect(await measured()).toBeLessThan(before);
    expect(encodeAdapter(trainer.adapter()).length).toBeGreaterThan(100);
  } finally {
    await trainer.dispose();
    await scorer.dispose();
    await engine.dispose();
  }
});
