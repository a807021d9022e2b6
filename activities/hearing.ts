import type { Jobs } from './model/jobs.ts';
import { runJob, type Runners } from './run-job.ts';

export type HearingActivities = ReturnType<typeof createHearingActivities>;

/** An embedder's network blocks whoever runs it, so it runs in a process of the cpu worker's own. */
export const createHearingActivities = ({ ears }: { ears: Runners }) => ({
  /** How well clips fit their prompts, and what else is heard of them. */
  hearClips: (input: Jobs['hear']['input']) => runJob(ears, 'hear', input),
  /** What this round's numbers are held against. */
  measureAnchors: (input: Jobs['anchors']['input']) => runJob(ears, 'anchors', input),
});
