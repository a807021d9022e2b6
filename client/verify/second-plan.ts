import type { Deployment } from '../../activities/deployment.ts';
import { roundPlan, SEED_LABELS } from '../../activities/round-plan.ts';
import type { RoundPlan } from '../../activities/round.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { OWN_BUCKET } from './overlay-store.ts';

/**
 * The round of a report as its validator began it, but with a bucket of our own.
 * @throws {InvalidInput} when a seed is missing
 */
export function secondPlan(deployment: Deployment, report: RoundReport, lastScale: number | undefined): RoundPlan {
  const { epoch, snapshot, seeds, base, leader, ledger, scores } = report;
  const missing = SEED_LABELS.find((label) => !Object.hasOwn(seeds, label));
  if (missing !== undefined) throw new InvalidInput(`Expected the seeds of ${SEED_LABELS.join(', ')} in the report, got none of ${missing}`);
  const past = { scores: scores.before, leader, ledger };
  return roundPlan(deployment, { hotkey: '', epoch, snapshot, seeds, base, ...(lastScale !== undefined && { lastScale }), past, bucket: OWN_BUCKET, privateBucket: OWN_BUCKET, dryRun: true, deadlineMs: 0 });
}
