import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { BadSubmission, faultOf } from '../genki/errors.ts';
import { expectedAdapter, openRelayed } from '../genki/federation/relayed-adapter.ts';
import type { MusicConfig } from '../genki/music/config.ts';
import type { BaseRecord } from '../genki/protocol/base-record.ts';
import type { Candidate } from '../genki/protocol/candidates.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { relayName, type Copied, type RelayState } from '../genki/protocol/relay.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { newestVersion, readVersion, sequencesOf, type HubAdapter, type Versioned } from './adapter-versions.ts';
import type { Deployment } from './deployment.ts';
import { frozenKey } from './last-accepted.ts';
import type { LateResult, MergeBaseInput } from './model/merge-base.ts';
import { orRefused } from './or-refused.ts';
import { participantOf, type Participant } from './participants.ts';
import { baseRecords, relayBase } from './relay-base.ts';
import { musicOf } from './submission.ts';

/** A late result as it waits, in the hub's own bucket, with the content digest of the base that it was made for. */
export type Waiting = LateResult & { readonly base: string; readonly late: Candidate };

/** What is merged into the next base. `unfit`: sha256 of candidates that nobody can ever merge. */
export type Gathered = { readonly today: MergeBaseInput['today']; /** the adapter's newest, 0 for none */ readonly version: number; readonly waiting: readonly Waiting[]; readonly unfit: readonly string[] };

export type LateResultDeps = { readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]> };
export type LateResultActivities = ReturnType<typeof createLateResultActivities>;

/** What becomes of pushes that came late. */
export const createLateResultActivities = ({ store, deployment, participants }: LateResultDeps) => {
  const { competition, genesisDama } = deployment;
  const adapterOf = async ({ hub, adapterId }: { hub: string; adapterId: string }): Promise<HubAdapter> => ({ hub, adapterId, bucket: participantOf(await participants(), 'hub', hub).bucket });
  const open = async (of: HubAdapter, adapter: ObjectRef, music: MusicConfig) => {
    const opened = openRelayed(await store.get(adapter, { maxBytes: competition.limits.adapterBytes }), expectedAdapter(competition, music));
    const bases = [genesisDama.digest, ...(await baseRecords(store, of)).map(({ dama }) => dama.digest)];
    // what its author calls a base goes into files of ours, and into the history
    if (!bases.includes(opened.base)) throw new BadSubmission('Expected an adapter of a base of this competition, got one of another');
    return opened;
  };

  return {
    /** A late push copied into the hub's own bucket, with nothing of its author; or what is wrong with it. */
    async copyLate({ adapter, ...asked }: { hub: string; adapterId: string; adapter: ObjectRef }): Promise<Copied> {
      const of = await adapterOf(asked);
      const music = await musicOf(store, { base: await relayBase(store, of, genesisDama) });
      return await orRefused(async () => {
        const { file } = await open(of, adapter, music);
        return { kind: 'kept', adapter: await store.putOnce(of.bucket, frozenKey(sha256Hex(file)), file) };
      });
    },

    /** The version that is current by now, as the relay goes on while the base is trained; and late results as far as they are copied. What can never be merged is named. */
    async gatherLate({ today: { base }, ...asked }: { hub: string; adapterId: string; today: { base: Dama } }): Promise<Gathered> {
      const of = await adapterOf(asked);
      const music = await musicOf(store, { base });
      const newest = await newestVersion(store, of);
      const waiting: Waiting[] = [];
      const unfit: string[] = [];
      for (const late of [...(await candidatesOf(of.adapterId)), ...(await strays(store, of))]) {
        if (late.kept === null) continue;
        try {
          const { base: madeFor } = await open(of, late.kept, music);
          const before = late.parent === 0 ? undefined : (await readVersion(store, of, late.parent)).version;
          waiting.push({ adapter: late.kept, parent: before?.base === madeFor ? before.adapter : null, base: madeFor, late });
        } catch (error) {
          if (!faultOf(error)) throw error;
          unfit.push(late.adapter.sha256);
        }
      }
      return { today: standing(base, newest), version: newest?.version.sequence ?? 0, waiting, unfit };
    },
  };
};

/** A base, and the newest version where it belongs to it. */
export const standing = (base: Dama, newest: Versioned | undefined): MergeBaseInput['today'] => ({ base, adapter: newest?.version.base === base.digest ? newest.version.adapter : null });

/** What came late, as the relay has it; none where there is no relay yet. */
async function candidatesOf(adapterId: string): Promise<readonly Candidate[]> {
  try {
    return (await getClient().workflow.getHandle(relayName(adapterId)).query<RelayState>('state')).candidates;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}

/** Versions that were published for another base since the newest one was made: they are in no base yet. */
async function strays(store: ObjectStore, of: HubAdapter): Promise<Candidate[]> {
  const newest: BaseRecord | undefined = (await baseRecords(store, of)).at(-1);
  if (!newest) return [];
  const found: Candidate[] = [];
  for (const sequence of (await sequencesOf(store, of)).filter((number) => number > newest.mergedUntil)) {
    const { version: { base, parent, adapter, author } } = await readVersion(store, of, sequence);
    if (base !== newest.dama.digest) found.push({ holder: author.hotkey, fence: author.fence, parent, adapter, kept: adapter, reason: `It is version ${sequence}, for the base ${base}` });
  }
  return found;
}
