import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';

/** What runs under a type that nobody exports: it says so, where it would else be tried for ever. */
export default async function unknownType(): Promise<never> {
  throw ApplicationFailure.nonRetryable(`Expected a workflow type of closeWindow, epochTick, pretrainBase, pretrainTick, rollBackBase, trainingWindow, validationRound, windowTick, got ${workflowInfo().workflowType}`, 'InvalidInput');
}
