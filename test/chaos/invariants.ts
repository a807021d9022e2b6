import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { LeaseAnswer } from '../../genki/protocol/lease.ts';
import type { EpochRecord } from './epochs.ts';
import { referencesOf, resultsOf, scheduledAt, type Past } from './histories.ts';

/** Those that live as long as their network. */
const ENTITIES = new Set(['adapterLease', 'chainSubmitter', 'relayAdapter']);
/** Nothing that is referred to is larger. */
const MAX_BYTES = 64 * 2 ** 20;

/** Windows and rounds that have not ended, or not well; each by its name and status. */
export const unfinished = (pasts: readonly Past[]): string[] =>
  pasts
    .filter(({ type, status }) => (ENTITIES.has(type) ? !['RUNNING', 'CONTINUED_AS_NEW'].includes(status) : status !== 'COMPLETED'))
    .map(({ type, workflowId, status }) => `${type} ${workflowId} is ${status}`);

/** Objects that somebody was told of and that cannot be read as they were. @param isPruned what its owner forgets when it is not needed any more */
export async function lostObjects(pasts: readonly Past[], store: ObjectStore, isPruned: (ref: ObjectRef) => boolean = () => false): Promise<{ readonly read: number; readonly lost: string[] }> {
  const refs = referencesOf(pasts).filter((ref) => !isPruned(ref));
  const lost: string[] = [];
  for (const ref of refs) {
    await store.get(ref, { maxBytes: MAX_BYTES }).catch((error: unknown) => lost.push(`${ref.bucket}/${ref.key}: ${error instanceof Error ? error.message : String(error)}`));
  }
  return { read: refs.length, lost };
}

type Hold = { readonly holder: string; readonly adapterId: string; readonly fence: number; readonly from: number; readonly to: number };

/** Pairs of windows that held one lease at the same time, or got the same or a lower fence later. */
export function sharedLeases(pasts: readonly Past[]): { readonly held: number; readonly shared: string[] } {
  const holds = pasts.filter(({ type }) => type === 'trainingWindow').flatMap(holdOf).sort((a, b) => a.from - b.from);
  const shared = holds.flatMap((first, i) =>
    holds
      .slice(i + 1)
      .filter((second) => second.adapterId === first.adapterId && (second.from < first.to || second.fence <= first.fence))
      .map((second) => `${second.holder} (fence ${second.fence}) while ${first.holder} (fence ${first.fence}) held ${first.adapterId}`),
  );
  return { held: holds.length, shared };
}

/** From when it heard of its grant until it gave the lease back: between them it may write. */
function holdOf(past: Past): Hold[] {
  const granted = resultsOf(past, 'acquireLease').find(({ value }) => (value as LeaseAnswer).kind === 'granted');
  const input = past.events.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'acquireLease');
  const payload = input?.activityTaskScheduledEventAttributes?.input?.payloads?.[0]?.data;
  if (!granted || !payload) return [];
  const { adapterId } = JSON.parse(new TextDecoder().decode(payload)) as { adapterId: string };
  const { fence } = granted.value as Extract<LeaseAnswer, { kind: 'granted' }>;
  return [{ holder: past.workflowId, adapterId, fence, from: granted.at, to: scheduledAt(past, 'releaseLease') ?? Infinity }];
}

/** Rounds whose report is not the one that the same round gives when nobody is killed. */
export const differingReports = (epochs: readonly EpochRecord[]): string[] =>
  epochs.flatMap(({ epoch, rounds, again }) =>
    rounds.filter(({ report }) => report.sha256 !== again.report.sha256).map(({ hotkey, report }) => `epoch ${epoch}: ${hotkey} reported ${report.sha256}, undisturbed it is ${again.report.sha256}`),
  );

/** An extrinsic in a finalized block that changed something. */
export type Landed = { readonly signer: string; readonly kind: string; readonly epoch: number; readonly block: number; readonly effect: string };

/** Effects that the chain has twice, that nobody asked for, or that are missing. */
export function wrongExtrinsics(landed: readonly Landed[], epochs: readonly EpochRecord[]): string[] {
  const wrong: string[] = [];
  const expect = (what: string, got: number, wanted: number): void => {
    if (got !== wanted) wrong.push(`expected ${what} ${wanted} times, got ${got}`);
  };
  for (const { epoch, rounds } of epochs) {
    for (const { hotkey, weights } of rounds) {
      const mine = landed.filter((one) => one.signer === hotkey && one.epoch === epoch);
      expect(`a commitment of ${hotkey} in epoch ${epoch}`, mine.filter(({ kind }) => kind === 'setCommitment').length, 1);
      expect(`weights of ${hotkey} in epoch ${epoch}`, mine.filter(({ kind }) => kind === 'setWeights').length, weights.some(({ weight }) => weight > 0) ? 1 : 0);
    }
  }
  const committed = epochs.flatMap(({ windows }) => Object.values(windows).flatMap((outcome) => (outcome.kind === 'committed' ? [outcome] : [])));
  for (const { hotkey, window, block } of committed) expect(`a commitment of ${hotkey} for window ${window} in block ${block}`, landed.filter((one) => one.signer === hotkey && one.kind === 'setCommitment' && one.block === block).length, 1);
  const byMiners = landed.filter(({ signer, kind }) => kind === 'setCommitment' && committed.some(({ hotkey }) => hotkey === signer));
  expect("miners' commitments in all", byMiners.length, committed.length);
  expect('different ones among them', new Set(byMiners.map(({ effect }) => effect)).size, committed.length);
  return wrong;
}
