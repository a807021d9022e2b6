import { ApplicationFailure } from '@temporalio/activity';
import * as z from 'zod';
import type { Chain } from '../genki/chain/chain.ts';
import { InvalidInput } from '../genki/errors.ts';
import type { Checkpoint, WindowState } from '../genki/federation/window-state.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { entryDifferences } from '../genki/protocol/entry-differences.ts';
import { turnOf, windowOf, windowStep, holdOutBlocks, type WindowSchedule } from '../genki/protocol/window.ts';
import { MAX_REFUSED, previousKey, windowKey, type WindowEntry } from '../genki/protocol/window-log.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { copyDama, copyObject } from './copy-dama.ts';
import { deltaOf, firstWindow, scheduleOf, windowTimingOf } from './delta-competition.ts';
import type { Deployment } from './deployment.ts';
import { openAll, type Disclosures } from './disclosed.ts';
import { LogMemory } from './log-memory.ts';
import type { AdvanceInput } from './model/advance.ts';
import type { CloseInput, ClosedWindow } from './model/close-window.ts';
import type { Shelf } from './model/window-models.ts';
import { parseInput } from './parse-input.ts';
import { participantOf, type Participant } from './participants.ts';
import { plainText } from './plain-text.ts';
import { pruneLog, stateFolder } from './prune-log.ts';
import { putFirst } from './put-first.ts';
import { readReceipts, takeReceipts } from './receipts.ts';
import { followLog, keptEntry, type Followed, type Logged } from './window-log.ts';
import { createWindowScoreActivities, holdOutSeed } from './window-scores.ts';
import { pruneStates, statePrefix } from './window-states.ts';
import { blocksOf, termsOf } from './window-terms.ts';

const ClosingInput = z.strictObject({
  /** Hotkey or name of a validator of this machine; default: its first one. */
  hotkey: z.string().min(1).optional(),
  /** Default: the chain's current one. */
  window: z.int().nonnegative().optional(),
});
export type ClosingInput = z.infer<typeof ClosingInput>;

/** A window that a validator closes, complete. */
export type Closing = WindowSchedule & {
  readonly hotkey: string;
  readonly validator: string;
  readonly netuid: number;
  readonly competition: string;
  readonly window: number;
  readonly bucket: string;
  readonly privateBucket: string;
};

/** `late`: the first look was at a time when peers may have seen each other's work. Who was in time it cannot say. */
export type Received = { readonly received: number; readonly refused: number; readonly late: boolean };

/** What there is to do once the seals are open. */
export type Verdicts = Disclosures & { readonly input: CloseInput };

/** Whose closing counts: an entry that is there, or this validator's turn to write one. */
export type Turn =
  /** `advance`: what it makes of the model before. */
  | { readonly kind: 'entry'; readonly logged: Logged; readonly advance: AdvanceInput }
  | { readonly kind: 'lead'; readonly rank: number; /** the entry that it goes on from */ readonly previous: WindowEntry['previous'] }
  | { readonly kind: 'missed' }
  | Extract<Followed, { kind: 'forked' }>;

/** The model before a window, and the newest entry of the log that is in it. */
export type Before = { readonly window: number; readonly state: WindowState; readonly entry: ObjectRef | null };

export type ClosingDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]>; readonly defaultHotkey: string | undefined };
export type ClosingActivities = ReturnType<typeof createClosingActivities>;

export const createClosingActivities = ({ chain, store, deployment, participants, defaultHotkey }: ClosingDeps) => {
  const { competition, competitionDigest, blockMs } = deployment;
  const memory = new LogMemory();
  const log = { chain, store, deployment, memory };

  /** @throws {ApplicationFailure} `BlockNotFinal`, until the block is */
  async function untilFinal(block: number): Promise<void> {
    const { number } = await chain.head();
    if (number < block) throw ApplicationFailure.create({ message: `Block ${block} is not final yet, the head is ${number}`, type: 'BlockNotFinal', nextRetryDelay: (block - number) * blockMs, category: 'BENIGN' });
  }

  /** By the convention of `window-states.ts`: a model lies by the window that begins from it. */
  const shelfOf = ({ privateBucket, window }: Closing): Shelf => ({ bucket: privateBucket, prefix: statePrefix({ bucket: privateBucket, competition: competition.id }, window + 1) });

  async function advanceBy(closing: Closing, { state }: Before, { ref, entry: { window } }: Logged): Promise<AdvanceInput> {
    return { from: state, steps: [{ window, entry: ref, ...(await blocksOf(chain, competition, window)) }], terms: termsOf(competition), competition: competitionDigest, ...shelfOf(closing) };
  }

  return {
    ...createWindowScoreActivities({ chain, store, deployment }),

    /** Fills in everything that the input leaves open, at the finalized head. */
    async resolveClosing(input: unknown): Promise<Closing> {
      const { hotkey, window: wanted } = parseInput(ClosingInput, input, 'closeWindow');
      const validator = participantOf(await participants(), 'validator', hotkey ?? defaultHotkey);
      const { number } = await chain.head();
      const current = windowOf(number, competition.timing.windowBlocks);
      const window = wanted ?? current;
      if (window > current) throw new InvalidInput(`Expected a window up to the current one, ${current}, got ${window}`);
      if (window < firstWindow(competition)) throw new InvalidInput(`Expected a window of the competition, whose first is ${firstWindow(competition)}, got ${window}`);
      return { hotkey: validator.hotkey, validator: validator.name, netuid: competition.netuid, competition: competition.id, window, bucket: validator.bucket, privateBucket: validator.privateBucket, ...scheduleOf(competition, window) };
    },

    /** Waits for the deadline, and looks then who has handed in what. */
    async receiveUpdates(closing: Closing): Promise<Received> {
      await untilFinal(closing.deadline);
      const { window, last } = closing;
      const kept = await readReceipts(store, deployment, closing);
      const { received, refused, until } = kept ?? (await takeReceipts({ chain, store, deployment }, closing, await memory.lineOf(log, window)));
      return { received: received.length, refused: refused.length, late: until >= last };
    },

    /** Waits until everything had to be disclosed, opens it, and lays it where everybody finds it. */
    async openUpdates({ closing, before }: { closing: Closing; before: Before }): Promise<Verdicts> {
      const { window, bucket, reveal } = closing;
      await untilFinal(Math.max(reveal, holdOutBlocks(closing, competition.timing.seedBlocks).at(-1)!));
      const receipts = await readReceipts(store, deployment, closing);
      if (!receipts) throw new InvalidInput(`Expected receipts of window ${window} of ${closing.validator}, got none`);
      const seed = await holdOutSeed({ chain, deployment }, window);
      const { metagraph } = await memory.lineOf(log, window);
      const incentives = new Map(metagraph.neurons.map(({ hotkey, incentive }) => [hotkey, incentive]));
      const { opened, refused } = await openAll({ chain, store, deployment }, receipts, { window, bucket, base: before.state.digest, reveal, seed, incentives });
      const previous = await keptEntry(store, before.entry);
      const input: CloseInput = {
        from: before.state,
        window,
        updates: opened.map(({ hotkey, ref, manifest }) => ({ hotkey, ref, manifest })),
        older: previous?.entry.peers.map(({ hotkey, update, manifest }) => ({ hotkey, ref: update, manifest, window: previous.entry.window })) ?? [],
        copyCosine: competition.thresholds.copyCosine,
        terms: termsOf(competition),
        ...(await blocksOf(chain, competition, window)),
        competition: competitionDigest,
        ...shelfOf(closing),
      };
      return { opened, refused, input };
    },

    /** Waits for an entry of those who come first, or for this validator's own turn. */
    async awaitTurn({ closing, before, mayLead, without }: { closing: Closing; before: Before; mayLead: boolean; without: readonly string[] }): Promise<Turn> {
      const { window, hotkey } = closing;
      await untilFinal(closing.reveal);
      const head = await chain.head();
      const previous = await keptEntry(store, before.entry);
      const followed = await followLog(log, { from: { window: before.window, digest: before.state.digest, entry: previous }, to: window, without });
      if (followed.kind === 'forked') return followed;
      if (followed.kind === 'there') {
        const logged = followed.entries.at(-1);
        return logged ? { kind: 'entry', logged, advance: await advanceBy(closing, before, logged) } : { kind: 'missed' };
      }
      const { leaders } = await memory.lineOf(log, window);
      const rank = leaders.indexOf(hotkey);
      const isTurn = rank >= 0 && head.number >= turnOf(closing, rank, windowTimingOf(competition)) && windowStep(closing, head.number) === 'closing';
      // what it has written already was found to be wrong, or has been left behind
      const hasWritten = (await store.head(closing.bucket, windowKey(competition.id, window))) !== undefined;
      if (mayLead && isTurn && !hasWritten) return { kind: 'lead', rank, previous: previous ? { window: previous.entry.window, hotkey: previous.entry.hotkey, sha256: previous.ref.sha256 } : null };
      throw ApplicationFailure.create({ message: `Nobody has closed window ${window} yet, it is ${followed.leader ?? 'nobody'}'s turn until block ${followed.untilBlock}`, type: 'WindowOpen', nextRetryDelay: blockMs, category: 'BENIGN' });
    },

    /** Lays what an entry goes on from into the public bucket: the entry before it and, where a stretch of the log begins with it, the model before it. */
    async keepCheckpoint({ closing, before, turn }: { closing: Closing; before: Before; turn: Extract<Turn, { kind: 'lead' }> }): Promise<ObjectRef | null> {
      const { checkpointWindows } = deltaOf(competition).timing;
      if (turn.previous && before.entry) await copyObject(store, before.entry, { bucket: closing.bucket, key: previousKey(competition.id, turn.previous) });
      const stretchOf = (window: number): number => Math.floor(window / checkpointWindows);
      if (turn.previous === null || stretchOf(turn.previous.window) === stretchOf(closing.window)) return null;
      const state = await copyState(store, before.state, { bucket: closing.bucket, prefix: `checkpoints/${competition.id}` });
      const checkpoint: Checkpoint = { version: 1, window: turn.previous.window, entry: turn.previous.sha256, state };
      const bytes = new TextEncoder().encode(canonicalJson(checkpoint));
      return await store.putOnce(closing.bucket, `checkpoints/${competition.id}/${sha256Hex(bytes).slice(0, 40)}.json`, bytes);
    },

    /** What the leader is going to sign. */
    async draftEntry({ closing, before, turn, verdicts, closed, checkpoint }: { closing: Closing; before: Before; turn: Extract<Turn, { kind: 'lead' }>; verdicts: Disclosures; closed: ClosedWindow; checkpoint: ObjectRef | null }): Promise<WindowEntry> {
      const opened = new Map(verdicts.opened.map((one) => [one.hotkey, one]));
      return {
        version: 1,
        competition: competitionDigest,
        hotkey: closing.hotkey,
        rank: turn.rank,
        window: closing.window,
        previous: turn.previous,
        before: before.state.digest,
        after: closed.state.digest,
        peers: closed.accepted.map(({ hotkey, norm, factor }) => {
          const { registeredAt, manifest, ref, disclosure } = opened.get(hotkey)!;
          return { hotkey, registeredAt, manifest, update: ref, disclosure, norm, factor };
        }),
        refused: refusedOf(verdicts, closed),
        checkpoint,
      };
    },

    /** In what a leader's entry differs from what this validator found, one line each. */
    async compareEntry({ logged, verdicts, closed }: { logged: Logged; verdicts: Disclosures; closed: ClosedWindow }): Promise<string[]> {
      return entryDifferences(logged.entry, { after: closed.state.digest, accepted: closed.accepted, refused: refusedOf(verdicts, closed) }).map(plainText);
    },

    /** Forgets the models that nothing goes on from any more, and windows of long ago. */
    async forgetModels({ bucket, privateBucket }: Closing): Promise<void> {
      await pruneStates(store, { bucket: privateBucket, competition: competition.id });
      await pruneLog(store, { bucket, privateBucket, competition: competition.id, digest: competitionDigest });
    },

    /** Publishes a signed entry: of several that this validator signed for a window the first one stays. Once the window is over, none is. */
    async publishEntry({ closing, text }: { closing: Closing; text: string }): Promise<void> {
      if ((await chain.head()).number >= closing.over) return;
      await putFirst(store, { bucket: closing.bucket, key: windowKey(competition.id, closing.window) }, new TextEncoder().encode(text));
    },
  };
};

/** Those who handed in something that does not count, and why; as many as an entry has room for. */
export function refusedOf({ opened, refused }: Disclosures, closed: Pick<ClosedWindow, 'refused'>): WindowEntry['refused'] {
  const registered = new Map(opened.map(({ hotkey, registeredAt }) => [hotkey, registeredAt]));
  return [...refused, ...closed.refused.map(({ hotkey, reason }) => ({ hotkey, registeredAt: registered.get(hotkey)!, reason: plainText(reason) }))].slice(0, MAX_REFUSED);
}

/** A model in another bucket, file by file. */
export async function copyState(store: ObjectStore, { digest, dama, momentum }: WindowState, { bucket, prefix }: { readonly bucket: string; readonly prefix: string }): Promise<WindowState> {
  const folder = `${prefix}/${stateFolder(digest)}`;
  return { digest, dama: await copyDama(store, dama, { bucket, folder }), momentum: momentum && (await copyObject(store, momentum, { bucket, key: `${folder}/momentum.safetensors` })) };
}
