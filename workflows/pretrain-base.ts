import { ApplicationFailure, defineQuery, getExternalWorkflowHandle, setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { Waiting } from '../activities/late-results.ts';
import type { PretrainingInput, PretrainingPlan } from '../activities/pretraining.ts';
import type { Pretrained } from '../activities/model/pretrain.ts';
import type { BaseRecord } from '../genki/protocol/base-record.ts';
import type { Merged } from '../genki/protocol/candidates.ts';
import { basesName, relayName } from '../genki/protocol/relay.ts';
import { factTable, literal, pageOf } from './markdown.ts';
import { merged } from './relay-adapter.ts';
import { HOTKEY, OUTCOME, PHASE } from './search-attributes.ts';
import { baseWallet, gathering, pretraining, promoting, scoring } from './steps.ts';

export type PretrainingOutcome =
  | {
      readonly kind: 'published';
      /** Of the base. */
      readonly sequence: number;
      readonly digest: string;
      /** Of the run. */
      readonly step: number;
      readonly steps: number;
      /** Of what is merged into it. */
      readonly adapters: number;
      readonly losses: BaseRecord['losses'];
      /** Late results that were left: written anew for this base, or to be trained again, and why. */
      readonly rebased: BaseRecord['rebased'];
      readonly reason: string;
    }
  /** The new base is worse than what is used: the run goes on from where it was. */
  | { readonly kind: 'kept'; readonly reason: string }
  /** The run is over, or its time was too short for a step; and there is nothing to merge. */
  | { readonly kind: 'unchanged'; readonly reason: string };

export type PretrainingState = { readonly phase: string; readonly plan?: PretrainingPlan; readonly until?: number; readonly trained?: Pretrained; readonly outcome?: PretrainingOutcome };
export const pretrainingState = defineQuery<PretrainingState>('progress');

/** A base trained further for as long as it may take, with the adapter that is current and what late results add merged into it. */
export async function pretrainBase(input: PretrainingInput = {}): Promise<PretrainingOutcome> {
  let state: PretrainingState = { phase: 'resolve' };
  setHandler(pretrainingState, () => state, { description: 'phase, base, run, until when' });
  const enter = (phase: string, more: Partial<PretrainingState> = {}): void => {
    state = { ...state, ...more, phase };
    upsertSearchAttributes([{ key: PHASE, value: phase }]);
    setCurrentDetails(pretrainingPage(state));
  };
  const end = (outcome: PretrainingOutcome): PretrainingOutcome => {
    enter('done', { outcome });
    upsertSearchAttributes([{ key: OUTCOME, value: outcome.kind }]);
    return outcome;
  };

  const plan = await gathering.resolvePretraining.executeWithOptions({ summary: 'the newest base, and where the run had come to' }, [input]);
  checkName(plan.adapterId);
  const until = Date.now() + plan.budgetMs;
  upsertSearchAttributes([{ key: HOTKEY, value: plan.hub }]);
  enter('train', { plan, until });
  const trained = await pretraining(plan.budgetMs).pretrain.executeWithOptions({ summary: `run ${plan.run.name} from step ${plan.run.step} of ${plan.run.steps}` }, [{ ...plan.training, until }]);
  enter('merge', { trained });
  const { today, version, waiting, unfit } = await gathering.gatherLate.executeWithOptions({ summary: 'late results' }, [{ hub: plan.hub, adapterId: plan.adapterId, today: plan.today }]);
  if (unfit.length > 0) await tell(plan.adapterId, { adapters: unfit });
  if (trained.step === trained.from && today.adapter === null && waiting.length === 0) return end({ kind: 'unchanged', reason: unchangedBecause(trained) });
  return end(await merge({ ...plan, today, version }, trained, waiting, enter));
}

/** By its name the server lets one thing at a time be done to an adapter's bases. */
export function checkName(adapterId: string): void {
  const { workflowId } = workflowInfo();
  if (workflowId !== basesName(adapterId)) throw ApplicationFailure.nonRetryable(`Expected the workflow id ${basesName(adapterId)}, since one thing at a time is done to a base, got ${workflowId}`, 'InvalidInput');
}

async function merge(plan: PretrainingPlan, trained: Pretrained, waiting: readonly Waiting[], enter: (phase: string) => void): Promise<PretrainingOutcome> {
  const { hub, adapterId, bucket, sequence, today, training, merging } = plan;
  const { part, lora, block } = await promoting.openGate.executeWithOptions({ summary: `fresh music, from blocks after ${plan.head}` }, [{ adapterId, head: plan.head }]);
  const late = waiting.map(({ adapter, parent }) => ({ adapter, parent }));
  const result = await scoring.mergeBase.executeWithOptions({ summary: `merge the adapter, and of ${late.length} late results what they add` }, [{ today, trained: trained.dama, late, lora, part, ...merging, bucket: training.bucket, prefix: `${training.prefix}/base-${sequence + 1}` }]);
  if (!result.publish) return { kind: 'kept', reason: result.reason };
  if (result.parts.length === 0 && trained.step === trained.from) return { kind: 'unchanged', reason: unchangedBecause(trained) };
  enter('publish');
  const body = await gathering.draftBase.executeWithOptions({ summary: `draft base ${sequence + 1}` }, [{ plan, waiting, trained, merged: result, block }]);
  const text = await baseWallet(hub).signBase.executeWithOptions({ summary: `sign base ${sequence + 1}` }, [body]);
  const record = await gathering.publishBase.executeWithOptions({ summary: `publish base ${sequence + 1} in ${bucket}` }, [{ hub, text }]);
  const again = record.rebased.flatMap((one) => {
    const late = waiting.find((it) => it.late.adapter.sha256 === one.adapter)?.late;
    return one.kind === 're-refine' && late ? [{ ...late, again: { base: record.dama.digest, start: one.start } }] : [];
  });
  // what is merged, or written anew, the record names: its place is another's
  const adapters = waiting.map(({ late }) => late.adapter.sha256).filter((sha256) => !again.some((one) => one.adapter.sha256 === sha256));
  await tell(adapterId, { adapters, again });
  return { kind: 'published', sequence: record.sequence, digest: record.dama.digest, step: record.run.step, steps: record.run.steps, adapters: result.parts.length, losses: record.losses, rebased: record.rebased, reason: result.reason };
}

/** Where there is no relay yet there is nobody to tell. */
const tell = (adapterId: string, what: Merged): Promise<void> => getExternalWorkflowHandle(relayName(adapterId)).signal(merged, what).catch(() => undefined);

const unchangedBecause = ({ step, steps }: Pretrained): string => (step >= steps ? `the run has its ${steps} steps, and there is nothing to merge` : 'its time was too short for one step, and there is nothing to merge');

/** A call as a page to read, Markdown. */
export function pretrainingPage({ phase, plan, until, trained, outcome }: PretrainingState): string {
  const rebased = outcome?.kind === 'published' ? outcome.rebased : [];
  return pageOf([
    `**${outcome?.kind ?? phase}**${plan ? ` · base of ${plan.adapterId}` : ''}`,
    '',
    ...factTable([
      ['base', plan && `version ${plan.sequence}`],
      ['run', plan && `${literal(plan.run.name)}, step ${trained?.step ?? plan.run.step} of ${plan.run.steps}`],
      ['time', until === undefined ? undefined : `until ${new Date(until).toISOString()}`],
      ['loss', trained?.loss ? `${trained.loss.first.toFixed(3)} → ${trained.loss.last.toFixed(3)}` : undefined],
      ['new base', outcome?.kind === 'published' ? `version ${outcome.sequence}, ${outcome.adapters} adapters merged` : undefined],
      ['why', outcome && literal(outcome.reason)],
      ...rebased.map((one): [string, string] => [`late ${one.adapter.slice(0, 12)}`, one.kind === 'exact' ? `written anew for this base, rank ${one.rank}` : `to be trained again: ${literal(one.reason)}`]),
    ]),
  ]);
}
