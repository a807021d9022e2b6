import { CancellationScope, defineQuery, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { OtherWindow, Published, Resolved, Window, WindowInput } from '../activities/window.ts';
import type { Holder } from '../genki/protocol/lease.ts';
import type { Content } from '../genki/protocol/sealing.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { deltaWindow, type DeltaOutcome } from './delta-window.ts';
import { holdLease, isLeaseLost, underLease } from './hold-lease.ts';
import { relayWindow, type RelayOutcome } from './relay-window.ts';
import { HOTKEY, NET_UID, OUTCOME, PHASE, WINDOW } from './search-attributes.ts';
import { disclosing, objects, quick, training, wallet } from './steps.ts';
import { submitterOf } from './submit-once.ts';
import { windowPage, type WindowProgress } from './window-page.ts';

export type WindowOutcome =
  | {
      readonly kind: 'committed';
      readonly hotkey: string;
      readonly window: number;
      readonly block: number;
      readonly manifest: ObjectRef;
      readonly adapter: Content;
      /** The published key to the sealed adapter. */
      readonly key: ObjectRef;
      readonly fence: number;
      readonly loss?: { readonly first: number; readonly last: number };
    }
  | RelayOutcome
  | DeltaOutcome
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'abandoned'; readonly reason: string };

export const windowProgress = defineQuery<WindowProgress>('progress');

/** Says where a window has come to. */
type Enter = (phase: string, more?: Partial<WindowProgress>) => void;

/**
 * A miner's window: resolve → lock adapter → train → upload sealed → commit → publish the key → release. Of competitions that
 * exchange something else, `deltaWindow` or `relayWindow`.
 */
export async function trainingWindow(input: WindowInput = {}): Promise<WindowOutcome> {
  let progress: WindowProgress = { phase: 'resolve' };
  setHandler(windowProgress, () => progress, { description: 'phase, window, lease, training, commit' });
  const enter: Enter = (phase, more = {}) => {
    progress = { ...progress, ...more, phase };
    upsertSearchAttributes([{ key: PHASE, value: phase }]);
    setCurrentDetails(windowPage(progress));
  };
  const end = (outcome: WindowOutcome): WindowOutcome => {
    enter('done', outcome.kind === 'committed' || outcome.kind === 'sent' ? { keyPublished: true } : { ended: endOf(outcome) });
    upsertSearchAttributes([{ key: OUTCOME, value: outcome.kind }]);
    return outcome;
  };

  const resolved = await resolve(input);
  if (resolved.kind === 'skipped') return end(resolved);
  if (resolved.kind === 'delta') return end(await deltaWindow(input, enter));
  if (resolved.kind === 'relay') return end(await relayWindow(resolved.window, enter));
  const { window } = resolved;
  upsertSearchAttributes([{ key: NET_UID, value: String(window.netuid) }, { key: HOTKEY, value: window.hotkey }, { key: WINDOW, value: window.index }]);
  enter('lock adapter', pageOf(window));
  const lease = await holdLease(window.adapterId);
  try {
    // whoever held it before may have committed for this window since it was resolved
    const again = await resolve(input);
    if (again.kind !== 'ready') return end(again.kind === 'skipped' ? again : { kind: 'skipped', reason: 'the competition is another one by now' });
    enter('train', { ...pageOf(again.window), fence: lease.fence });
    return end(await underLease(again.window.adapterId, lease, () => trainAndCommit(again.window, lease, enter)));
  } catch (error) {
    if (!isLeaseLost(error)) throw error;
    return end({ kind: 'abandoned', reason: 'the lease passed to somebody else; nothing was committed' });
  } finally {
    await CancellationScope.nonCancellable(() => quick.releaseLease.executeWithOptions({ summary: `release lease · fence ${lease.fence}` }, [{ adapterId: window.adapterId, ...lease }]));
  }
}

const endOf = (outcome: Exclude<WindowOutcome, { kind: 'committed' | 'sent' }>): string => `${outcome.kind}: ${outcome.kind === 'handed-on' ? `version ${outcome.sequence}` : outcome.reason}`;

/** What there is to do; and first what an earlier window of this miner has left undone. */
async function resolve(input: WindowInput): Promise<Resolved | OtherWindow> {
  const resolved = await quick.resolveWindow.executeWithOptions({ summary: 'resolve window at the finalized head' }, [input]);
  if ('owed' in resolved && resolved.owed) await disclosing.publishKey.executeWithOptions({ summary: `publish key · ${resolved.owed.commit}` }, [resolved.owed]);
  return resolved;
}

const pageOf = ({ netuid, competition, hotkey, miner, index, lastBlock, work }: Window): Partial<WindowProgress> => ({
  netuid, competition, hotkey, miner, window: index, lastBlock, ...(work.kind === 'train' && { steps: work.input.hyper.steps }),
});

async function trainAndCommit(window: Window, { fence }: Holder, enter: Enter): Promise<WindowOutcome> {
  const { hotkey, miner, index, bucket, privateBucket, work } = window;
  const trained = work.kind === 'train' ? await training.trainAdapter.executeWithOptions({ summary: `train ${work.input.hyper.steps} steps · ${miner}` }, [work.input]) : { adapter: work.adapter };
  const loss = 'steps' in trained ? { loss: { first: trained.firstLoss, last: trained.lastLoss } } : {};
  enter('upload', { ...loss, adapterBytes: trained.adapter.bytes });
  const sealed = await objects.sealAdapter.executeWithOptions({ summary: `seal ${trained.adapter.bytes} bytes · ${miner}` }, [{ window, adapter: trained.adapter }]);
  const body = await quick.draftManifest.executeWithOptions({ summary: `draft manifest · window ${index}` }, [{ window, fence, sealed, ...('steps' in trained && { trained }) }]);
  const { signManifest, signKey } = wallet(hotkey);
  const text = await signManifest.executeWithOptions({ summary: `sign manifest · window ${index}` }, [body]);
  const published = await objects.publishManifest.executeWithOptions({ summary: `publish manifest · ${bucket}` }, [{ bucket, text }]);
  await signKey.executeWithOptions({ summary: `sign key · ${published.commit}` }, [{ secret: sealed.secret, manifest: published.commit }]);
  enter('commit');
  // what may be committed has to be opened: from here on nobody cancels it, nor does the loss of the lease
  return await CancellationScope.nonCancellable(async (): Promise<WindowOutcome> => {
    const block = await commit(window, published);
    if (typeof block !== 'number') return block;
    enter('publish key', { block });
    const key = await disclosing.publishKey.executeWithOptions({ summary: `publish key · ${published.commit}` }, [{ bucket, privateBucket, commit: published.commit }]);
    return { kind: 'committed', hotkey, window: index, block, manifest: published.manifest, adapter: sealed.content, key, fence, ...loss };
  });
}

/** The block in which it is final, or why it never will be. */
async function commit({ hotkey, netuid }: Window, { manifest, record }: Published): Promise<number | Extract<WindowOutcome, { kind: 'abandoned' }>> {
  const landed = await submitterOf(hotkey)({ key: `commitment/${netuid}/${manifest.sha256}`, effect: { kind: 'commitment', netuid, data: record } });
  return landed.kind === 'landed' ? landed.block : { kind: 'abandoned', reason: `${landed.code}: ${landed.message}` };
}
