import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { heldOut } from '../../genki/data/held-out.ts';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { flatten, layoutOf, type Layout, unflatten } from '../../genki/federation/layout.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { type MusicConfig, readMusicConfig } from '../../genki/music/config.ts';
import { Scorer } from '../../genki/music/scorer.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { decodeSafetensors } from '../../genki/protocol/safetensors.ts';

/** Where windows are run: one process that is every miner and the validator. */
export type Stage = {
  readonly engine: Engine;
  readonly music: MusicConfig;
  readonly layout: Layout;
  /** All weights of the shipped Dama. */
  readonly base: Float32Array;
  readonly scorer: Scorer;
};

/** Mean losses on held-out music, nats per code. */
export type Losses = { readonly mixture: number; readonly base: number };

const PER_STYLE = { mixture: 16, base: 8 };
const { styles } = RUBY_WINDOWS;
const CLIPS = heldOut({ clips: { ...of(styles.private, PER_STYLE.mixture), ...of(styles.base, PER_STYLE.base) }, seed: 'bench/windows' });

export async function openStage(dama = join('dama', 'ruby-nano')): Promise<Stage> {
  const engine = await chooseEngine({ threads: cpus().length });
  const music = readMusicConfig(JSON.parse(await readFile(join(dama, 'config.json'), 'utf8')));
  const layout = layoutOf(music);
  const base = flatten(layout, decodeSafetensors(await readFile(join(dama, 'model.safetensors'))).tensors);
  return { engine, music, layout, base, scorer: await Scorer.create(engine, music) };
}

export async function closeStage({ engine, scorer }: Stage): Promise<void> {
  await scorer.dispose();
  await engine.dispose();
}

/** Losses of a model on clips, nats per code, shape [clips]. */
export async function lossesOf({ scorer, layout }: Stage, weights: Float32Array, clips: readonly Clip[]): Promise<Float64Array> {
  scorer.load(unflatten(layout, weights));
  return await scorer.losses(clips);
}

/** The same held-out music for every window of every arm, so that they differ in what was learnt only. */
export async function measure(stage: Stage, weights: Float32Array): Promise<Losses> {
  const losses = await lossesOf(stage, weights, CLIPS);
  const mean = (some: readonly string[]): number => {
    const those = [...losses].filter((_, i) => some.includes(CLIPS[i]!.style));
    return those.reduce((sum, loss) => sum + loss, 0) / those.length;
  };
  return { mixture: mean(styles.private), base: mean(styles.base) };
}

function of(names: readonly string[], clips: number): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, clips]));
}
