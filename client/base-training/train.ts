import { batchSampler } from '../../genki/data/batch-sampler.ts';
import type { Dataset } from '../../genki/data/dataset.ts';
import { heldOut } from '../../genki/data/held-out.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { Scorer } from '../../genki/music/scorer.ts';
import { Trainer } from '../../genki/music/trainer.ts';
import type { TensorMap } from '../../genki/protocol/safetensors.ts';
import { HELD_OUT, hyperOf, MUSIC, round4, SEEDS } from './recipe.ts';
import { type Progress, until, type WorkFolder } from './work-folder.ts';

const CHECKPOINT_STEPS = 100;
const MEASURE_STEPS = 250;

export type Report = (at: { step: number; steps: number; loss: number }) => void;
export type Run = { readonly engine: Engine; readonly dataset: Dataset; readonly start: TensorMap; readonly steps: number; readonly work: WorkFolder; readonly report: Report; readonly stopped: () => boolean };

/**
 * Trains the base to its end, from where an earlier run stopped.
 * @param start the weights before the first step
 * @returns the weights and the whole course; nothing when it was stopped, after saving
 */
export async function trainBase({ engine, dataset, start, steps, work, report, stopped }: Run): Promise<{ weights: TensorMap; progress: Progress } | undefined> {
  const sample = batchSampler(dataset, { styles: [], clips: 0, seed: SEEDS.data }, { privateRows: hyperOf(steps).batch, replayRows: 0, seed: SEEDS.batches });
  const trainer = await Trainer.create(engine, MUSIC, start, { kind: 'full' }, hyperOf(steps), SEEDS.batches);
  const scorer = await Scorer.create(engine, MUSIC);
  try {
    const earlier = await work.load();
    if (earlier !== undefined) trainer.restore(earlier.checkpoint);
    const progress = until(trainer.stepsDone, earlier?.progress ?? { losses: [], heldOut: [] });
    const measure = async (): Promise<void> => {
      if (progress.heldOut.at(-1)?.step === trainer.stepsDone) return;
      progress.heldOut.push({ step: trainer.stepsDone, losses: await heldOutLosses(scorer, trainer.weights()) });
    };
    if (trainer.stepsDone === 0) await measure();
    while (trainer.stepsDone < steps && !stopped()) {
      const loss = await trainer.step(sample(trainer.stepsDone));
      progress.losses.push(loss);
      const step = trainer.stepsDone;
      if (step % MEASURE_STEPS === 0 || step === steps) await measure();
      if (step % CHECKPOINT_STEPS === 0) await work.save(trainer.checkpoint(), progress);
      report({ step, steps, loss });
    }
    await work.save(trainer.checkpoint(), progress);
    return trainer.stepsDone < steps ? undefined : { weights: trainer.weights(), progress };
  } finally {
    await trainer.dispose();
    await scorer.dispose();
  }
}

/** Mean loss by style, nats per code. */
async function heldOutLosses(scorer: Scorer, weights: TensorMap): Promise<Record<string, number>> {
  const clips = heldOut(HELD_OUT);
  scorer.load(weights);
  const losses = await scorer.losses(clips);
  return Object.fromEntries(Object.keys(HELD_OUT.clips).map((style) => {
    const own = [...losses].filter((_, i) => clips[i]!.style === style);
    return [style, round4(own.reduce((sum, loss) => sum + loss, 0) / own.length)];
  }));
}
