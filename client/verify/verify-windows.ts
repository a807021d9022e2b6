import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogMemory } from '../../activities/log-memory.ts';
import { LogWalk } from '../../activities/log-walk.ts';
import { createJobs } from '../../activities/model/jobs.ts';
import { ModelCache } from '../../activities/model/model-cache.ts';
import { loadState, type Base } from '../../activities/model/window-models.ts';
import type { Logged } from '../../activities/window-log.ts';
import { createWindowScoreActivities } from '../../activities/window-scores.ts';
import type { Metagraph } from '../../genki/chain/chain.ts';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { ChainUnavailable, faultOf, InvalidInput } from '../../genki/errors.ts';
import { compare, type Comparison } from '../../genki/evaluation/differences.ts';
import { checkOf, type Check } from '../../genki/evaluation/verify-report.ts';
import { payWindows, type WindowsReport } from '../../genki/evaluation/windows-report.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import type { FoundOf } from './find-report.ts';
import { logBehind } from './log-behind.ts';
import type { Known } from './network.ts';
import { createOverlayStore } from './overlay-store.ts';
import { replayLog } from './replay-log.ts';
import { runHere } from './run-here.ts';
import { checkWeights, skipped } from './verify-chain.ts';

/** Engines agree on a loss to this, in nats a code; on a cosine, too. */
const WITHIN = 1e-4;

export type WindowsOptions = { /** measures what each update shows once more, too */ readonly deep: boolean; readonly signal: AbortSignal; readonly show: (line: string) => void };

/**
 * A report of windows held against what everybody can read: the chain, the window log, and what its peers disclosed.
 * Each window is closed again by the code that validators close it with.
 */
export async function verifyWindows(known: Known, found: FoundOf<WindowsReport>, options: WindowsOptions): Promise<Check[]> {
  const rules = checkRules(known, found.report);
  // of another competition nothing else can be said
  if (rules.differences.length > 0) return [rules];
  if (!known.chain) return [rules, skipped('the chain, and the window log', 'the chain does not answer')];
  try {
    const { report: { snapshot } } = found;
    const { chain } = known.chain;
    const hash = await chain.blockHash(snapshot.number);
    const isSnapshot = checkOf('the snapshot', compare({ snapshot: { hash: snapshot.hash } }, { snapshot: { hash } }), 'the chain says');
    if (isSnapshot.differences.length > 0) return [rules, isSnapshot, skipped('the chain', 'the report is of another one')];
    const metagraph = await chain.metagraph(known.deployment.competition.netuid, hash);
    return [rules, checkMoment(metagraph, found.report), checkRegistered(metagraph, found.report), await checkWeights(known, metagraph, found), ...(await onEngine(known, found.report, options))];
  } catch (error) {
    if (!(error instanceof ChainUnavailable)) throw error;
    return [rules, skipped('the chain', error.message)];
  }
}

const checkRules = ({ deployment: { competition, competitionDigest } }: Known, { competition: said, policy }: WindowsReport): Check =>
  checkOf('the competition\'s rules', compare({ competition: said, policy }, { competition: competitionDigest, policy: competition.policy }), 'the competition says');

const checkMoment = ({ epoch }: Metagraph, report: WindowsReport): Check => checkOf('the snapshot', compare({ epoch: report.epoch }, { epoch }), 'the chain says');

/** Whoever was measured and is registered has a line, nobody else has. */
function checkRegistered({ neurons }: Metagraph, { windows, policy, miners }: WindowsReport): Check {
  const since = new Map(neurons.map(({ hotkey, registeredAt }) => [hotkey, registeredAt]));
  const paid = payWindows(windows, { policy, registered: ({ hotkey, registeredAt }) => since.get(hotkey) === registeredAt });
  const lines = (all: readonly { readonly hotkey: string; readonly registeredAt: number }[]): object => Object.fromEntries(all.map(({ hotkey, registeredAt }) => [hotkey, registeredAt]));
  return checkOf('who is registered', compare(lines(miners), lines(paid)), 'the chain says');
}

async function onEngine(known: Known, report: WindowsReport, options: WindowsOptions): Promise<Check[]> {
  if (report.model === null) return [skipped('the window log', 'its validator had no model yet')];
  const folder = await mkdtemp(join(tmpdir(), 'genki-verify-'));
  options.show('the engine');
  const engine = await chooseEngine({ threads: known.threads, prefer: known.engine });
  try {
    const store = createOverlayStore(known.store, createFolderStore(folder));
    return await overLog({ ...known, store }, { report, engine }, options);
  } finally {
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function overLog(known: Known, { report, engine }: { report: WindowsReport; engine: Engine }, { deep, signal, show }: WindowsOptions): Promise<Check[]> {
  const { store, deployment } = known;
  const { chain } = known.chain!;
  const log = { chain, store, deployment, memory: new LogMemory() };
  const run = runHere(createJobs({ engine, store }), { signal, show });
  const scored = new Map(report.windows.map(({ window, scores }) => [window, scores]));
  const measured: Comparison[] = [];
  const { planScores } = createWindowScoreActivities({ chain, store, deployment });
  show('the window log');
  const genesis = await loadState({ store, cache: new ModelCache(engine, store, {}) }, { dama: deployment.genesisDama, momentum: null, digest: null });
  const { entries, check } = await logBehind(log, { to: report.model!.window - 1, genesis: genesis.digest });
  const walk = await LogWalk.open(log);

  const modelBefore = async ({ entry }: Logged): Promise<Base | undefined> => {
    if (entry.previous === null) return { dama: deployment.genesisDama, momentum: null, digest: genesis.digest };
    const checkpoint = await walk.checkpointOf(entry);
    return checkpoint && { ...checkpoint.state, dama: { ...checkpoint.state.dama, config: deployment.genesisDama.config } };
  };
  const visit = async ({ entry }: Logged, before: Base, previous: Logged | undefined): Promise<void> => {
    const said = scored.get(entry.window);
    if (!deep || !said || before.digest === null) return;
    const plan = await planScores({ before: { window: entry.window - 1, state: { ...before, digest: before.digest }, entry: previous?.ref ?? null }, entry });
    const again = await run('scoreWindow', `what the updates of window ${entry.window} show`, plan);
    const gainsOf = (scores: readonly { hotkey: string; agreement: unknown; own: unknown; holdout: unknown; gap: unknown }[]): object => ({ scores: scores.map(({ hotkey, agreement, own, holdout, gap }) => ({ hotkey, agreement, own, holdout, gap })) });
    measured.push(compare(gainsOf(said), gainsOf(again), { within: WITHIN, where: `window ${entry.window}: ` }));
  };
  const replayed = await replayLog({ chain, store, deployment, run, modelBefore, visit }, entries).catch((error: unknown) => {
    const fault = faultOf(error) ?? (error instanceof InvalidInput ? error : undefined);
    if (!fault) throw error;
    return { checks: [{ what: 'the windows', compared: 0, differences: [`they cannot be closed again: ${fault.message}`] }], state: undefined };
  });
  const own = replayed.state && { window: report.model!.window, state: replayed.state.digest, dama: replayed.state.dama.digest };
  return [
    check,
    ...replayed.checks,
    own ? checkOf('the report\'s model', compare({ model: report.model }, { model: own }), 'the log gives') : skipped('the report\'s model', 'the log does not lead to it from anything that is kept'),
    checkScored(entries, report),
    ...(deep ? [checkOf('what the updates show, measured again', { compared: measured.reduce((sum, { compared }) => sum + compared, 0), differences: measured.flatMap(({ differences }) => differences) }, 'measured again it is')] : []),
  ];
}

/** What is scored are the peers of the log, all of them. */
function checkScored(entries: readonly Logged[], { windows }: WindowsReport): Check {
  const begin = entries[0]?.entry.window ?? Infinity;
  const peersOf = (peers: readonly { readonly hotkey: string; readonly registeredAt: number }[]): object => Object.fromEntries(peers.map(({ hotkey, registeredAt }) => [hotkey, registeredAt]));
  const covered = windows.filter(({ window }) => window >= begin);
  const found = covered.map(({ window, scores }) => compare(peersOf(scores), peersOf(entries.find(({ entry }) => entry.window === window)?.entry.peers ?? []), { where: `window ${window}: ` }));
  const check = checkOf('who is scored', { compared: found.reduce((sum, { compared }) => sum + compared, 0), differences: found.flatMap(({ differences }) => differences) }, 'the log says');
  return covered.length === windows.length ? check : { ...check, note: `not of ${windows.length - covered.length} windows that are older than the log` };
}
