import type { Logged } from '../../activities/window-log.ts';
import type { Base } from '../../activities/model/window-models.ts';
import { blocksOf, termsOf } from '../../activities/window-terms.ts';
import { plainText } from '../../activities/plain-text.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { compare, type Comparison } from '../../genki/evaluation/differences.ts';
import { checkOf, type Check } from '../../genki/evaluation/verify-report.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import type { Deployment } from '../../activities/deployment.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { keptByLeader } from './kept-by-leader.ts';
import { OWN_BUCKET } from './overlay-store.ts';
import type { RunJob } from './run-here.ts';

export type Replaying = {
  readonly chain: Chain;
  /** In which only the own bucket can be written. */
  readonly store: ObjectStore;
  readonly deployment: Deployment;
  readonly run: RunJob;
  /** The model that an entry begins from, where a new stretch of the log begins with it. */
  readonly modelBefore: (logged: Logged) => Promise<Base | undefined>;
  /** Told of each window whose model before it is known. */
  readonly visit: (logged: Logged, before: Base, previous: Logged | undefined) => Promise<void>;
};

/** Checks of the windows, and the model that they end with; undefined where it could not be had. */
export type Replayed = { readonly checks: readonly Check[]; readonly state: WindowState | undefined };

/** One window after the other as its validators close it, until something differs. */
export async function replayLog(replaying: Replaying, entries: readonly Logged[]): Promise<Replayed> {
  const found = { who: [] as Comparison[], lengths: [] as Comparison[], models: [] as Comparison[] };
  const [gone, unseen, unnamed] = [[] as number[], [] as string[], [] as string[]];
  let state: Base | undefined;
  let previous: Logged | undefined;
  for (const logged of entries) {
    const { window } = logged.entry;
    state ??= await replaying.modelBefore(logged);
    if (!state || !(await isThere(replaying.store, logged))) {
      gone.push(window);
      state = undefined;
      previous = logged;
      continue;
    }
    await replaying.visit(logged, state, previous);
    const { compared, ...again } = await closeAgain(replaying, { logged, state, previous });
    for (const part of ['who', 'lengths', 'models'] as const) found[part].push(compared[part]);
    unseen.push(...again.unseen.map((hotkey) => `${hotkey.slice(0, 8)}… in window ${window}`));
    unnamed.push(...again.unnamed.map((hotkey) => `${hotkey.slice(0, 8)}… in window ${window}`));
    state = again.state;
    previous = logged;
    if (Object.values(compared).some(({ differences }) => differences.length > 0)) break;
  }
  const notes = [
    ...(gone.length > 0 ? [`not of ${windowsText(gone)}: what was handed in is not kept any more`] : []),
    ...(unseen.length > 0 ? [`only its leader saw why it refused ${unseen.join(', ')}`] : []),
    ...(unnamed.length > 0 ? [`its leader received, and says nothing of, ${unnamed.join(', ')}`] : []),
  ];
  const noteOf = (list: readonly string[]): Pick<Check, 'note'> => (list.length > 0 ? { note: list.join('; ') } : {});
  return {
    checks: [
      { ...checkOf('who counts in each window, and why others do not', sumOf(found.who), BY), ...noteOf(notes) },
      checkOf('norms and clip factors', sumOf(found.lengths), BY),
      checkOf('the model before and after each window', sumOf(found.models), BY),
    ],
    state: state && state.digest !== null ? { ...state, digest: state.digest } : undefined,
  };
}

const BY = 'computed again it is';
const COUNTS = 'counts';

type Closing = { readonly logged: Logged; readonly state: Base; readonly previous: Logged | undefined };
type Closed = { readonly compared: Record<'who' | 'lengths' | 'models', Comparison>; readonly state: WindowState; readonly unseen: readonly string[]; readonly unnamed: readonly string[] };

async function closeAgain({ chain, store, deployment, run }: Replaying, { logged, state, previous }: Closing): Promise<Closed> {
  const { entry } = logged;
  const { competition, competitionDigest } = deployment;
  const { window } = entry;
  const kept = await keptByLeader({ store, deployment }, logged);
  const closed = await run('closeWindow', `window ${window}`, {
    from: state,
    window,
    updates: [...entry.peers.map(({ hotkey, update, manifest }) => ({ hotkey, ref: update, manifest })), ...kept.opened],
    older: previous?.entry.peers.map(({ hotkey, update, manifest }) => ({ hotkey, ref: update, manifest, window: previous.entry.window })) ?? [],
    copyCosine: competition.thresholds.copyCosine,
    terms: termsOf(competition),
    ...(await blocksOf(chain, competition, window)),
    competition: competitionDigest,
    bucket: OWN_BUCKET,
    prefix: `windows/${window}`,
  });
  const again = new Set([...kept.opened, ...kept.faulty].map(({ hotkey }) => hotkey));
  const [where, before] = [`window ${window}: `, state.digest ?? entry.before];
  const saidOf = ({ hotkey, reason }: { readonly hotkey: string; readonly reason: string }): [string, string] => [hotkey, reason];
  const said = Object.fromEntries([...entry.peers.map(({ hotkey }): [string, string] => [hotkey, COUNTS]), ...entry.refused.filter(({ hotkey }) => again.has(hotkey)).map(saidOf)]);
  const found = Object.fromEntries([...closed.accepted.map(({ hotkey }): [string, string] => [hotkey, COUNTS]), ...[...kept.faulty, ...closed.refused].map(({ hotkey, reason }) => saidOf({ hotkey, reason: plainText(reason) }))]);
  return {
    compared: {
      who: compare(said, found, { where }),
      lengths: compare(lengthsOf(entry.peers), lengthsOf(closed.accepted), { where }),
      models: compare({ before: entry.before, after: entry.after }, { before, after: closed.state.digest }, { where }),
    },
    state: closed.state,
    unseen: kept.unseen,
    unnamed: kept.unnamed,
  };
}

const lengthsOf = (peers: readonly { readonly hotkey: string; readonly norm: number; readonly factor: number }[]): object => Object.fromEntries(peers.flatMap(({ hotkey, norm, factor }) => [[`norm of ${hotkey}`, norm], [`factor of ${hotkey}`, factor]]));

/** What an entry's peers disclosed is there to be read; what it holds is seen later. */
async function isThere(store: ObjectStore, { entry: { peers } }: Logged): Promise<boolean> {
  for (const { update, manifest } of peers) for (const { bucket, key } of [update, manifest]) if (!(await store.head(bucket, key))) return false;
  return true;
}

const sumOf = (found: readonly Comparison[]): Comparison => ({ compared: found.reduce((sum, { compared }) => sum + compared, 0), differences: found.flatMap(({ differences }) => differences) });

function windowsText(windows: readonly number[]): string {
  const [first, last] = [windows[0]!, windows.at(-1)!];
  return windows.length === 1 ? `window ${first}` : windows.length === last - first + 1 ? `windows ${first} to ${last}` : `windows ${windows.join(', ')}`;
}
