import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { batchSampler } from '../../genki/data/batch-sampler.ts';
import { composeDataset } from '../../genki/data/dataset.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { inflateNorm, junk, noisyCopy, nothing, signFlip } from '../../genki/federation/attacks.ts';
import type { Clip } from '../../genki/music/clip.ts';
import type { MusicConfig } from '../../genki/music/config.ts';
import { decodeAdapter, encodeAdapter, type Adapter } from '../../genki/music/lora.ts';
import { Trainer } from '../../genki/music/trainer.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { Random } from '../../genki/protocol/random.ts';
import { contentDigest, type TensorMap } from '../../genki/protocol/safetensors.ts';

/** What should become of a submission. */
export type Expected = 'accepted' | 'copy' | 'not-accepted';
export type Actor = { readonly name: string; readonly adapter: Adapter; readonly expected: Expected; /** Whose work it takes; it cannot commit before. */ readonly after?: string };

export type Stage = {
  readonly engine: Engine;
  readonly music: MusicConfig;
  readonly base: TensorMap;
  readonly competition: Competition;
  /** Where trained adapters are kept from run to run. */
  readonly cacheDir: string;
  readonly onTrained?: (name: string) => void;
};

const SHARD_CLIPS = 96;

/** The honest miners: one for each private style, each with a shard of its own. */
export const trainHonest = (stage: Stage, seed: string): Promise<Actor[]> =>
  inTurn(stage.competition.styles.private, async (style) => ({ name: style, adapter: await train(stage, { name: style, clips: shard(style, seed), seed: `${seed}/${style}` }), expected: 'accepted' }));

/** Who lives on others' work: a byte copy comes from the same tensors, the noisy one and junk from none of their own. */
export function copiers(honest: readonly Actor[], seed: string): Actor[] {
  const of = (name: string): Actor => honest.find((actor) => actor.name === name)!;
  return [
    { name: 'byte-copier', adapter: of('victory').adapter, expected: 'copy', after: 'victory' },
    { name: 'noisy-copier', adapter: noisyCopy(of('march').adapter, new Random(`${seed}/noise`)), expected: 'copy', after: 'march' },
    { name: 'junk', adapter: junk(of('swing').adapter, new Random(`${seed}/junk`)), expected: 'not-accepted' },
  ];
}

/** Who is harder to tell from honest: each has trained on something, or hides what it took. */
export async function suspects(stage: Stage, honest: readonly Actor[], seed: string): Promise<Actor[]> {
  const of = (name: string): Adapter => honest.find((actor) => actor.name === name)!.adapter;
  const random = new Random(`${seed}/suspects`);
  const trained = (name: string, clips: readonly Clip[], steps?: number): Promise<Actor> =>
    train(stage, { name, clips, seed: `${seed}/${name}`, ...(steps !== undefined && { steps }) }).then((adapter) => ({ name, adapter, expected: 'not-accepted' }));
  const swing = shard('swing', `${seed}/other`);
  return [
    await trained('shuffled', swing.map((clip) => inRandomOrder(clip, random))),
    await trained('mislabelled', swing.map((clip, i) => ({ ...clip, caption: shard('march', seed)[i]!.caption }))),
    await trained('lazy', composeDataset({ name: 'known', styles: stage.competition.styles.base, clips: 20, seed, licence: 'CC0-1.0', sharing: 'shared' }).clips),
    await trained('random-codes', swing.map((clip) => ({ ...clip, codes: clip.codes.map(() => random.int(64)) }))),
    { name: 'flipped', adapter: signFlip(of('swing')), expected: 'copy', after: 'swing' },
    { name: 'zero', adapter: nothing(of('swing')), expected: 'not-accepted' },
    { name: 'diluted', adapter: noisyCopy(of('swing'), random, 1.2), expected: 'not-accepted', after: 'swing' },
    { name: 'inflated-junk', adapter: inflateNorm(junk(of('swing'), random)), expected: 'not-accepted' },
  ];
}

const shard = (style: string, seed: string): readonly Clip[] =>
  composeDataset({ name: style, styles: [style], clips: SHARD_CLIPS, seed: `${seed}/shard`, licence: 'LicenseRef-private', sharing: 'private' }).clips;

function inRandomOrder(clip: Clip, random: Random): Clip {
  const order = random.shuffle(Array.from({ length: clip.frames }, (_, t) => t));
  return { ...clip, codes: clip.codes.map((_, at) => clip.codes[Math.floor(at / clip.frames) * clip.frames + order[at % clip.frames]!]!) };
}

type Training = { readonly name: string; readonly clips: readonly Clip[]; readonly seed: string; readonly steps?: number };

/** As a miner's window trains, kept under the digest of all that decides the result. */
async function train({ engine, music, base, competition, cacheDir, onTrained }: Stage, { name, clips, seed, steps }: Training): Promise<Adapter> {
  const { training, lora } = competition;
  const hyper = { ...training.hyper, ...(steps !== undefined && { steps }) };
  const digest = sha256Hex(new TextEncoder().encode(JSON.stringify([engine.build, contentDigest(base), name, seed, hyper, training.replay, training.replayRows, lora, SHARD_CLIPS])));
  const path = join(cacheDir, `${name}-${digest.slice(0, 16)}.safetensors`);
  const kept = await readFile(path).catch(() => undefined);
  if (kept) return decodeAdapter(kept, { music, lora });
  const dataset = { name, licence: 'LicenseRef-private', sharing: 'private', clips } as const;
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

async function inTurn<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const made: R[] = [];
  for (const item of items) made.push(await make(item));
  return made;
}
