import { setTimeout as wait } from 'node:timers/promises';
import { followLog } from '../../activities/window-log.ts';
import { newestState } from '../../activities/window-states.ts';
import { participantOf } from '../../activities/participants.ts';
import type { Connected } from '../../client/connect.ts';
import { VALIDATORS } from '../../client/embedded/provision.ts';
import { readCompetition, type Competition } from '../../genki/protocol/competition.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { windowBounds, windowOf } from '../../genki/protocol/window.ts';
import type { ClosingOutcome } from '../../workflows/close-window.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { WindowOutcome } from '../../workflows/training-window.ts';
import { SMALL } from './competition.ts';
import { everyHistory, type Past } from './histories.ts';
import { lostObjects, sharedLeases, unfinished } from './invariants.ts';
import { patiently } from './patiently.ts';
import { scenario, type Struggle } from './scenario.ts';

const PATIENCE_MS = 12 * 60_000;
/** Undisturbed, so that everybody has what the last of them left. */
const CALM_WINDOWS = 2;

/** Three miners, windows of half a minute, so that what is killed can be back in one. */
const SMALL_WINDOWS: Competition = readCompetition({
  ...RUBY_WINDOWS,
  styles: SMALL.styles,
  training: { ...RUBY_WINDOWS.training, hyper: { ...RUBY_WINDOWS.training.hyper, steps: 4 }, replay: SMALL.training.replay },
  delta: { ...RUBY_WINDOWS.delta!, pages: { ...RUBY_WINDOWS.delta!.pages!, styles: SMALL.styles.private, clips: 4, perWindow: 2 }, scoring: { own: 4, perStyle: 1 } },
  timing: { ...RUBY_WINDOWS.timing, windowBlocks: 120 },
  holdOut: SMALL.holdOut,
  scales: SMALL.scales,
});

export type WindowRecord = { readonly window: number; readonly sent: Readonly<Record<string, WindowOutcome>>; readonly closings: Readonly<Record<string, ClosingOutcome>> };

/** Windows of compressed updates: miners train and hand in, validators close. */
export const windowScenario = scenario<WindowRecord[]>({ competition: SMALL_WINDOWS, live, look });

async function live(connected: Connected, { strikes, say }: Struggle): Promise<WindowRecord[]> {
  const { chain, deployment } = connected;
  const { windowBlocks } = deployment.competition.timing;
  const headNow = (): Promise<number> => patiently('the chain', PATIENCE_MS, async () => (await chain.head()).number);
  const records: Promise<WindowRecord>[] = [];
  let window = windowOf(await headNow(), windowBlocks) + 1;
  for (let calm = 0; calm < CALM_WINDOWS; window++) {
    if (strikes.left === 0) calm++;
    while ((await headNow()) < windowBounds(window, windowBlocks).first) await wait(deployment.blockMs);
    say(`window ${window}, ${strikes.left} kills to come`);
    records.push(oneWindow(connected, window));
    records.at(-1)!.catch(() => undefined);
  }
  return await Promise.all(records);
}

async function oneWindow({ temporal, deployment }: Connected, window: number): Promise<WindowRecord> {
  const open = async <T>(type: string, name: string): Promise<T> => {
    const workflowId = `${type}/${name}/${window}`;
    return await patiently(workflowId, PATIENCE_MS, async () => {
      await temporal.workflow.start(type, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: name, window }], workflowIdReusePolicy: 'REJECT_DUPLICATE', workflowIdConflictPolicy: 'USE_EXISTING' }).catch((error: unknown) => {
        if ((error as Error).name !== 'WorkflowExecutionAlreadyStartedError') throw error;
      });
      return (await temporal.workflow.getHandle(workflowId).result()) as T;
    });
  };
  const both = <T>(type: string, names: readonly string[]): Promise<Record<string, T>> => Promise.all(names.map(async (name) => [name, await open<T>(type, name)] as const)).then((all) => Object.fromEntries(all));
  const [sent, closings] = await Promise.all([both<WindowOutcome>('trainingWindow', deployment.competition.styles.private), both<ClosingOutcome>('closeWindow', VALIDATORS)]);
  return { window, sent, closings };
}

async function look(connected: Connected, records: readonly WindowRecord[]): Promise<{ checked: Record<string, number>; violations: string[] }> {
  const { temporal, store, deployment } = connected;
  const pasts = await everyHistory(temporal);
  // models and updates of windows long over, which their miners clear away
  const kept = records.at(-1)!.window - 2 * deployment.competition.delta!.timing.checkpointWindows;
  const { read, lost } = await lostObjects(pasts.filter((past) => !(windowOfPast(past) < kept)), store, ({ bucket, key }) => bucket.endsWith('-private') && /^(states|training)\//.test(key));
  const { held, shared } = sharedLeases(pasts);
  const closed = records.flatMap(({ closings }) => Object.values(closings)).filter((one) => 'entry' in one);
  return {
    checked: { windows: records.length, closed: closed.length, workflows: pasts.length, objects: read, leases: held, sent: records.flatMap(({ sent }) => Object.values(sent)).filter(({ kind }) => kind === 'sent').length },
    violations: [...unfinished(pasts), ...lost, ...shared, ...records.flatMap((record) => wrongIn(connected, record)), ...(await differingModels(connected, records))],
  };
}

/** NaN for a workflow of no window. */
const windowOfPast = ({ workflowId }: Past): number => Number(/^(?:trainingWindow|closeWindow)\/.*?\/(\d+)/.exec(workflowId)?.[1]);

/** Validators who ended a window with different models, and updates that nobody speaks of. */
function wrongIn({ participants }: Connected, { window, sent, closings }: WindowRecord): string[] {
  const entries = Object.values(closings).flatMap((one) => ('entry' in one ? [one] : []));
  const afters = new Set(entries.map(({ after }) => after));
  const named = new Set(entries.flatMap(({ peers, refused }) => [...peers, ...refused.map(({ hotkey }) => hotkey)]));
  const forgotten = Object.entries(sent).filter(([name, { kind }]) => kind === 'sent' && entries.length > 0 && !named.has(participantOf(participants, 'miner', name).hotkey));
  return [
    ...(afters.size > 1 ? [`window ${window} ended with ${afters.size} models`] : []),
    ...forgotten.map(([name]) => `window ${window}: ${name} sent in time, and the entry says nothing of it`),
    ...Object.entries(closings).flatMap(([name, one]) => (one.kind === 'forked' ? [`window ${window}: ${name} is on a fork: ${one.reason}`] : [])),
  ];
}

/** What a joiner finds at the end of the log is what both validators have. */
async function differingModels({ chain, store, deployment, participants }: Connected, records: readonly WindowRecord[]): Promise<string[]> {
  const { competition, competitionDigest } = deployment;
  const followed = await followLog({ chain, store, deployment }, { from: null, to: records.at(-1)!.window });
  if (followed.kind !== 'there') return [`a joiner finds the log ${followed.kind} at window ${followed.window}`];
  const last = followed.entries.at(-1)?.entry.after;
  const states = await Promise.all(VALIDATORS.map(async (name) => ({ name, kept: await newestState(store, { bucket: participantOf(participants, 'validator', name).privateBucket, competition: competition.id }, competitionDigest) })));
  return states.flatMap(({ name, kept }) => (kept?.state.digest === last ? [] : [`${name} has the model ${kept?.state.digest ?? 'of nobody'}, the log ends with ${last ?? 'none'}`]));
}
