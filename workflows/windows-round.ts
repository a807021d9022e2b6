import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { RoundInput } from '../activities/round.ts';
import type { SubmissionOutcome } from '../activities/submit.ts';
import type { WindowsPlan } from '../activities/windows-round.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { factTable, pageOf } from './markdown.ts';
import { EPOCH, HOTKEY, MINERS_SCORED, NET_UID, OUTCOME, PHASE } from './search-attributes.ts';
import { objects, paying, wallet } from './steps.ts';
import { submitterOf } from './submit-once.ts';
import { toU16 } from './weights.ts';

/** What a round of windows ends with. */
export type WindowsSummary = {
  readonly kind: 'windows';
  readonly dryRun: boolean;
  readonly hotkey: string;
  readonly epoch: number;
  readonly report: ObjectRef;
  readonly windows: WindowsPlan['windows'];
  /** Of those who earned something. */
  readonly weights: readonly { readonly hotkey: string; readonly weight: number }[];
  /** Blocks; null when nothing was sent. */
  readonly commitment: number | null;
  readonly weightsSet: number | null;
  readonly notes: readonly string[];
};

/** A validator's epoch where updates of windows are exchanged: what their scores come to → weights and report. */
export async function windowsRound(input: RoundInput): Promise<WindowsSummary> {
  const plan = await paying.settleWindows.executeWithOptions({ summary: 'what the windows are worth' }, [input]);
  const { hotkey, netuid, epoch, dryRun, report, windows } = plan;
  upsertSearchAttributes([{ key: NET_UID, value: String(netuid) }, { key: HOTKEY, value: hotkey }, { key: EPOCH, value: epoch }, { key: MINERS_SCORED, value: plan.weights.length }, { key: PHASE, value: 'publish' }]);
  const weights = dryRun ? [] : toU16(plan.weights);
  const submitOnce = submitterOf(hotkey);
  const [set, stood] = await Promise.all([
    weights.length === 0 ? undefined : submitOnce({ key: `weights/${netuid}/${epoch}`, effect: { kind: 'weights', netuid, epoch, versionKey: 0, weights } }),
    dryRun || !plan.body ? undefined : standFor(plan, submitOnce),
  ]);
  const notes = [
    ...(dryRun ? ['dry run: nothing was written to the chain'] : weights.length === 0 ? ['nobody earned anything: the weights on the chain stay as they are'] : []),
    ...[stood, set].flatMap((outcome) => (outcome?.kind === 'refused' ? [`${outcome.key} was refused: ${outcome.code}: ${outcome.message}`] : [])),
  ];
  const summary: WindowsSummary = { kind: 'windows', dryRun, hotkey, epoch, report, windows, weights: plan.weights.filter(({ weight }) => weight > 0), commitment: blockOf(stood), weightsSet: blockOf(set), notes };
  upsertSearchAttributes([{ key: PHASE, value: 'done' }, { key: OUTCOME, value: summary.kind }]);
  setCurrentDetails(windowsPage(plan, summary));
  return summary;
}

const blockOf = (outcome: SubmissionOutcome | undefined): number | null => (outcome?.kind === 'landed' ? outcome.block : null);

/** Signs for the report and the model, and commits to them. */
async function standFor({ hotkey, netuid, epoch, bucket, body }: WindowsPlan, submitOnce: ReturnType<typeof submitterOf>): Promise<SubmissionOutcome> {
  const text = await wallet(hotkey).signManifest.executeWithOptions({ summary: `epoch ${epoch}` }, [body!]);
  const manifest = await objects.publishManifest.executeWithOptions({ summary: `epoch ${epoch}` }, [{ bucket, text }]);
  return await submitOnce({ key: `dama/${netuid}/${epoch}`, effect: { kind: 'commitment', netuid, data: manifest.record } });
}

/** A round of windows as a page to read, Markdown. */
export function windowsPage({ epoch, netuid, windows }: WindowsPlan, { weights, weightsSet, commitment, notes }: WindowsSummary): string {
  return pageOf([
    `**windows** · netuid ${netuid} · epoch ${epoch} · windows ${windows.from} to ${windows.to}, ${windows.scored} measured`,
    '',
    ...factTable([
      ['weights', weightsSet === null ? undefined : `set in block ${weightsSet}`],
      ['commitment', commitment === null ? undefined : `block ${commitment}`],
      ...weights.map(({ hotkey, weight }): [string, string] => [`\`${hotkey}\``, `${(100 * weight).toFixed(1)} %`]),
      ...notes.map((note): [string, string] => ['note', note]),
    ]),
  ]);
}
