import { batchSampler } from '../../genki/data/batch-sampler.ts';
import { type Dataset, manifestOf } from '../../genki/data/dataset.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { checkCodec } from '../../genki/music/codec-digest.ts';
import { fineTune } from '../../genki/music/fine-tune.ts';
import type { Adapter, LoraConfig } from '../../genki/music/lora.ts';
import { encodeLossCurve, type LossPoint } from '../../genki/music/loss-curve.ts';
import { languageWeights, openConditioner, type OpenModel } from '../../genki/music/open-model.ts';
import { writePeft } from '../../genki/music/peft/write-peft.ts';
import type { Hyper } from '../../genki/music/schedule.ts';
import { fileDigest } from '../../genki/protocol/digests.ts';
import { RunFolder } from './run-folder.ts';

export type LocalRun = {
  readonly engine: Engine;
  readonly model: OpenModel;
  /** The model's. */
  readonly digest: string;
  readonly dataset: Dataset;
  readonly lora: LoraConfig;
  /** What to go on from. */
  readonly adapter?: Adapter | undefined;
  readonly hyper: Hyper;
  readonly seed: string;
  /** Folder that the adapter appears in. */
  readonly output: string;
  /** Steps between checkpoints. */
  readonly saveEvery: number;
};

/** How a run ended: all its steps done, or stopped with a checkpoint. */
export type LocalOutcome = { readonly done: boolean; readonly steps: number; readonly firstLoss: number; readonly lastLoss: number };

/** Says what goes on, and answers whether to go on. */
export type Watching = { told(captions: number, of: number): boolean; stepped(point: LossPoint, ms: number): boolean };

/**
 * Trains an adapter in this process, into a folder with PEFT's two files, the loss curve and what the run was. Stopped, it
 * leaves a checkpoint that the same run goes on from.
 * @returns undefined when it was stopped before the first step
 */
export async function runLocally(run: LocalRun, watching: Watching): Promise<LocalOutcome | undefined> {
  const { engine, model, digest, dataset, lora, adapter, hyper, seed, output, saveEvery } = run;
  await checkCodec(dataset, model);
  const about = manifestOf(dataset);
  const folder = await RunFolder.open(output, { base: digest, dataset: about.digest, lora, hyper: { ...hyper }, seed, from: adapter === undefined ? null : partsOf(writePeft(adapter, { base: digest })) });
  const checkpoint = await folder.checkpoint();
  // rows of the miner's own alone: nobody is there to repeat the base's music for
  const sample = batchSampler(dataset, { styles: [], clips: 0, seed: '' }, { privateRows: hyper.batch, replayRows: 0, seed });
  const weights = await languageWeights(model);
  let started = performance.now();
  const trained = await fineTune(
    { engine, music: model.music, weights, conditioner: openConditioner(engine, model), sample, lora, hyper, seed, ...(adapter && { adapter }), ...(checkpoint && { checkpoint }) },
    {
      onTold: async ({ captions, of }) => watching.told(captions, of),
      onStep: async (point, running) => {
        const goesOn = watching.stepped(point, performance.now() - started);
        if (!goesOn || point.step % saveEvery === 0) await folder.save(running.checkpoint());
        await new Promise((resolve) => setImmediate(resolve)); // a step blocks; a signal is heard between two
        started = performance.now();
        return goesOn;
      },
    },
  );
  if (trained === undefined) return undefined;
  const { curve, done } = trained;
  const outcome: LocalOutcome = { done, steps: curve.length, firstLoss: curve[0]!.loss, lastLoss: curve.at(-1)!.loss };
  if (!done) return outcome;
  const { config, weights: tensors } = writePeft(trained.adapter, { base: digest });
  const summary = { base: digest, dataset: about, lora, hyper, seed, engine: engine.build, ...outcome };
  await folder.finish({ 'adapter_config.json': config, 'adapter_model.safetensors': tensors, 'loss-curve.json': encodeLossCurve(curve), 'training.json': `${JSON.stringify(summary, null, 2)}\n` });
  return outcome;
}

/** An adapter is not its configuration alone: one of the same shape is another. */
const partsOf = ({ config, weights }: { readonly config: string; readonly weights: Uint8Array }): object => ({ config, weights: fileDigest(weights) });
