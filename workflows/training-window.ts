import { ActivityFailure, ApplicationFailure, CancellationScope, condition, defineQuery, isCancellation, setCurrentDetails, setHandler, sleep, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { Window, WindowInput } from '../activities/window.ts';
import { LEASE_TIMING, type Holder } from '../genki/protocol/lease.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { leaseGranted } from './adapter-lease.ts';
import { HOTKEY, NET_UID, OUTCOME, PHASE, WINDOW } from './search-attributes.ts';
import { objects, quick, training, wallet } from './steps.ts';
import { submitterOf } from './submit-once.ts';

export type WindowOutcome =
  | { readonly kind: 'committed'; readonly hotkey: string; readonly window: number; readonly block: number; readonly manifest: ObjectRef; readonly adapter: ObjectRef; readonly fence: number; readonly loss?: { readonly first: number; readonly last: number } }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'abandoned'; readonly reason: string };

export type WindowProgress = { readonly phase: string; readonly hotkey?: string; readonly window?: number; readonly fence?: number };
export const windowProgress = defineQuery<WindowProgress>('progress');

/** A miner's window: resolve → lock adapter → train → upload → commit → release. */
export async function trainingWindow(input: WindowInput = {}): Promise<WindowOutcome> {
  let progress: WindowProgress = { phase: 'resolve' };
  setHandler(windowProgress, () => progress, { description: 'phase, hotkey, window, fence' });
  const enter = (phase: string, more: Partial<WindowProgress> = {}): void => {
    progress = { ...progress, ...more, phase };
    upsertSearchAttributes([{ key: PHASE, value: phase }]);
    setCurrentDetails(`**${phase}** · window ${progress.window ?? '–'} · fence ${progress.fence ?? '–'}`);
  };
  const end = (outcome: WindowOutcome): WindowOutcome => { enter('done'); upsertSearchAttributes([{ key: OUTCOME, value: outcome.kind }]); return outcome; };

  const resolved = await quick.resolveWindow(input);
  if (resolved.kind === 'skipped') return end(resolved);
  const { window } = resolved;
  upsertSearchAttributes([{ key: NET_UID, value: String(window.netuid) }, { key: HOTKEY, value: window.hotkey }, { key: WINDOW, value: window.index }]);
  enter('lock adapter', { hotkey: window.hotkey, window: window.index });
  const { waited, ...lease } = await holdLease(window.adapterId);
  try {
    // whoever held it before may have committed for this window
    const again = waited ? await quick.resolveWindow(input) : resolved;
    if (again.kind === 'skipped') return end(again);
    return end(await underLease(again.window, lease, (phase) => enter(phase, { fence: lease.fence })));
  } catch (error) {
    if (!isLeaseLost(error)) throw error;
    return end({ kind: 'abandoned', reason: 'the lease passed to somebody else; nothing was published' });
  } finally {
    await CancellationScope.nonCancellable(() => quick.releaseLease({ adapterId: window.adapterId, ...lease }));
  }
}

/** The work, while a keeper beside it proves to the lease that its holder lives; losing the lease cancels the work. */
async function underLease(window: Window, lease: Holder, enter: (phase: string) => void): Promise<WindowOutcome> {
  return await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    let lost: unknown;
    const keeper = keepLease(window.adapterId, lease).catch((error: unknown) => {
      if (!isCancellation(error)) lost = error;
      scope.cancel();
    });
    try {
      return await trainAndCommit(window, lease, enter);
    } catch (error) {
      throw isCancellation(error) && lost !== undefined ? lost : error;
    } finally {
      scope.cancel();
      await keeper;
    }
  });
}

async function trainAndCommit(window: Window, { fence }: Holder, enter: (phase: string) => void): Promise<WindowOutcome> {
  const { hotkey, index, netuid, work } = window;
  enter('train');
  const trained = work.kind === 'train' ? await training.trainAdapter.executeWithOptions({ summary: `${work.input.hyper.steps} steps` }, [work.input]) : { adapter: work.adapter };
  enter('upload');
  const adapter = await objects.publishAdapter({ window, adapter: trained.adapter });
  const body = await quick.draftManifest({ window, fence, adapter, ...('steps' in trained && { trained }) });
  const published = await objects.publishManifest({ bucket: window.bucket, text: await wallet(hotkey).signManifest(body) });
  enter('commit');
  const landed = await submitterOf(hotkey)({ key: `commitment/${netuid}/${published.manifest.sha256}`, effect: { kind: 'commitment', netuid, data: published.record } });
  if (landed.kind === 'refused') return { kind: 'abandoned', reason: `${landed.code}: ${landed.message}` };
  const loss = 'steps' in trained && { first: trained.firstLoss, last: trained.lastLoss };
  return { kind: 'committed', hotkey, window: index, block: landed.block, manifest: published.manifest, adapter, fence, ...(loss && { loss }) };
}

/** Waits for its turn; the signal is the fast way, asking again the safe one. */
export async function holdLease(adapterId: string): Promise<Holder & { readonly waited: boolean }> {
  const holder = workflowInfo().workflowId;
  let granted = false;
  let waited = false;
  setHandler(leaseGranted, () => { granted = true; });
  for (;;) {
    const answer = await quick.acquireLease({ adapterId, holder });
    if (answer.kind === 'granted') return { holder, fence: answer.fence, waited };
    waited = true;
    if (answer.kind === 'barred') await sleep(Math.max(1, answer.until - Date.now()), { summary: 'let its last lease lapse' });
    else await condition(() => granted, LEASE_TIMING.checkMs);
    granted = false;
  }
}

async function keepLease(adapterId: string, lease: Holder): Promise<never> {
  for (;;) {
    await sleep(LEASE_TIMING.checkMs, { summary: 'renew the lease' });
    await quick.renewLease({ adapterId, ...lease });
  }
}

const isLeaseLost = (error: unknown): boolean => {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.type === 'LeaseLost';
};

