import { defaultPayloadConverter } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import type { TrainProgress } from '../../activities/model/train.ts';

/** What a training window's workflow is doing, read from the heartbeat of its activity. */
export async function trainingProgress(handle: WorkflowHandle): Promise<TrainProgress | undefined> {
  const { raw } = await handle.describe();
  for (const { activityType, heartbeatDetails } of raw.pendingActivities ?? []) {
    const payload = heartbeatDetails?.payloads?.[0];
    if ((activityType?.name === 'trainAdapter' || activityType?.name === 'trainDelta') && payload) return defaultPayloadConverter.fromPayload<TrainProgress | undefined>(payload) ?? undefined;
  }
  return undefined;
}
