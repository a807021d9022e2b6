import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { startChild } from '@temporalio/workflow';
import type { PretrainingInput } from '../activities/pretraining.ts';
import { basesName } from '../genki/protocol/relay.ts';
import type { pretrainBase, PretrainingOutcome } from './pretrain-base.ts';

export type PretrainTickInput = { readonly adapterId: string; readonly input?: PretrainingInput };

/** What a schedule starts: a call of `pretrainBase` under the one name that it has for an adapter, whoever begins it; none while one is at work. */
export async function pretrainTick({ adapterId, input = {} }: PretrainTickInput): Promise<PretrainingOutcome | { readonly kind: 'skipped'; readonly reason: string }> {
  const workflowId = basesName(adapterId);
  try {
    const call = await startChild<typeof pretrainBase>('pretrainBase', { workflowId, args: [input], parentClosePolicy: 'REQUEST_CANCEL', staticSummary: `base of ${adapterId} · run ${input.run ?? 'base'}` });
    return await call.result();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { kind: 'skipped', reason: `${workflowId} is at work` };
  }
}
