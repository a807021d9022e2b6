import { shard, train, composed, type Workshop } from '../../client/attack-suite/miners.ts';
import { junk, nothing } from '../../genki/attacks/junk.ts';
import { noisyCopy } from '../../genki/attacks/noisy-copy.ts';
import { inflateNorm } from '../../genki/attacks/norm.ts';
import { mislabelled, randomCodes, shuffledInTime } from '../../genki/attacks/poisoned-clips.ts';
import { signFlip } from '../../genki/attacks/sign-flip.ts';
import type { Clip } from '../../genki/music/clip.ts';
import type { Adapter } from '../../genki/music/lora.ts';
import { Random } from '../../genki/protocol/random.ts';

/** What should become of a submission. */
export type Expected = 'accepted' | 'copy' | 'not-accepted';
export type Actor = { readonly name: string; readonly adapter: Adapter; readonly expected: Expected; /** Whose work it takes; it cannot commit before. */ readonly after?: string };

export type Stage = Workshop;

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
  const trained = (name: string, clips: readonly Clip[]): Promise<Actor> =>
    train(stage, { name, clips, seed: `${seed}/${name}` }).then((adapter) => ({ name, adapter, expected: 'not-accepted' }));
  const swing = shard('swing', `${seed}/other`);
  return [
    await trained('shuffled', shuffledInTime(swing, random)),
    await trained('mislabelled', mislabelled(swing, shard('march', seed))),
    await trained('lazy', composed(stage.competition.styles.base, { clips: 20, seed })),
    await trained('random-codes', randomCodes(swing, random, stage.music.decoder.vocabSize)),
    { name: 'flipped', adapter: signFlip(of('swing')), expected: 'copy', after: 'swing' },
    { name: 'zero', adapter: nothing(of('swing')), expected: 'not-accepted' },
    { name: 'diluted', adapter: noisyCopy(of('swing'), random, 1.2), expected: 'not-accepted', after: 'swing' },
    { name: 'inflated-junk', adapter: inflateNorm(junk(of('swing'), random)), expected: 'not-accepted' },
  ];
}

async function inTurn<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const made: R[] = [];
  for (const item of items) made.push(await make(item));
  return made;
}
