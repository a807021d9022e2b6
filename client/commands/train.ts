import { decodeDataset } from '../../genki/data/dataset.ts';
import type { LoraConfig } from '../../genki/music/lora.ts';
import { openModel } from '../../genki/music/open-model.ts';
import { checkHyper, type Hyper } from '../../genki/music/schedule.ts';
import { engineOf } from '../../workers/engine.ts';
import { readFileWithin } from '../data/read-file.ts';
import { Progress } from '../progress.ts';
import { readAdapter } from '../read-adapter.ts';
import { SHIPPED_DAMA } from '../shipped-dama.ts';
import { stopSignal } from '../stop-signal.ts';
import { type LocalOutcome, type LocalRun, runLocally } from '../training/local-run.ts';

export type TrainOptions = {
  readonly dataset: string;
  readonly output: string;
  readonly model?: string;
  readonly adapter?: string;
  readonly anyBase: boolean;
  readonly steps: number;
  readonly batch: number;
  readonly accumulation: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly guidanceDropout: number;
  readonly rank: number;
  readonly alpha?: number;
  readonly rslora: boolean;
  readonly targets: readonly string[];
  readonly checkpointing: boolean;
  readonly saveEvery: number;
  readonly seed: string;
  readonly json: boolean;
};

const MAX_DATASET_BYTES = 4 * 2 ** 30;

/** `genki train`: an adapter of a dataset, without a network. Ctrl-C keeps what is done; the same command goes on from there. Exits 1 when it was stopped. */
export async function train(options: TrainOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const { dataset: file, output, saveEvery, seed, json } = options;
  const hyper = hyperOf(options);
  checkHyper(hyper);
  const dataset = decodeDataset(await readFileWithin(file, MAX_DATASET_BYTES));
  const signal = stopSignal();
  const folder = options.model ?? SHIPPED_DAMA;
  const model = await openModel(folder);
  const engine = await engineOf(env);
  try {
    const digest = await model.digest();
    const adapter = options.adapter === undefined ? undefined : (await readAdapter(options.adapter, { model, folder, anyBase: options.anyBase })).adapter;
    const outcome = await watched({ engine, model, digest, dataset, lora: adapter?.config ?? loraOf(options), adapter, hyper, seed, output, saveEvery }, { signal, json });
    process.stdout.write(json ? `${JSON.stringify({ output, engine: engine.build, ...outcome })}\n` : `${sentenceOf(outcome, output)}\n`);
    if (outcome?.done !== true) process.exitCode = 1;
  } finally {
    await engine.dispose();
    await model.close();
  }
}

const hyperOf = ({ steps, batch, accumulation, learningRate, warmup, guidanceDropout, checkpointing }: TrainOptions): Hyper =>
  ({ steps, batch, accumulation, learningRate, warmup: Math.min(warmup, steps), guidanceDropout, checkpointing, betas: [0.9, 0.95], weightDecay: 0.01, maxGradNorm: 1 });

const loraOf = ({ rank, alpha = 2 * rank, targets, rslora }: TrainOptions): LoraConfig => ({ rank, alpha, targets, rslora });

async function watched(run: LocalRun, { signal, json }: { signal: AbortSignal; json: boolean }): Promise<LocalOutcome | undefined> {
  const progress = new Progress(json);
  try {
    return await runLocally(run, {
      told: (captions, of) => {
        progress.show(`${captions} of ${of} captions told`);
        return !signal.aborted;
      },
      stepped: ({ step, loss }, ms) => {
        progress.show(`step ${step} of ${run.hyper.steps}, loss ${loss.toFixed(3)}, ${(ms / 1000).toFixed(1)} s a step`);
        return !signal.aborted;
      },
    });
  } finally {
    progress.done();
  }
}

function sentenceOf(outcome: LocalOutcome | undefined, output: string): string {
  if (outcome === undefined) return 'Stopped before the first step.';
  const { done, steps, firstLoss, lastLoss } = outcome;
  const losses = `loss ${firstLoss.toFixed(3)} in the first step, ${lastLoss.toFixed(3)} in the last, in nats a code`;
  return done ? `${output}: ${steps} steps, ${losses}` : `Stopped after ${steps} steps, ${losses}; the same command goes on from there.`;
}
