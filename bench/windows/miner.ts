import { batchSampler } from '../../genki/data/batch-sampler.ts';
import { pageClips } from '../../genki/data/page-clips.ts';
import { flatten, unflatten } from '../../genki/federation/layout.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { Trainer } from '../../genki/music/trainer.ts';
import { pagesOf } from '../../genki/protocol/pages.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { competitionDigest } from '../../genki/protocol/competition.ts';
import { shard } from '../../client/attack-suite/miners.ts';
import type { Stage } from './stage.ts';

const { training, delta, styles } = RUBY_WINDOWS;
const DIGEST = competitionDigest(RUBY_WINDOWS);

/** What one miner does in one window. */
export type Work = { readonly clips: readonly Clip[]; readonly seed: string; /** as many as the competition says, unless told */ readonly steps?: number };

/** Trained weights − the window's, after local steps at a constant rate on one's own clips and the replayed ones. */
export async function localUpdate({ engine, music, layout }: Stage, weights: Float32Array, { clips, seed, steps = training.hyper.steps }: Work): Promise<Float32Array> {
  const { replay, replayRows } = training;
  const hyper = { ...training.hyper, steps, schedule: 'constant' as const };
  const sample = batchSampler({ name: 'own', licence: 'CC0-1.0', sharing: 'shared', clips }, replay, { privateRows: hyper.batch - replayRows, replayRows, seed });
  const trainer = await Trainer.create(engine, music, unflatten(layout, weights), { kind: 'full' }, hyper, seed);
  try {
    while (trainer.stepsDone < steps) await trainer.step(sample(trainer.stepsDone));
    return flatten(layout, trainer.weights()).map((value, i) => value - weights[i]!);
  } finally {
    await trainer.dispose();
  }
}

/** A miner's own music: one private style each, as many miners as styles. */
export const ownMusic = (miner: number, seed: string): readonly Clip[] => shard(styles.private[miner % styles.private.length]!, `windows/${seed}`);

/** The clips of the pages that a hotkey is assigned in a window. */
export function assigned(hotkey: string, window: number): Clip[] {
  const pages = delta!.pages!;
  return pagesOf({ hotkey, window, pages, competitionDigest: DIGEST }).flatMap((page) => pageClips(pages, page));
}
