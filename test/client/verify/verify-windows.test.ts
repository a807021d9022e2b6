import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lineOf } from '../../../activities/window-line.ts';
import type { Logged } from '../../../activities/window-log.ts';
import { createWindowsRoundActivities } from '../../../activities/windows-round.ts';
import { createWindowScoreActivities } from '../../../activities/window-scores.ts';
import type { Known } from '../../../client/verify/network.ts';
import { verifyWindows } from '../../../client/verify/verify-windows.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import { parseWindowsReport } from '../../../genki/evaluation/parse-windows-report.ts';
import type { Check } from '../../../genki/evaluation/verify-report.ts';
import { windowScore } from '../../../genki/evaluation/window-score.ts';
import type { WindowsReport } from '../../../genki/evaluation/windows-report.ts';
import { sha256Hex } from '../../../genki/protocol/digests.ts';
import { signWindowEntry, windowKey, windowPrefix, type WindowEntry } from '../../../genki/protocol/window-log.ts';
import { quickly, runRecord, townOf, type Odd, type Town, type Validator } from '../../activities/support/closings.ts';
import { randomUpdate } from '../../activities/support/delta.ts';
import { actor, openShelf, openStreet, participant, type Actor, type Shelf, type Street } from '../../activities/support/federation.ts';
import { inActivity } from '../../activities/support/in-activity.ts';

const validators = ['vera', 'viktor'].map(actor) as [Actor, Actor];
const [anna, ben, carl] = ['anna', 'ben', 'carl'].map(actor) as [Actor, Actor, Actor];
const WINDOWS = 3;
/** The toy model has fewer codes than the music that measures. */
const LOSSES = { before: [2, 2.1, 2.2], after: [1.8, 1.9, 2.01], reference: null };

let engine: Engine;
let shelf: Shelf;
let street: Street;
let town: Town;
let people: Validator[];
beforeAll(async () => { engine = await createOnnxEngine({ threads: 1 }); });
afterAll(() => engine.dispose());
beforeEach(async () => {
  shelf = await openShelf();
  street = await openStreet({ validators: validators.map((one) => [one, 10n ** 10n] as const), miners: [anna, ben, carl] }, { finalityLag: 0 });
  town = townOf(shelf, street, { engine, competition: quickly() });
  people = validators.map((one) => town.validatorOf(one));
  for (const one of [...validators, anna, ben, carl]) street.say(one, runRecord(one));
  await street.blocks(5);
});
afterEach(async () => {
  await street.stop();
  shelf.remove();
});

/** Carl sends what anna sent, and after that half a file. */
const ODD: readonly Odd[] = [{ update: randomUpdate('anna/0') }, { file: (bytes) => bytes.slice(0, bytes.length / 2) }, {}];

/** A window closed and measured by who is first in line, as it changes the entry. */
async function play(window: number, change?: (entry: WindowEntry) => WindowEntry): Promise<void> {
  await town.at(Math.max(town.firstOf(window) + 4, (await street.chain.head()).number));
  const { leaders } = await lineOf({ chain: street.chain, deployment: town.deployment }, window);
  const by = people.find(({ who }) => who.hotkey === leaders[0])!;
  const from = await by.before(window);
  const opened = [];
  for (const [miner, odd] of [[anna, {}], [ben, {}], [carl, ODD[window]!]] as const) opened.push(await town.handIn(miner, window, from.state.digest, odd));
  await town.at(town.firstOf(window) + 15);
  const closing = await by.steps.resolveClosing({ window });
  await by.steps.receiveUpdates(closing);
  await town.at(town.firstOf(window) + 21);
  for (const disclose of opened) await disclose();
  await town.at(town.firstOf(window) + 25);
  const found = await by.find(closing, from);
  const turn = await by.steps.awaitTurn({ closing, before: from, mayLead: true, without: [] });
  if (turn.kind !== 'lead') throw new Error(`Expected a turn, got ${turn.kind}`);
  await by.lead(closing, from, { found, turn, ...(change && { change }) });
  const { ref, entry } = await entryOf(window, by.who);
  await by.keep(closing, found.closed.state, ref);
  // one of them measures all windows, and has the model
  const [vera] = people as [Validator, Validator];
  const scores = entry.peers.map(({ hotkey }) => windowScore({ hotkey, agreement: 0.1, own: null, holdout: LOSSES }));
  await scoring().keepScores({ closing: { ...closing, hotkey: vera.who.hotkey, bucket: vera.who.bucket }, logged: { ref, entry }, scores });
  if (by !== vera) await vera.keep({ ...closing, privateBucket: vera.who.privateBucket }, found.closed.state, ref);
}

const scoring = () => createWindowScoreActivities({ chain: street.chain, store: town.store, deployment: town.deployment });

async function entryOf(window: number, { bucket }: Actor): Promise<Logged> {
  const key = windowKey('rw', window);
  const bytes = await town.store.getByKey(bucket, key, { maxBytes: 2 ** 20 });
  return { ref: { bucket, key, sha256: sha256Hex(bytes), bytes: bytes.byteLength }, entry: (JSON.parse(new TextDecoder().decode(bytes)) as { body: WindowEntry }).body };
}

async function leaderOf(window: number): Promise<Actor> {
  const { leaders } = await lineOf({ chain: street.chain, deployment: town.deployment }, window);
  return validators.find(({ hotkey }) => hotkey === leaders[0])!;
}

/** What vera says that the windows are worth. */
async function settled(): Promise<WindowsReport> {
  const round = createWindowsRoundActivities({ chain: street.chain, store: town.store, deployment: town.deployment, participants: async () => [participant(validators[0], 'validator')], defaultHotkey: undefined });
  const { report } = await inActivity(() => round.settleWindows({}));
  return parseWindowsReport(JSON.parse(new TextDecoder().decode(await town.store.get(report, { maxBytes: 2 ** 20 }))));
}

async function verified(report: WindowsReport): Promise<Check[]> {
  const known: Known = { store: town.store, deployment: town.deployment, participants: [], chain: { chain: street.chain, head: await street.chain.head() }, engine: 'onnx', threads: 1, clap: { cacheDir: '' }, close: async () => undefined };
  return await verifyWindows(known, { report, name: 'report', sha256: '', stands: true, hotkey: report.hotkey }, { deep: false, signal: new AbortController().signal, show: () => undefined });
}
const differencesOf = async (report: WindowsReport): Promise<string[]> => (await verified(report)).flatMap(({ differences }) => differences);

// each plays windows whole, with their models
describe('a report of windows', { timeout: 60_000 }, () => {
  it('agrees where it is honest, window by window', async () => {
    for (let window = 0; window < WINDOWS; window++) await play(window);
    const report = await settled();
    expect(report).toMatchObject({ model: { window: WINDOWS }, windows: [{ window: 0 }, { window: 1 }, { window: 2 }] });
    const checks = await verified(report);
    expect(checks.flatMap(({ differences }) => differences)).toEqual([]);
    expect(checks.filter(({ compared }) => compared === 0).map(({ what }) => what)).toEqual(['weights on the chain']);
    // two that count and one that does not in each but the last window, where three count
    expect(Object.fromEntries(checks.map(({ what, compared }) => [what, compared]))).toMatchObject({ 'who counts in each window, and why others do not': 9, 'norms and clip factors': 14, 'the model before and after each window': 6, 'the report\'s model': 3, 'who is scored': 7 });
  });

  it('is found out by its model, its peers and its miners', async () => {
    await play(0);
    await play(1);
    const report = await settled();
    const other = `${'A'.repeat(43)}=`;
    const [first, second] = report.windows as [WindowsReport['windows'][number], WindowsReport['windows'][number]];
    expect(await differencesOf({ ...report, model: { ...report.model!, state: other } })).toEqual([`model.state is "${other}", the log gives "${report.model!.state}"`]);
    expect(await differencesOf({ ...report, windows: [first, { ...second, scores: second.scores.slice(1) }] })).toEqual([expect.stringContaining(`window 1: ${second.scores[0]!.hotkey} is missing, the log says`) as string]);
    expect(await differencesOf({ ...report, miners: report.miners.slice(1) })).toEqual([expect.stringContaining(`${report.miners[0]!.hotkey} is missing, the chain says`) as string]);
    expect(await differencesOf({ ...report, competition: other })).toEqual([expect.stringContaining('competition is') as string]);
    expect(await differencesOf({ ...report, snapshot: { ...report.snapshot, hash: `0x${'7'.repeat(64)}` } })).toEqual([expect.stringContaining('snapshot.hash is') as string]);
  });

  it.each<[string, (entry: WindowEntry) => WindowEntry, RegExp]>([
    ['a norm that an update does not have', (entry) => ({ ...entry, peers: entry.peers.map((peer, i) => (i === 0 ? { ...peer, norm: 2 * peer.norm } : peer)) }), /^window 1: norm of .* computed again it is/],
    ['another model after it', (entry) => ({ ...entry, after: `${'A'.repeat(43)}=` }), /^window 1: after is .* computed again it is/],
    ['a reason that is none', (entry) => ({ ...entry, refused: entry.refused.map((one) => ({ ...one, reason: 'I do not like it' })) }), /^window 1: .* is "I do not like it", computed again it is "Expected/],
    ['an honest peer as a copy', (entry) => ({ ...entry, peers: entry.peers.slice(1), refused: [...entry.refused, { hotkey: entry.peers[0]!.hotkey, registeredAt: entry.peers[0]!.registeredAt, reason: 'Expected work of its own, got a copy' }] }), /^window 1: .* is "Expected work of its own, got a copy", computed again it is "counts"/],
    ['a peer that nobody registered', (entry) => ({ ...entry, peers: entry.peers.map((peer, i) => (i === 0 ? { ...peer, registeredAt: 7 } : peer)) }), /^window 1: the entry of .* does not count: Expected peers that were registered/],
  ])('names the window in which a leader signs for %s', async (_, change, words) => {
    await play(0);
    await play(1, change);
    expect((await differencesOf(await settled()))[0]).toMatch(words);
  });

  it('names an entry that somebody else has signed', async () => {
    await play(0);
    const leader = await leaderOf(0);
    const report = await settled();
    const { entry } = await entryOf(0, leader);
    const other = validators.find(({ hotkey }) => hotkey !== leader.hotkey)!;
    await town.store.delete(leader.bucket, windowKey('rw', 0));
    await town.store.putOnce(leader.bucket, windowKey('rw', 0), signWindowEntry({ ...entry, hotkey: other.hotkey }, other));
    expect((await differencesOf(report))[0]).toMatch(new RegExp(`^window 0: the entry of ${leader.hotkey} does not count: Expected`));
  });

  it('goes on from a checkpoint where older updates are not kept any more, and says so', async () => {
    for (let window = 0; window < WINDOWS; window++) await play(window);
    const report = await settled();
    for (const { bucket } of validators) for await (const key of town.store.list(bucket, `${windowPrefix('rw', 0)}/`)) if (key.endsWith('.safetensors')) await town.store.delete(bucket, key);
    const checks = await verified(report);
    expect(checks.flatMap(({ differences }) => differences)).toEqual([]);
    expect(checks.find(({ what }) => what.startsWith('who counts'))).toMatchObject({ note: expect.stringContaining('not of windows 0 to 1: what was handed in is not kept any more') as string });
    expect(checks.find(({ what }) => what === 'the report\'s model')).toMatchObject({ compared: 3 });
  });
});
