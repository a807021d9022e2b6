import { ActivityFailure, ApplicationFailure, defineQuery, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { Before, Closing, ClosingInput, Turn, Verdicts } from '../activities/closing.ts';
import type { ClosedWindow } from '../activities/model/close-window.ts';
import type { WindowState } from '../genki/federation/window-state.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { closingPage, type ClosingPhase, type ClosingProgress } from './closing-page.ts';
import { followToModel, isWrong, namesOf } from './follow-log.ts';
import { recordRun } from './record-run.ts';
import { HOTKEY, NET_UID, OUTCOME, PHASE, WINDOW } from './search-attributes.ts';
import { closing as steps, delta, scoring, wallet } from './steps.ts';

/** How a window ended for a validator; a name for everybody who handed in what does not count. */
export type ClosingOutcome =
  | {
      /** By its own entry, or by another validator's. */
      readonly kind: 'closed' | 'followed';
      readonly hotkey: string;
      readonly window: number;
      readonly leader: string;
      readonly rank: number;
      readonly entry: ObjectRef;
      readonly before: string;
      readonly after: string;
      readonly peers: readonly string[];
      readonly refused: readonly { readonly hotkey: string; readonly reason: string }[];
      /** Between the leader's entry and what was found here, and entries that were found to be wrong. */
      readonly notes: readonly string[];
      readonly checkpoint: ObjectRef | null;
      /** Where it is kept what each peer's update showed; null where it could not be measured. */
      readonly scores: ObjectRef | null;
    }
  /** Nobody closed it: the model stays as it was. */
  | { readonly kind: 'missed'; readonly window: number; readonly reason: string; readonly notes: readonly string[] }
  /** The log goes on from another model than the one here. */
  | { readonly kind: 'forked'; readonly window: number; readonly reason: string; readonly notes: readonly string[] };

export const closingProgress = defineQuery<ClosingProgress>('progress');

/** What a validator found itself: none where it looked too late to say who was in time. */
type Found = { readonly verdicts: Verdicts; readonly closed: ClosedWindow };
type Entered = Extract<Turn, { kind: 'entry' }> & { readonly state: WindowState };

/** A validator's window: receive at the deadline → follow the log → open what was disclosed → close, or check who did → score. */
export async function closeWindow(input: ClosingInput = {}): Promise<ClosingOutcome> {
  let progress: ClosingProgress = { phase: 'resolve' };
  setHandler(closingProgress, () => progress, { description: 'phase, window, updates, leader' });
  const enter = (phase: ClosingPhase, more: Partial<ClosingProgress> = {}): void => {
    progress = { ...progress, ...more, phase };
    upsertSearchAttributes([{ key: PHASE, value: phase }]);
    setCurrentDetails(closingPage(progress));
  };
  const end = (outcome: ClosingOutcome): ClosingOutcome => {
    enter('done', { outcome });
    upsertSearchAttributes([{ key: OUTCOME, value: outcome.kind }]);
    return outcome;
  };

  const closing = await steps.resolveClosing.executeWithOptions({ summary: 'resolve window at the finalized head' }, [input]);
  const { netuid, hotkey, validator, window } = closing;
  upsertSearchAttributes([{ key: NET_UID, value: String(netuid) }, { key: HOTKEY, value: hotkey }, { key: WINDOW, value: window }]);
  // an entry counts where its leader's bucket is known
  const unknown = await recordRun(closing);
  enter('receive', { closing });
  const received = await steps.receiveUpdates.executeWithOptions({ summary: `what is there at block ${closing.deadline} · ${validator}` }, [closing]);
  enter('follow the log', { received });
  // whoever begins late follows: no deadline is too late for that
  const model = await followToModel({ index: window, deadline: Number.MAX_SAFE_INTEGER, privateBucket: closing.privateBucket }, () => undefined);
  if (model.kind === 'late') return end({ kind: 'missed', window, reason: model.reason, notes: [] });
  const before = { window: window - 1, state: model.state, entry: model.entry };
  enter('open', {});
  const found = received.late ? undefined : await find(closing, before);
  enter('close', { ...(found && { accepted: found.closed.accepted.length }) });
  const notes: string[] = unknown === undefined ? [] : [`its bucket could not be put on the chain: ${unknown}`];
  const entered = await close(closing, { before, found, notes });
  if (entered.kind !== 'entry') return end(notEntered(closing, entered, notes));
  enter('score');
  const scores = await score(closing, before, { logged: entered.logged, notes });
  await steps.forgetModels.executeWithOptions({ summary: 'make room' }, [closing]);
  return end(outcomeOf(closing, { entered, notes, scores }));
}

/** What this validator would write. */
async function find(closing: Closing, before: Before): Promise<Found> {
  const verdicts = await steps.openUpdates.executeWithOptions({ summary: `what is disclosed by block ${closing.reveal}` }, [{ closing, before }]);
  const closed = await scoring.closeUpdates.executeWithOptions({ summary: `${verdicts.opened.length} updates` }, [verdicts.input]);
  return { verdicts, closed };
}

/** The entry that counts, once the model after it is the one that it says; the first in line that is right. */
async function close(closing: Closing, { before, found, notes }: { before: Before; found: Found | undefined; notes: string[] }): Promise<Entered | Exclude<Turn, { kind: 'entry' | 'lead' }>> {
  const without: string[] = [];
  for (;;) {
    const turn = await steps.awaitTurn.executeWithOptions({ summary: `who closes window ${closing.window}` }, [{ closing, before, mayLead: found !== undefined, without }]);
    if (turn.kind === 'lead') {
      await lead(closing, { before, turn, found: found! });
      continue;
    }
    if (turn.kind !== 'entry') return turn;
    const { ref, entry } = turn.logged;
    try {
      const state = entry.after === found?.closed.state.digest ? found.closed.state : await scoring.advance.executeWithOptions({ summary: `the entry of ${entry.hotkey}` }, [turn.advance]);
      await delta.keepModel.executeWithOptions({ summary: `keep the model after window ${closing.window}` }, [{ window: closing, begins: closing.window + 1, state, entry: ref }]);
      if (found && entry.hotkey !== closing.hotkey) notes.push(...(await steps.compareEntry.executeWithOptions({ summary: `the entry of ${entry.hotkey} beside what was found here` }, [{ logged: turn.logged, verdicts: { opened: found.verdicts.opened, refused: found.verdicts.refused }, closed: found.closed }])));
      return { ...turn, state };
    } catch (error) {
      if (!isWrong(error)) throw error;
      without.push(...namesOf(ref));
      notes.push(`the entry of ${entry.hotkey} is wrong: ${causeOf(error)}`);
    }
  }
}

const causeOf = (error: unknown): string => (error instanceof ActivityFailure ? (error.cause?.message ?? error.message) : String(error));

async function lead(closing: Closing, { before, turn, found }: { before: Before; turn: Extract<Turn, { kind: 'lead' }>; found: Found }): Promise<void> {
  const { window, hotkey } = closing;
  const { opened, refused } = found.verdicts;
  const checkpoint = await steps.keepCheckpoint.executeWithOptions({ summary: `what window ${window} goes on from` }, [{ closing, before, turn }]);
  const entry = await steps.draftEntry.executeWithOptions({ summary: `${found.closed.accepted.length} of ${opened.length + refused.length} count` }, [{ closing, before, turn, verdicts: { opened, refused }, closed: found.closed, checkpoint }]);
  const text = await wallet(hotkey).signWindowEntry.executeWithOptions({ summary: `sign the entry of window ${window}` }, [entry]);
  await steps.publishEntry.executeWithOptions({ summary: `publish the entry of window ${window}` }, [{ closing, text }]);
}

/** What could not be measured costs nobody the window. */
async function score(closing: Closing, before: Before, { logged, notes }: { logged: Entered['logged']; notes: string[] }): Promise<ObjectRef | null> {
  const { entry } = logged;
  if (entry.peers.length === 0) return null;
  try {
    const plan = await steps.planScores.executeWithOptions({ summary: `${entry.peers.length} updates` }, [{ before, entry }]);
    const scores = await scoring.scoreUpdates.executeWithOptions({ summary: `${entry.peers.length} updates` }, [plan]);
    return await steps.keepScores.executeWithOptions({ summary: `scores of window ${closing.window}` }, [{ closing, logged, scores }]);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) throw error;
    notes.push(`its updates could not be measured: ${causeOf(error)}`);
    return null;
  }
}

function notEntered({ window }: Closing, turn: Exclude<Turn, { kind: 'entry' | 'lead' }>, notes: readonly string[]): ClosingOutcome {
  if (turn.kind === 'missed') return { kind: 'missed', window, reason: `nobody closed window ${window} in time: the model stays as it was`, notes };
  const [entry] = turn.entries;
  return { kind: 'forked', window: turn.window, reason: `after window ${turn.window} the log has the model ${entry?.after ?? 'of nobody'}, by ${entry?.hotkey ?? 'nobody'} in window ${entry?.window ?? turn.window}, and this validator another one`, notes };
}

function outcomeOf({ hotkey, window }: Closing, { entered: { logged: { ref, entry } }, notes, scores }: { entered: Entered; notes: readonly string[]; scores: ObjectRef | null }): ClosingOutcome {
  return {
    kind: entry.hotkey === hotkey ? 'closed' : 'followed',
    hotkey,
    window,
    leader: entry.hotkey,
    rank: entry.rank,
    entry: ref,
    before: entry.before,
    after: entry.after,
    peers: entry.peers.map((peer) => peer.hotkey),
    refused: entry.refused.map(({ hotkey: who, reason }) => ({ hotkey: who, reason })),
    notes,
    checkpoint: entry.checkpoint,
    scores,
  };
}
