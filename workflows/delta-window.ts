import { CancellationScope, upsertSearchAttributes } from '@temporalio/workflow';
import type { DeltaPlan } from '../activities/delta-plan.ts';
import type { Owed, PublishedWindow } from '../activities/delta-upload.ts';
import type { DeltaWindow, ResolvedDelta } from '../activities/delta-window.ts';
import type { MadeUpdate } from '../activities/made-updates.ts';
import type { WindowInput } from '../activities/window.ts';
import type { WindowState } from '../genki/federation/window-state.ts';
import type { Holder } from '../genki/protocol/lease.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { followToModel } from './follow-log.ts';
import { holdLease, isLeaseLost, underLease } from './hold-lease.ts';
import { recordRun } from './record-run.ts';
import { HOTKEY, NET_UID, WINDOW } from './search-attributes.ts';
import { delta, deltaObjects, deltaWaiting, quick, training, wallet } from './steps.ts';
import type { WindowProgress } from './window-page.ts';

/** What became of a window of updates. */
export type DeltaOutcome =
  | {
      /** Handed in before the deadline, and disclosed after it. Whether it counts, the log says. */
      readonly kind: 'sent';
      readonly hotkey: string;
      readonly window: number;
      readonly bytes: number;
      /** How many times smaller than float32. */
      readonly ratio: number;
      readonly norm: number;
      readonly manifest: ObjectRef;
      readonly fence: number;
      readonly loss?: { readonly first: number; readonly last: number };
      /** Of all noised updates so far, this one included. */
      readonly epsilon?: number;
    }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'abandoned'; readonly reason: string };
type NotSent = Exclude<DeltaOutcome, { kind: 'sent' }>;

type Enter = (phase: string, more?: Partial<WindowProgress>) => void;
type Training = Extract<DeltaPlan, { kind: 'train' }>;
type HandedIn = { readonly kind: 'handed-in'; readonly made: MadeUpdate; readonly published: PublishedWindow; readonly epsilon?: number };

/**
 * A miner's window of updates: resolve → record the run → lock → follow the log → train → seal → publish before the deadline →
 * release → wait for the close → disclose.
 */
export async function deltaWindow(input: WindowInput, enter: Enter): Promise<DeltaOutcome> {
  const resolved = await resolve(input);
  if (resolved.kind === 'skipped') return skipped(resolved);
  const { window } = resolved;
  upsertSearchAttributes([{ key: NET_UID, value: String(window.netuid) }, { key: HOTKEY, value: window.hotkey }, { key: WINDOW, value: window.index }]);
  enter('record the run', pageOf(window));
  const refused = await recordRun(window);
  if (refused !== undefined) return { kind: 'abandoned', reason: refused };
  enter('lock');
  const lease = await holdLease(window.adapterId);
  let handedIn: HandedIn | NotSent;
  try {
    // whoever held it before may have handed in for this window since it was resolved
    const again = await resolve(input);
    if (again.kind === 'skipped') return skipped(again);
    enter('follow the log', { ...pageOf(again.window), fence: lease.fence });
    handedIn = await underLease(window.adapterId, lease, () => makeAndHandIn(again.window, enter));
  } catch (error) {
    if (!isLeaseLost(error)) throw error;
    return { kind: 'abandoned', reason: 'the lease passed to somebody else; nothing was handed in' };
  } finally {
    await CancellationScope.nonCancellable(() => quick.releaseLease.executeWithOptions({ summary: `release lease · fence ${lease.fence}` }, [{ adapterId: window.adapterId, ...lease }]));
  }
  if (handedIn.kind !== 'handed-in') return handedIn;
  const { made, published, epsilon } = handedIn;
  enter('wait for the close', { waiting: { what: 'the end of the window', until: window.lastBlock } });
  // what may count has to be opened: from here on nobody cancels it
  return await CancellationScope.nonCancellable(async () => {
    await disclose(published.owed);
    enter('disclosed', { waiting: undefined, keyPublished: true });
    // where that fails, the next window does it
    await delta.pruneWindow.executeWithOptions({ summary: 'make room' }, [window]).catch(() => undefined);
    return outcomeOf(window, { made, published, lease, epsilon });
  });
}

/** What there is to do; and first what an earlier window of this miner, or an earlier try at this one, has left undone. */
async function resolve(input: WindowInput): Promise<ResolvedDelta> {
  const resolved = await delta.resolveDelta.executeWithOptions({ summary: 'resolve window at the finalized head' }, [input]);
  if (resolved.owed) await disclose(resolved.owed);
  return resolved;
}

const skipped = ({ reason }: Extract<ResolvedDelta, { kind: 'skipped' }>): NotSent => ({ kind: 'skipped', reason });

async function disclose(owed: Owed): Promise<void> {
  const { window, hotkey, commit, isSlice } = owed;
  const { sha256 } = await deltaWaiting.discloseWindow.executeWithOptions({ summary: `disclose window ${window}` }, [owed]);
  if (!isSlice) return;
  const text = await wallet(hotkey).signSlice.executeWithOptions({ summary: `sign the slice of window ${window}` }, [{ manifest: commit, sha256 }]);
  await deltaWaiting.publishSlice.executeWithOptions({ summary: `publish what is signed of the slice of window ${window}` }, [{ owed, text }]);
}

const pageOf = ({ netuid, competition, hotkey, miner, index, lastBlock, steps }: DeltaWindow): Partial<WindowProgress> => ({ netuid, competition, hotkey, miner, window: index, lastBlock, steps });

async function makeAndHandIn(window: DeltaWindow, enter: Enter): Promise<HandedIn | NotSent> {
  const model = await followToModel(window, (awaited) => enter('follow the log', { waiting: awaited && { what: `${awaited.leader ?? 'nobody'} closes window ${awaited.window}`, until: awaited.untilBlock } }));
  if (model.kind === 'late') return { kind: 'skipped', reason: model.reason };
  const plan = await delta.planDelta.executeWithOptions({ summary: `plan window ${window.index}` }, [{ window, state: model.state }]);
  if (plan.kind === 'skipped') return plan;
  const made = plan.kind === 'made' ? plan.made : await train(window, { plan, state: model.state }, enter);
  enter('upload', { loss: lossOf(made), update: { bytes: made.bytes, ratio: made.ratio, norm: made.norm } });
  const published = await handIn(window, made);
  return { kind: 'handed-in', made, published, ...(plan.epsilon !== undefined && { epsilon: plan.epsilon }) };
}

/** The miner sees what it costs before it is done. */
async function train(window: DeltaWindow, { plan, state }: { plan: Training; state: WindowState }, enter: Enter): Promise<MadeUpdate> {
  enter('train', plan.privacy ? { privacy: plan.privacy } : {});
  const { input, from } = plan;
  const trained = await training.trainDelta.executeWithOptions({ summary: `train ${window.steps} steps · ${window.miner}` }, [input]);
  return await deltaObjects.keepUpdate.executeWithOptions({ summary: `keep ${trained.bytes} bytes · ${window.miner}` }, [{ window, base: state.digest, plan: { input, from }, trained }]);
}

async function handIn(window: DeltaWindow, made: MadeUpdate): Promise<PublishedWindow> {
  const { hotkey, index, miner } = window;
  const { signManifest, signKey } = wallet(hotkey);
  const sealed = made.tree ? null : await deltaObjects.sealUpdate.executeWithOptions({ summary: `seal ${made.bytes} bytes · ${miner}` }, [{ window, made }]);
  const body = await delta.draftWindow.executeWithOptions({ summary: `draft manifest · window ${index}` }, [{ window, made, sealed }]);
  const text = await signManifest.executeWithOptions({ summary: `sign manifest · window ${index}` }, [body]);
  const signed = await delta.keepSigned.executeWithOptions({ summary: `keep the manifest · window ${index}` }, [{ window, text }]);
  if (sealed) await signKey.executeWithOptions({ summary: `sign key · ${signed.commit}` }, [{ secret: sealed.secret, manifest: signed.commit }]);
  return await CancellationScope.nonCancellable(() => delta.publishWindow.executeWithOptions({ summary: `publish manifest · window ${index}` }, [{ window, signed }]));
}

const lossOf = ({ training: { firstLoss, lastLoss } }: MadeUpdate): { first: number; last: number } => ({ first: firstLoss, last: lastLoss });

function outcomeOf({ hotkey, index, deadline }: DeltaWindow, { made, published: { manifest, block }, lease, epsilon }: { made: MadeUpdate; published: PublishedWindow; lease: Holder; epsilon: number | undefined }): DeltaOutcome {
  if (block >= deadline) return { kind: 'abandoned', reason: `handed in for window ${index} when block ${block} was final, updates were due before block ${deadline}: the next window sends it again unless somebody took it` };
  const { bytes, ratio, norm } = made;
  return { kind: 'sent', hotkey, window: index, bytes, ratio, norm, manifest, fence: lease.fence, loss: lossOf(made), ...(epsilon !== undefined && { epsilon }) };
}
