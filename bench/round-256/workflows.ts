/** The bundle of the benchmark: the real round, and its peer. */
import type { Round } from '../../activities/round.ts';
import { asPlayed } from '../../workflows/clips.ts';
import { mapBounded } from '../../genki/map-bounded.ts';
import { compute, foreign, scoring } from '../../workflows/steps.ts';

export { evaluateSubmission, validationRound } from '../../workflows/index.ts';

/** The same steps of every miner from one workflow: no page, no outcome and no time of its own for any of them. */
export async function flatRound({ plan: round, submissions }: Pick<Round, 'plan' | 'submissions'>, sideBySide: number): Promise<number> {
  const { prompts, generation, frames, frameRate, bucket, base: dama, prefix } = round;
  const heard = await mapBounded(submissions, sideBySide, async (submission) => {
    const fetched = await foreign.fetchSubmission({ round, submission });
    const codes = await scoring.generateClips({ ...generation, frames, prompts, dama, adapter: asPlayed(fetched, round), bucket, key: `${prefix}/clips/${submission.hotkey}/codes.safetensors` });
    return await compute.listen({ codes, bucket, prefix: `${prefix}/clips/${submission.hotkey}`, frameRate });
  });
  return heard.length;
}
