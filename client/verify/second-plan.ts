import type { Deployment } from '../../activities/deployment.ts';
import type { HoldOutPart } from '../../activities/model/judge.ts';
import type { RoundPlan } from '../../activities/round.ts';
import { promptClips } from '../../genki/data/prompts.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { heldOutClips, type HoldOutPart as PartName } from '../../genki/protocol/competition.ts';
import { OWN_BUCKET } from './overlay-store.ts';

/** What a round's seeds are drawn for. */
const LABELS = ['A', 'B', 'C', 'prompts', 'generation', 'listening', 'shapley'];

/**
 * The round of a report as its validator began it, but with a bucket of our own.
 * @throws {InvalidInput} when a seed is missing
 */
export function secondPlan({ competition, competitionDigest }: Deployment, report: RoundReport, lastScale: number | undefined): RoundPlan {
  const { netuid, epoch, snapshot, seeds, base, leader, ledger, scores } = report;
  const missing = LABELS.find((label) => !Object.hasOwn(seeds, label));
  if (missing !== undefined) throw new InvalidInput(`Expected the seeds of ${LABELS.join(', ')} in the report, got none of ${missing}`);
  const { styles, music, generation: { clips, ...generation }, lora, scales, thresholds, policy, overTime, shapley, listening } = competition;
  const floors = Object.fromEntries(styles.private.map((style) => [style, styles.floors[style]!]));
  const part = (name: PartName): HoldOutPart => ({ clips: heldOutClips(competition, name), seed: seeds[name]!, floors, guards: competition.holdOut[name].perBaseStyle > 0 ? styles.base : [] });
  const prompting = { styles: styles.private, count: clips, seed: seeds.prompts! };
  return {
    hotkey: '',
    netuid,
    epoch,
    competition: { id: competition.id, digest: competitionDigest },
    snapshot,
    seeds,
    base,
    ...(lastScale !== undefined && { lastScale }),
    parts: { A: part('A'), B: part('B'), C: part('C') },
    prompts: promptClips(prompting).map(({ caption }) => caption),
    ...(listening && { listening: { embedder: listening.embedder, seed: seeds.listening!, styles: prompting.styles, count: clips, promptsSeed: prompting.seed, frameRate: music.frameRate } }),
    generation: { ...generation, seed: seeds.generation! },
    frames: music.frames,
    frameRate: music.frameRate,
    lora,
    scales,
    thresholds,
    policy,
    overTime,
    shapley,
    past: { scores: scores.before, leader, ledger },
    bucket: OWN_BUCKET,
    privateBucket: OWN_BUCKET,
    prefix: prefixOf(report),
    dryRun: true,
    deadlineMs: 0,
  };
}

/** Below which everything of a round lies in its validator's bucket. */
export const prefixOf = ({ netuid, epoch, snapshot }: RoundReport): string => `rounds/${netuid}/${String(epoch).padStart(6, '0')}-${snapshot.hash.slice(2, 10)}`;
