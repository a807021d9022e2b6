import { WithStartWorkflowOperation, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { currentOf, lastFence, newestVersion } from '../../activities/adapter-versions.ts';
import type { Deployment } from '../../activities/deployment.ts';
import type { Participant } from '../../activities/participants.ts';
import { relayBase } from '../../activities/relay-base.ts';
import { rethrowCause } from '../../activities/refused-update.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { CurrentAdapter, HubDesk, LeaseStatus, PushAnswer } from '../../genki/protocol/hub.ts';
import type { LeaseAnswer } from '../../genki/protocol/lease.ts';
import { newRelay, PROMOTION_MS, relayName, statusOf, type RelayRules, type RelayState, type RollbackAnswer } from '../../genki/protocol/relay.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import type { relayAdapter, RelayAdapterInput } from '../../workflows/relay-adapter.ts';

export type DeskDeps = {
  readonly temporal: Client;
  readonly workflowQueue: string;
  readonly store: ObjectStore;
  readonly deployment: Deployment;
  readonly hub: Pick<Participant, 'hotkey' | 'bucket'>;
  /** How long a push may be judged. */
  readonly promotionMs?: number;
};

/** A relay is told that somebody is heard so often, as far as somebody is: a quarter lost is no silence yet. */
const TOLD_A_CHECK = 4;

/** A hub's desk, and what its operator alone may ask. */
export type RelayDesk = HubDesk & {
  /** Lease, version, what is judged, candidates. */
  state(of: { adapterId: string }): Promise<RelayState>;
  rollback(of: { adapterId: string; to: number }): Promise<RollbackAnswer>;
};

/** What a hub's door and its operator ask: each adapter's relay is a workflow of its own, begun where there is none from what was published last. */
export function createHubDesk({ temporal, workflowQueue, store, deployment, hub, promotionMs = PROMOTION_MS }: DeskDeps): RelayDesk {
  const { relay } = deployment.competition;
  if (!relay) throw new InvalidInput(`Expected a competition whose adapter is relayed, ${deployment.competition.id}'s is not`);
  const rules: RelayRules = { timing: relay.timing, promotionMs, maxCandidates: relay.maxCandidates };

  const published = async (adapterId: string): Promise<RelayAdapterInput['newest']> => {
    const of = { hub: hub.hotkey, bucket: hub.bucket, adapterId };
    const newest = await newestVersion(store, of);
    return newest ? { current: currentOf(newest), fence: await lastFence(store, of, newest) } : null;
  };
  const handleOf = (adapterId: string) => temporal.workflow.getHandle<typeof relayAdapter>(relayName(adapterId));

  async function update<Out, In>(adapterId: string, name: string, input: In): Promise<Out> {
    try {
      return await handleOf(adapterId).executeUpdate<Out, [In]>(name, { args: [input] });
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) return rethrowCause(error);
    }
    const args: [RelayAdapterInput] = [{ adapterId, hub: hub.hotkey, rules, newest: (await published(adapterId)) ?? null }];
    const startWorkflowOperation = new WithStartWorkflowOperation('relayAdapter', { workflowId: relayName(adapterId), taskQueue: workflowQueue, args, workflowIdConflictPolicy: 'USE_EXISTING', staticSummary: `relay of ${adapterId}` });
    return await temporal.workflow.executeUpdateWithStart<Workflow, Out, [In]>(name, { args: [input], startWorkflowOperation }).catch(rethrowCause);
  }

  /** What a relay says, or what it would say if it were begun now. */
  async function ask<T>(adapterId: string, query: () => Promise<T>, of: (begun: RelayState) => T): Promise<T> {
    try {
      return await query();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      return of(newRelay(await published(adapterId)));
    }
  }
  const state = (adapterId: string): Promise<RelayState> => ask(adapterId, () => handleOf(adapterId).query<RelayState>('state'), (begun) => begun);

  const toldAt = new Map<string, number>();
  /** A query leaves no trace in a workflow. */
  async function tellHeard(adapterId: string): Promise<void> {
    const now = performance.now();
    if (now - (toldAt.get(adapterId) ?? -Infinity) < relay!.timing.checkMs / TOLD_A_CHECK) return;
    toldAt.set(adapterId, now);
    // not told, it is told with the next question
    await handleOf(adapterId).signal('heard').catch(() => toldAt.delete(adapterId));
  }

  return {
    request: ({ adapterId, hotkey, coldkey }): Promise<LeaseAnswer> => update(adapterId, 'request', { holder: hotkey, coldkey }),
    renew: async ({ adapterId, hotkey, fence }) => ({ renewed: await update<boolean, unknown>(adapterId, 'renew', { holder: hotkey, fence }) }),
    async release({ adapterId, hotkey, fence }) {
      await handleOf(adapterId).signal('release', { holder: hotkey, fence }).catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
    },
    push: ({ adapterId, hotkey, ...pushed }): Promise<PushAnswer> => update(adapterId, 'push', { ...pushed, holder: hotkey }),
    async status({ adapterId, hotkey }): Promise<LeaseStatus> {
      const status = await ask(adapterId, () => handleOf(adapterId).query<LeaseStatus, [string]>('status', hotkey), (begun) => statusOf(begun, hotkey));
      await tellHeard(adapterId);
      return status;
    },
    async current({ adapterId }): Promise<CurrentAdapter> {
      const [{ version, handed }, dama] = await Promise.all([state(adapterId), relayBase(store, { hub: hub.hotkey, bucket: hub.bucket, adapterId }, deployment.genesisDama)]);
      return { dama, version, again: handed && { late: handed.late, base: handed.base, start: handed.start } };
    },
    state: ({ adapterId }) => state(adapterId),
    rollback: ({ adapterId, to }) => update(adapterId, 'rollback', { to }),
  };
}
