import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { batchSampler } from '../../genki/data/batch-sampler.ts';
import { composeDataset, manifestOf, type Dataset } from '../../genki/data/dataset.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import type { Clip } from '../../genki/music/clip.ts';
import type { MusicConfig } from '../../genki/music/config.ts';
import { decodeAdapter, encodeAdapter, type Adapter } from '../../genki/music/lora.ts';
import { Trainer } from '../../genki/music/trainer.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { contentDigest, type TensorMap } from '../../genki/protocol/safetensors.ts';

/** What miners train on, and where. */
export type Workshop = {
  readonly engine: Engine;
  readonly music: MusicConfig;
  readonly base: TensorMap;
  readonly competition: Competition;
  /** Where trained adapters are kept from run to run. */
  readonly cacheDir: string;
  readonly onTrained?: (name: string) => void;
};

/** Somebody's own music, and how long it learns from it: as long as the competition says, unless told. */
export type Training = { readonly name: string; readonly clips: readonly Clip[]; readonly seed: string; readonly steps?: number };

const SHARD_CLIPS = 96;

/** A miner's own music in a style. */
export const shard = (style: string, seed: string): readonly Clip[] => composed([style], { clips: SHARD_CLIPS, seed: `${seed}/shard` });

/** Music of the composer that is nobody's own. */
export const composed = (styles: readonly string[], { clips, seed }: { readonly clips: number; readonly seed: string }): readonly Clip[] =>
  composeDataset({ name: styles.join(' '), styles, clips, seed, licence: 'CC0-1.0', sharing: 'shared' }).clips;

/** As a miner's window trains; kept under the digest of all that decides the result. */
export async function train({ engine, music, base, competition, cacheDir, onTrained }: Workshop, { name, clips, seed, steps }: Training): Promise<Adapter> {
  const { training, lora } = competition;
  const hyper = { ...training.hyper, ...(steps !== undefined && { steps }) };
  const dataset: Dataset = { name, licence: 'LicenseRef-private', sharing: 'private', clips };
  const decides = [engine.build, contentDigest(base), manifestOf(dataset).digest, seed, hyper, training.replay, training.replayRows, lora];
  const path = join(cacheDir, `${name}-${sha256Hex(new TextEncoder().encode(JSON.stringify(decides))).slice(0, 16)}.safetensors`);
  const kept = await readFile(path).catch(() => undefined);
  if (kept) return decodeAdapter(kept, { music, lora });
  const sample = batchSampler(dataset, training.replay, { privateRows: hyper.batch - training.replayRows, replayRows: training.replayRows, seed });
  const trainer = await Trainer.create(engine, music, base, { kind: 'lora', lora }, hyper, seed);
  try {
    while (trainer.stepsDone < hyper.steps) await trainer.step(sample(trainer.stepsDone));
    await mkdir(cacheDir, { recursive: true });
    await writeFile(path, encodeAdapter(trainer.adapter()));
    onTrained?.(name);
    return trainer.adapter();
  } finally {
    await trainer.dispose();
  }
}
