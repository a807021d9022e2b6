import { firstWindow, scheduleOf } from '../../activities/delta-competition.ts';
import type { Deployment } from '../../activities/deployment.ts';
import { LogMemory } from '../../activities/log-memory.ts';
import { LogWalk } from '../../activities/log-walk.ts';
import type { Participant } from '../../activities/participants.ts';
import { newestStates, type Kept } from '../../activities/window-states.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { windowOf, windowStep, type WindowStep } from '../../genki/protocol/window.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';

/** Where the windows of a competition are, by its chain and log. */
export type WindowsStatus = {
  readonly current: { readonly window: number; readonly step: WindowStep; /** by when updates are due, and its last block */ readonly deadline: number; readonly last: number };
  /** The newest that somebody has closed; null where none of the last few is. */
  readonly closed: {
    readonly window: number;
    readonly leader: string;
    /** Its place in line, from 0. */
    readonly rank: number;
    readonly peers: readonly string[];
    readonly refused: readonly { readonly hotkey: string; readonly reason: string }[];
    /** Validators of this machine that are as far, and those of them with the model that the entry says. */
    readonly models: { readonly there: number; readonly same: number };
  } | null;
};

/** Windows that are looked back for a closed one. */
const LOOKED_BACK = 4;

/** undefined where something else than updates of windows is exchanged, or its first window is yet to come */
export async function surveyWindows({ chain, store, deployment, participants }: { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: readonly Participant[] }): Promise<WindowsStatus | undefined> {
  const { competition } = deployment;
  if (competition.exchange !== 'delta') return undefined;
  const walk = await LogWalk.open({ chain, store, deployment, memory: new LogMemory() });
  const window = windowOf(walk.head.number, competition.timing.windowBlocks);
  const begin = firstWindow(competition);
  if (window < begin) return undefined;
  const schedule = scheduleOf(competition, window);
  const current = { window, step: windowStep(schedule, walk.head.number), deadline: schedule.deadline, last: schedule.last };
  const models = await modelsOf({ store, deployment, participants });
  // after a pause the newest model here says which window was the last
  const last = Array.from({ length: LOOKED_BACK }, (_, i) => window - 1 - i);
  for (const at of [...new Set([...last, ...models.map((kept) => kept.window - 1)])].filter((one) => one >= begin && one < window).sort((a, b) => b - a)) {
    const [logged] = await walk.entriesOf(await walk.line(at), []);
    if (!logged) continue;
    const { hotkey, rank, peers, refused, after } = logged.entry;
    const there = models.filter((kept) => kept.window === at + 1);
    return { current, closed: { window: at, leader: hotkey, rank, peers: peers.map((peer) => peer.hotkey), refused: refused.map(({ hotkey: who, reason }) => ({ hotkey: who, reason })), models: { there: there.length, same: there.filter(({ state }) => state.digest === after).length } } };
  }
  return { current, closed: null };
}

/** The newest models of this machine's validators. */
async function modelsOf({ store, deployment: { competition: { id }, competitionDigest }, participants }: { readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: readonly Participant[] }): Promise<Kept[]> {
  const validators = participants.filter(({ role }) => role === 'validator');
  return (await Promise.all(validators.map(({ privateBucket: bucket }) => newestStates(store, { bucket, competition: id }, competitionDigest)))).flat();
}
