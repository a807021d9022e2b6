import { ActivityFailure } from '@temporalio/workflow';
import type { Round, RoundPlan } from '../activities/round.ts';
import type { SubmissionOutcome } from '../activities/submit.ts';
import type { ManifestBody } from '../genki/protocol/manifest.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { beforeDeadline } from './before-deadline.ts';
import type { Settled } from './measure-round.ts';
import type { Written } from './round-page.ts';
import { objects, playDama, wallet } from './steps.ts';
import type { SubmitOnce } from './submit-once.ts';
import { toU16 } from './weights.ts';

/**
 * Report, Dama and weights go out; each of the two extrinsics at most once an epoch, whoever starts this round again. The
 * weights wait for nothing: a store that is down when the round ends costs nobody their pay.
 */
export async function publishRound({ plan, others }: Round, { report, dama, note }: Settled, { deadline, submitOnce, tell }: { deadline: number; submitOnce: SubmitOnce; tell: (written: Written) => void }): Promise<Written> {
  const weights = plan.dryRun ? [] : toU16(report.miners);
  const waitFor = <T>(task: () => Promise<T>): Promise<T | undefined> => beforeDeadline({ deadline, summary: 'until when the chain is waited for' }, task);
  const publish = async (): Promise<{ report: ObjectRef; stood?: SubmissionOutcome | undefined }> => {
    const published = await objects.publishReport.executeWithOptions({ summary: `${report.miners.length} miners looked at` }, [{ round: plan, report, roster: others.roster, dama }]);
    tell({ report: published.report, commitment: null, weightsSet: null, notes: [] });
    return { report: published.report, ...(!plan.dryRun && { stood: await waitFor(() => standFor(plan, published.body, submitOnce)) }) };
  };
  const [weightsSet, { report: ref, stood }] = await Promise.all([weights.length === 0 ? undefined : waitFor(() => setWeights(plan, weights, submitOnce)), publish()]);
  const late = !plan.dryRun && (stood === undefined || (weights.length > 0 && weightsSet === undefined));
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(plan.dryRun ? ['dry run: nothing was written to the chain'] : weights.length === 0 ? ['nobody earned anything: the weights on the chain stay as they are'] : []),
    ...(late ? ['the chain had not confirmed everything by the deadline: the submitter goes on with what it was given'] : []),
    ...[stood, weightsSet].flatMap((outcome) => (outcome?.kind === 'refused' ? [`${outcome.key} was refused: ${outcome.code}: ${outcome.message}`] : [])),
  ];
  return { report: ref, commitment: blockOf(stood), weightsSet: blockOf(weightsSet), notes };
}

const blockOf = (outcome: SubmissionOutcome | undefined): number | null => (outcome?.kind === 'landed' ? outcome.block : null);

const setWeights = ({ netuid, epoch }: RoundPlan, weights: ReturnType<typeof toU16>, submitOnce: SubmitOnce): Promise<SubmissionOutcome> =>
  submitOnce({ key: `weights/${netuid}/${epoch}`, effect: { kind: 'weights', netuid, epoch, versionKey: 0, weights } });

/** Signs for the report and the Dama, and commits to them. */
async function standFor({ hotkey, netuid, epoch, bucket }: RoundPlan, body: ManifestBody, submitOnce: SubmitOnce): Promise<SubmissionOutcome> {
  const text = await wallet(hotkey).signManifest.executeWithOptions({ summary: `epoch ${epoch}` }, [body]);
  const manifest = await objects.publishManifest.executeWithOptions({ summary: `epoch ${epoch}` }, [{ bucket, text }]);
  return await submitOnce({ key: `dama/${netuid}/${epoch}`, effect: { kind: 'commitment', netuid, data: manifest.record } });
}

/** The same prompts by the Dama before and after, beside what the miners played; a round without them is still a round. */
export async function playDamas(round: RoundPlan, next: Dama, deadline: number): Promise<void> {
  try {
    await beforeDeadline({ deadline, summary: 'until when the Damas play' }, () => Promise.all([playDama(round, round.base, 'before'), playDama(round, next, 'after')]));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
  }
}
