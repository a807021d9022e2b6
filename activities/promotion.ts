import { ApplicationFailure, getClient } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Chain, Signer } from '../genki/chain/chain.ts';
import { checkMeasurable } from '../genki/data/held-out.ts';
import { BadSubmission, ChecksumMismatch } from '../genki/errors.ts';
import { expectedAdapter, openRelayed } from '../genki/federation/relayed-adapter.ts';
import { signVersion, versionKey, type AdapterVersion } from '../genki/protocol/adapter-version.ts';
import { heldOutClips } from '../genki/protocol/competition.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { relayName, type CurrentVersion, type Settled, type Verdict } from '../genki/protocol/relay.ts';
import { seedOf } from '../genki/protocol/seeds.ts';
import { seedBlocksOf } from '../genki/protocol/window.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { currentOf, readVersion, type HubAdapter } from './adapter-versions.ts';
import type { Deployment } from './deployment.ts';
import { frozenKey } from './last-accepted.ts';
import type { JudgeInput } from './model/judge.ts';
import { orRefused } from './or-refused.ts';
import { participantOf, type Participant } from './participants.ts';
import { plainText } from './plain-text.ts';
import { relayBase } from './relay-base.ts';
import { rethrowCause } from './refused-update.ts';
import { musicOf } from './submission.ts';

/** A hub by its hotkey, one of its adapters, and the version that is current; null before the first. */
export type RelayedOf = { readonly hub: string; readonly adapterId: string; readonly current: CurrentVersion | null };

/** Why an adapter does not become a version. */
export type NotTaken = Exclude<Verdict, { kind: 'accepted' }>;

/** A pushed adapter as it lies in the hub's own bucket, with nothing of its author. */
export type Frozen = {
  readonly kind: 'frozen';
  readonly adapter: ObjectRef;
  readonly base: Dama;
  /** The version before, where it belongs to the same Dama. */
  readonly before: ObjectRef | null;
  /** The finalized head when all this was done: what it is judged on is drawn from blocks after it. */
  readonly head: number;
};

/** What adapters are judged on, and by which rules. */
export type Gate = Pick<JudgeInput, 'lora' | 'part'> & { readonly competition: string; readonly tolerance: number; /** the last one that the seed is made of */ readonly block: number };

export type PromotionDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]> };
export type PromotionActivities = ReturnType<typeof createPromotionActivities>;
export type VersionActivities = ReturnType<typeof createVersionActivities>;

/** The gate that a pushed adapter goes through, and the versions that come out of it. */
export const createPromotionActivities = ({ chain, store, deployment, participants }: PromotionDeps) => {
  const { competition, competitionDigest } = deployment;
  const adapterOf = async ({ hub, adapterId }: Pick<RelayedOf, 'hub' | 'adapterId'>): Promise<HubAdapter> => ({ hub, adapterId, bucket: participantOf(await participants(), 'hub', hub).bucket });

  return {
    /** Fetches what was pushed, holds it to the competition's limits, and keeps it in the hub's bucket. */
    async freezePushed({ pushed, ...of }: RelayedOf & { pushed: ObjectRef }): Promise<Frozen | NotTaken> {
      const at = await adapterOf(of);
      const base = await relayBase(store, at, deployment.genesisDama);
      const music = await musicOf(store, { base });
      const opened = await orRefused(async () => openRelayed(await store.get(pushed, { maxBytes: competition.limits.adapterBytes }), expectedAdapter(competition, music)));
      if ('kind' in opened) return opened;
      if (opened.base !== base.digest) return { kind: 'late', reason: plainText(`Expected an adapter of the Dama ${base.digest}, the current one, got one of ${opened.base}`) };
      const adapter = await store.putOnce(at.bucket, frozenKey(sha256Hex(opened.file)), opened.file);
      const before = of.current && (await readVersion(store, at, of.current.sequence)).version;
      return { kind: 'frozen', adapter, base, before: before?.base === base.digest ? before.adapter : null, head: (await chain.head()).number };
    },

    /** Held-out music that nobody could know before this head, once the blocks are final that its seed is made of. */
    async openGate({ adapterId, head }: { adapterId: string; head: number }): Promise<Gate> {
      checkMeasurable(competition.music);
      const { styles, timing, lora, relay } = competition;
      if (!relay) throw ApplicationFailure.nonRetryable(`Expected a competition whose adapter is relayed, ${competition.id}'s is not`, 'InvalidInput');
      const blocks = seedBlocksOf(head + 1, timing.seedBlocks);
      const block = blocks.at(-1)!;
      const missing = block - (await chain.head()).number;
      if (missing > 0) throw ApplicationFailure.create({ message: `Block ${block} is not final yet, ${missing} are missing`, type: 'BlockNotFinal', nextRetryDelay: missing * deployment.blockMs, category: 'BENIGN' });
      const blockHashes = await Promise.all(blocks.map((one) => chain.blockHash(one)));
      const seed = seedOf({ blockHashes, competition: competitionDigest }, `relay/${adapterId}`);
      const floors = Object.fromEntries(styles.private.map((style) => [style, styles.floors[style]!]));
      const part = { clips: heldOutClips(competition, 'A'), seed, floors, guards: competition.holdOut.A.perBaseStyle > 0 ? styles.base : [] };
      return { competition: competitionDigest, lora, part, tolerance: relay.tolerance, block };
    },

    /** The next version with the content of an earlier one. */
    async draftRollback({ to, ...of }: RelayedOf & { to: number }): Promise<Verdict> {
      const at = await adapterOf(of);
      const base = await relayBase(store, at, deployment.genesisDama);
      return await orRefused(async () => {
        const { version } = await readVersion(store, at, to);
        // the base has it already: once more would count twice
        if (version.base !== base.digest) throw new BadSubmission(`Expected a version of the Dama ${base.digest}, the current one, got one of ${version.base}`);
        await store.get(version.adapter, { maxBytes: competition.limits.adapterBytes });
        const sequence = of.current?.sequence ?? 0;
        return { kind: 'accepted', version: { ...version, sequence: sequence + 1, parent: sequence, rolledBackTo: version.rolledBackTo ?? to } };
      });
    },

    /** What is to become of a verdict; `gone`, too, where the relay's own workflow is. */
    async settlePromotion({ adapterId, ...settled }: { adapterId: string; relay: string; attempt: number; verdict: Verdict }): Promise<Settled> {
      const relay = getClient().workflow.getHandle(relayName(adapterId));
      return await relay.executeUpdate<Settled, [typeof settled]>('settle', { args: [settled] }).catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return 'gone';
        return rethrowCause(error);
      });
    },

    /**
     * Keeps a signed version under its number, and gives what is there. Another try may have kept it, with a signature of its
     * own; or a relay that was ended since has let another adapter have the number.
     */
    async publishVersion({ text, ...of }: Pick<RelayedOf, 'hub' | 'adapterId'> & { text: string }): Promise<CurrentVersion> {
      const at = await adapterOf(of);
      const { body } = JSON.parse(text) as { body: AdapterVersion };
      try {
        return currentOf({ version: body, record: await store.putOnce(at.bucket, versionKey(of.adapterId, body.sequence), new TextEncoder().encode(text)) });
      } catch (error) {
        if (!(error instanceof ChecksumMismatch)) throw error;
        return currentOf(await readVersion(store, at, body.sequence));
      }
    },
  };
};

/** What a hub's key says of its adapters. */
export const createVersionActivities = ({ signer }: { readonly signer: Signer }) => ({
  /** The signed version, UTF-8 text. */
  signVersion: async (body: AdapterVersion): Promise<string> => new TextDecoder().decode(signVersion(body, signer)),
});
