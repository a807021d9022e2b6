import { promptClips } from '../genki/data/prompts.ts';
import { heldOutClips, type HoldOutPart as PartName } from '../genki/protocol/competition.ts';
import type { Deployment } from './deployment.ts';
import type { HoldOutPart } from './model/judge.ts';
import type { RoundPlan } from './round.ts';

/** What a round's seeds are drawn for. */
export const SEED_LABELS = ['A', 'B', 'C', 'prompts', 'generation', 'listening', 'shapley'] as const;

/** Below which everything of a round lies in its validator's bucket. */
export const roundPrefix = ({ netuid, epoch, snapshot }: Pick<RoundPlan, 'netuid' | 'epoch' | 'snapshot'>): string => `rounds/${netuid}/${String(epoch).padStart(6, '0')}-${snapshot.hash.slice(2, 10)}`;

/** What is known of a round beside its competition. */
export type RoundGiven = Pick<RoundPlan, 'hotkey' | 'epoch' | 'snapshot' | 'seeds' | 'base' | 'lastScale' | 'past' | 'bucket' | 'privateBucket' | 'dryRun' | 'deadlineMs'>;

/** A round as its competition has it. */
export function roundPlan({ competition, competitionDigest }: Pick<Deployment, 'competition' | 'competitionDigest'>, given: RoundGiven): RoundPlan {
  const { netuid, styles, music, generation: { clips, ...generation }, lora, scales, thresholds, policy, overTime, shapley, listening } = competition;
  const { seeds } = given;
  const floors = Object.fromEntries(styles.private.map((style) => [style, styles.floors[style]!]));
  const part = (name: PartName): HoldOutPart => ({ clips: heldOutClips(competition, name), seed: seeds[name]!, floors, guards: competition.holdOut[name].perBaseStyle > 0 ? styles.base : [] });
  // captions of fresh music of the private styles in turn: nobody knew them at the commit
  const prompting = { styles: styles.private, count: clips, seed: seeds['prompts']! };
  return {
    ...given,
    netuid,
    competition: { id: competition.id, digest: competitionDigest },
    parts: { A: part('A'), B: part('B'), C: part('C') },
    prompts: promptClips(prompting).map(({ caption }) => caption),
    ...(listening && { listening: { embedder: listening.embedder, seed: seeds['listening']!, styles: styles.private, count: clips, promptsSeed: prompting.seed, frameRate: music.frameRate } }),
    generation: { ...generation, seed: seeds['generation']! },
    frames: music.frames,
    frameRate: music.frameRate,
    lora,
    scales,
    thresholds,
    policy,
    overTime,
    shapley,
    prefix: roundPrefix({ netuid, ...given }),
  };
}
