import { CancellationScope, sleep } from '@temporalio/workflow';
import type { Standing } from '../activities/relay-turn.ts';
import type { RelayWindow } from '../activities/relay-window.ts';
import type { PushAnswer } from '../genki/protocol/hub.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { hub, relaying, training } from './steps.ts';
import type { WindowProgress } from './window-page.ts';

type Trained = { readonly hotkey: string; readonly window: number; /** in the miner's bucket */ readonly adapter: ObjectRef; readonly fence: number; readonly loss: { readonly first: number; readonly last: number } };

/** What became of a turn with the adapter. */
export type RelayOutcome =
  | ({ readonly kind: 'handed-on'; /** of the version that it is */ readonly sequence: number } & Trained)
  /** It came after the lease was lost, and is a candidate for the next merge. */
  | ({ readonly kind: 'late'; readonly reason: string } & Trained)
  | ({ readonly kind: 'refused'; readonly reason: string } & Trained)
  | { readonly kind: 'skipped'; readonly reason: string };

type Enter = (phase: string, more?: Partial<WindowProgress>) => void;
type Lease = { readonly fence: number };

/** A miner's turn: wait for the lease → fetch the current version → train from it → upload → push → hear what became of it. */
export async function relayWindow(window: RelayWindow, enter: Enter): Promise<RelayOutcome> {
  const { hotkey, adapterId, recipe, index } = window;
  const door = hub(hotkey);
  const { netuid, competition, miner, lastBlock } = window;
  enter('wait for its turn', { netuid, competition, hotkey, miner, window: index, lastBlock, steps: recipe.hyper.steps });
  const lease = await takeTurn(window, enter);
  if ('taken' in lease) return { kind: 'skipped', reason: `its coldkey waits, or works, as ${lease.taken}` };
  const { fence } = lease;
  try {
    const { trained, adapter, parent } = await whileRenewing(window, lease, async () => {
      const current = await door.currentAdapter.executeWithOptions({ summary: `current version of ${adapterId}` }, [{ adapterId }]);
      const version = current.version?.sequence ?? 0;
      enter('train', { fence, relay: { version } });
      const plan = await relaying.planTurn.executeWithOptions({ summary: `from version ${version}` }, [{ window, fence, current }]);
      const result = await training.trainAdapter.executeWithOptions({ summary: `train ${recipe.hyper.steps} steps · ${miner}` }, [plan]);
      enter('upload', { loss: { first: result.firstLoss, last: result.lastLoss }, adapterBytes: result.adapter.bytes });
      return { trained: result, adapter: await relaying.uploadTurn.executeWithOptions({ summary: `upload ${result.adapter.bytes} bytes · ${miner}` }, [{ bucket: window.bucket, plan, adapter: result.adapter }]), parent: version };
    });
    enter('push');
    const said = await door.pushAdapter.executeWithOptions({ summary: `push · fence ${fence}` }, [{ adapterId, fence, parent, adapter }]);
    const verdict = said.kind === 'evaluating' ? await door.awaitVerdict.executeWithOptions({ summary: 'until it is judged' }, [{ adapterId }]) : said;
    return outcomeOf(verdict, { hotkey, window: index, adapter, fence, loss: { first: trained.firstLoss, last: trained.lastLoss } });
  } finally {
    await CancellationScope.nonCancellable(() => release(window, lease));
  }
}

/** A hub that is gone needs no release: whoever is silent loses the lease. */
const release = ({ hotkey, adapterId }: RelayWindow, { fence }: Lease): Promise<void> =>
  hub(hotkey).releaseLease.executeWithOptions({ summary: `release lease · fence ${fence}`, scheduleToCloseTimeout: '1 minute' }, [{ adapterId, fence }]).catch(() => undefined);

/** Waits in the queue; it loses its place only where its ticket does not count any more, and then asks again. */
async function takeTurn({ hotkey, adapterId, checkMs }: RelayWindow, enter: Enter): Promise<Lease | { readonly taken: string }> {
  const door = hub(hotkey);
  for (;;) {
    let standing: Standing = await door.requestLease.executeWithOptions({ summary: `lease of ${adapterId}` }, [{ adapterId }]);
    while (standing.kind === 'queued') {
      enter('wait for its turn', { relay: { place: standing.position } });
      standing = await door.awaitTurn.executeWithOptions({ summary: `place ${standing.position} in the queue` }, [{ adapterId, known: standing, checkMs }]);
    }
    if (standing.kind === 'granted') return standing;
    if (standing.kind === 'taken') return { taken: standing.by };
    if (standing.kind === 'barred') await sleep(Math.max(1000, standing.until - Date.now()), { summary: 'let its last lease lapse' });
  }
}

/** What the work gives, while a keeper beside it proves to the hub that its holder lives. Whatever ends the keeper does not stop the work: what comes late can still be merged. */
async function whileRenewing<T>({ hotkey, adapterId, checkMs }: RelayWindow, { fence }: Lease, work: () => Promise<T>): Promise<T> {
  const keeping = new CancellationScope();
  const keeper = keeping.run(async () => {
    for (;;) {
      await sleep(checkMs, { summary: 'renew the lease' });
      await hub(hotkey).renewLease.executeWithOptions({ summary: `renew lease · fence ${fence}` }, [{ adapterId, fence }]);
    }
    // thrown, it would be nobody's while the work goes on: the SDK then fails this workflow's tasks, again and again
  }).catch(() => undefined);
  try {
    return await work();
  } finally {
    keeping.cancel();
    await keeper;
  }
}

function outcomeOf(verdict: Exclude<PushAnswer, { kind: 'evaluating' }>, of: Trained): RelayOutcome {
  return verdict.kind === 'promoted' ? { kind: 'handed-on', sequence: verdict.sequence, ...of } : { ...verdict, ...of };
}
