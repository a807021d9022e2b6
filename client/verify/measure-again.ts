import type { HeardClips } from '../../activities/model/hear.ts';
import { createOutputActivities } from '../../activities/outputs.ts';
import type { RoundPlan } from '../../activities/round.ts';
import { createSettleActivities } from '../../activities/settle.ts';
import { createSubmissionActivities } from '../../activities/submission.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import type { Deployment } from '../../activities/deployment.ts';
import { measureRound, type MeasuringSteps } from '../../workflows/measure-round.ts';
import type { Evaluated } from '../../workflows/round-page.ts';
import type { RunJob } from './run-here.ts';
import { settleUndecided, type Accepted } from './undecided.ts';

export type Measuring = {
  readonly store: ObjectStore;
  readonly chain: Chain;
  readonly deployment: Deployment;
  readonly run: RunJob;
  readonly hearDama: () => Promise<HeardClips>;
  /** Who was accepted by another engine, where it was one. */
  readonly accepted: Accepted | undefined;
};

/** The report as we would have made it, and whose verdicts our engine and the other one may see differently. */
export async function measureAgain(plan: RoundPlan, evaluated: readonly Evaluated[], { store, chain, deployment, run, hearDama, accepted }: Measuring): Promise<{ readonly report: RoundReport; readonly undecided: readonly number[] | undefined }> {
  let undecided: readonly number[] | undefined;
  const { compareSubmissions } = createSubmissionActivities({ chain, store, deployment });
  const { compareOutputs } = createOutputActivities({ store });
  const { settleRound } = createSettleActivities();
  const steps: MeasuringSteps = {
    compareSubmissions: (_, input) => compareSubmissions(input),
    hearDama: () => hearDama(),
    measureAnchors: (_, input) => run('anchors', 'anchors', input),
    measureCandidates: (_, input) => run('measure', 'losses of each alone', input),
    async acceptCandidates(_, input) {
      const own = await run('accept', 'acceptance', input);
      if (!accepted) return own;
      const settled = await settleUndecided(own, accepted, (among, scale) => run('accept', 'acceptance of the report\'s', { ...input, among, scales: [scale] }));
      undecided = settled.undecided;
      return settled.acceptance;
    },
    valueCoalitions: (_, input) => run('value', 'coalitions', input),
    estimateContributions: (_, input) => run('estimate', 'coalitions', input),
    measureAgreement: (_, input) => run('agree', 'gradient agreement', input),
    mergeDama: (_, input) => run('merge', 'the merged Dama', input),
    compareOutputs: (_, input) => compareOutputs(input),
    settleRound: (_, input) => settleRound(input),
  };
  const { report } = await measureRound(plan, evaluated, { steps, enter: () => undefined });
  // as a file has it: a number that is none becomes null
  return { report: JSON.parse(JSON.stringify(report)) as RoundReport, undecided };
}
