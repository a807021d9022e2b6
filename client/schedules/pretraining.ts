import type { PretrainingInput } from '../../activities/pretraining.ts';
import { basesName } from '../../genki/protocol/relay.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { Wanted } from './apply.ts';

/** At night, or in the first night of a month, UTC. */
export const RHYTHMS = { daily: '0 3 * * *', monthly: '0 3 1 * *' } as const;
export type PretrainingRhythm = keyof typeof RHYTHMS;

/** A call that was due while the server was down is made good once, on the same day. */
const CATCH_UP_MS = 12 * 3_600_000;

/** A schedule of continual pre-training; a call that is still at work when the next one is due goes on, and that one is left out. */
export function pretrainingSchedule(adapterId: string, { cron, input }: { cron: string; input: PretrainingInput }): Wanted {
  return {
    id: basesName(adapterId),
    rhythm: { cron },
    options: {
      spec: { cronExpressions: [cron] },
      policies: { overlap: 'SKIP', catchupWindow: CATCH_UP_MS, pauseOnFailure: false },
      action: { type: 'startWorkflow', workflowType: 'pretrainTick', workflowId: `pretrain-tick/${adapterId}`, taskQueue: WORKFLOW_QUEUE, args: [{ adapterId, input }], staticSummary: `base of ${adapterId} · run ${input.run ?? 'base'}` },
    },
  };
}
