import { batchSampler } from '../../genki/data/batch-sampler.ts';
import { composeDataset } from '../../genki/data/dataset.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { adapterDelta, mergeWeights } from '../../genki/federation/merge.ts';
import { fineTune } from '../../genki/music/fine-tune.ts';
import { encodeAdapter } from '../../genki/music/lora.ts';
import { openConditioner, type Model } from '../../genki/music/open-model.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import type { TensorMap } from '../../genki/protocol/safetensors.ts';
import type { Meter, Reading } from './meter.ts';

export type PlainAdapters = { readonly steps: number; readonly miners: number; readonly scale: number; /** of one adapter's file */ readonly bytes: number; readonly reading: Reading };

type Options = { readonly engine: Engine; readonly model: Model; readonly weights: TensorMap; readonly meter: Meter; readonly signal: AbortSignal };

/** For comparison: every style's miner trains an adapter of its own, and all are merged once, at the scale that is best of those a round tries. */
export async function plainAdapters({ engine, model, weights, meter, signal }: Options): Promise<PlainAdapters> {
  const { training: { hyper, replay, replayRows }, lora, styles, scales } = RUBY;
  const deltas = [];
  let bytes = 0;
  for (const style of styles.private) {
    const dataset = composeDataset({ name: style, styles: [style], clips: 96, seed: `plain adapters/${style}`, licence: 'CC0-1.0', sharing: 'private' });
    const seed = `plain adapters/${style}`;
    const sample = batchSampler(dataset, replay, { privateRows: hyper.batch - replayRows, replayRows, seed });
    const trained = await fineTune({ engine, music: model.music, weights, conditioner: openConditioner(engine, model), sample, lora, hyper, seed }, { onStep: async () => !signal.aborted });
    if (!trained?.done) throw signal.reason;
    bytes = encodeAdapter(trained.adapter).byteLength;
    deltas.push(adapterDelta(trained.adapter));
  }
  let best: PlainAdapters | undefined;
  for (const scale of scales) {
    const reading = await meter.read(new Map([...weights, ...mergeWeights(weights, deltas.map((delta) => ({ delta, weight: scale })))]));
    if (!best || reading.mixture < best.reading.mixture) best = { steps: hyper.steps, miners: deltas.length, scale, bytes, reading };
  }
  return best!;
}
