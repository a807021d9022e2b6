import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lineOf } from '../../activities/window-line.ts';
import { followLog, type Following } from '../../activities/window-log.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { previousKey, windowKey, windowPrefix, type WindowEntry } from '../../genki/protocol/window-log.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { actor, openShelf, openStreet, type Actor, type Shelf, type Street } from './support/federation.ts';
import { quickly, runRecord, townOf, type Odd, type Town, type Validator } from './support/closings.ts';
import { randomUpdate } from './support/delta.ts';

const validators = ['vera', 'viktor'].map(actor) as [Actor, Actor];
const [anna, ben] = ['anna', 'ben'].map(actor) as [Actor, Actor];
const late = actor('joiner');
const WINDOWS = quickly();
const momentum: Competition = quickly(WINDOWS.delta!.codec, { delta: { ...WINDOWS.delta!, outer: { learningRate: 0.7, momentum: 0.9, nesterov: true } } });

let engine: Engine;
let shelf: Shelf;
let street: Street;
let town: Town;
let people: Validator[];
beforeAll(async () => { engine = await createOnnxEngine({ threads: 1 }); });
afterAll(() => engine.dispose());
afterEach(async () => {
  await street.stop();
  shelf.remove();
});

async function open(competition = WINDOWS): Promise<void> {
  shelf = await openShelf();
  street = await openStreet({ validators: validators.map((one) => [one, 10n ** 10n] as const), miners: [anna, ben] }, { finalityLag: 0 });
  town = townOf(shelf, street, { engine, competition });
  people = validators.map((one) => town.validatorOf(one));
  for (const one of [...validators, anna, ben]) street.say(one, runRecord(one));
  await street.blocks(5);
}

/** In the order in which they may close a window, which has begun. */
async function lineIn(window: number): Promise<[Validator, Validator]> {
  await town.at(Math.max(town.firstOf(window) + 4, (await street.chain.head()).number));
  const { leaders } = await lineOf({ chain: street.chain, deployment: town.deployment }, window);
  return leaders.map((hotkey) => people.find(({ who }) => who.hotkey === hotkey)!) as [Validator, Validator];
}

/** Some windows, each closed by who is first in line. */
async function playTo(window: number): Promise<WindowEntry[]> {
  const entries: WindowEntry[] = [];
  for (let at = 0; at <= window; at++) entries.push(await town.play(at, { by: (await lineIn(at))[0], miners: at % 2 === 0 ? [anna, ben] : [anna] }));
  return entries;
}

const follow = (following: Following) => followLog({ chain: street.chain, store: town.store, deployment: town.deployment }, following);
const entryOf = async ({ bucket }: Actor, window: number): Promise<ObjectRef> => {
  const [key, bytes] = [windowKey('rw', window), await town.store.getByKey(bucket, windowKey('rw', window), { maxBytes: 2 ** 20 })];
  return { bucket, key, sha256: sha256Hex(bytes), bytes: bytes.byteLength };
};
const sha256Of = async (who: Actor, window: number): Promise<string> => (await entryOf(who, window)).sha256;

describe('who joins late', () => {
  it('goes on from the newest checkpoint to the exact model, also when it is killed on the way', async () => {
    await open();
    const entries = await playTo(3);
    expect(entries.map(({ checkpoint }) => checkpoint !== null)).toEqual([false, false, true, false]);
    const joiner = town.validatorOf(late);
    const followed = await follow({ from: null, to: 3 });
    if (followed.kind !== 'there' || followed.start.kind !== 'checkpoint') return expect.unreachable(followed.kind);
    expect(followed.start.checkpoint).toMatchObject({ window: 1, state: { digest: entries[1]!.after } });
    expect(followed.entries.map(({ entry }) => entry.window)).toEqual([2, 3]);
    const next = await joiner.models.nextModel({ window: { index: 4, deadline: 1000, privateBucket: late.privateBucket }, without: [], anew: false, known: null });
    if (next.kind !== 'advance') return expect.unreachable(next.kind);
    let beats = 0;
    expect(await joiner.jobs.advance(next.input, { progress: async () => ++beats < 2 })).toBeUndefined();
    const state = await joiner.jobs.advance(next.input, { progress: async () => true });
    expect(state!.digest).toBe(entries[3]!.after);
    expect(await joiner.jobs.advance(next.input, { progress: async () => true })).toEqual(state);
  });

  it('comes to the same model, with its momentum, from the beginning, from a checkpoint, and window by window', async () => {
    await open(momentum);
    const entries = await playTo(2);
    const joiner = town.validatorOf(late);
    const { state } = await joiner.follow(3);
    expect(state.digest).toBe(entries[2]!.after);
    expect(state.momentum).not.toBeNull();
    const followed = await follow({ from: { window: -1, digest: entries[0]!.before }, to: 2 });
    expect(followed).toMatchObject({ kind: 'there', start: { kind: 'own' } });
    const genesis = { dama: town.deployment.genesisDama, momentum: null, digest: entries[0]!.before };
    const { steps: _, ...input } = (await joiner.models.nextModel({ window: { index: 2, deadline: 1000, privateBucket: 'other-private' }, without: [], anew: true, known: null }) as { input: Parameters<typeof joiner.jobs.advance>[0] }).input;
    const steps = followed.kind === 'there' ? followed.entries.map(({ ref, entry: { window } }) => ({ window, entry: ref })) : [];
    expect((await joiner.jobs.advance({ ...input, from: genesis, steps }, { progress: async () => true }))!.digest).toBe(state.digest);
  });

  it('is not led astray by what a leader leaves that dies between checkpoint and entry', async () => {
    await open();
    await playTo(1);
    const [first, second] = await lineIn(2);
    const from = await first.before(2);
    const opened = await town.handIn(anna, 2, from.state.digest);
    await town.at(town.firstOf(2) + 15);
    const closings = [];
    for (const one of [first, second]) closings.push(await one.steps.resolveClosing({ window: 2 }));
    for (const [i, one] of [first, second].entries()) await one.steps.receiveUpdates(closings[i]!);
    await town.at(town.firstOf(2) + 21);
    await opened();
    await town.at(town.firstOf(2) + 25);
    const turn = await first.steps.awaitTurn({ closing: closings[0]!, before: from, mayLead: true, without: [] });
    if (turn.kind !== 'lead') return expect.unreachable(turn.kind);
    expect(await first.steps.keepCheckpoint({ closing: closings[0]!, before: from, turn })).toMatchObject({ bucket: first.who.bucket });
    expect(await follow({ from: null, to: 2 })).toMatchObject({ kind: 'waiting', window: 2, leader: first.who.hotkey, untilBlock: town.firstOf(2) + 27 });
    await town.at(town.firstOf(2) + 27);
    const entry = await town.close(2, second);
    expect(entry.checkpoint).toMatchObject({ bucket: second.who.bucket });
    expect((await town.validatorOf(late).follow(3)).state.digest).toBe(entry.after);
    // back again it follows, and does the same once more if it has to
    expect((await first.follow(3)).state.digest).toBe(entry.after);
    expect(await first.steps.keepCheckpoint({ closing: closings[0]!, before: from, turn })).toMatchObject({ bucket: first.who.bucket });
  });

  it('passes over a window that was missed', async () => {
    await open();
    await playTo(0);
    // from here on nobody closes window 2 any more
    await town.at(town.firstOf(3) + 9);
    const [by] = await lineIn(3);
    const entry = await town.play(3, { by, miners: [ben] });
    expect(entry.previous).toMatchObject({ window: 0 });
    expect(entry.checkpoint).not.toBeNull();
    expect((await town.validatorOf(late).follow(4)).state.digest).toBe(entry.after);
  });

  it('finds the log whole when a leader takes its entry away', async () => {
    await open();
    const entries = await playTo(1);
    await town.store.delete(people.find(({ who }) => who.hotkey === entries[0]!.hotkey)!.who.bucket, windowKey('rw', 0));
    const keeper = people.find(({ who }) => who.hotkey === entries[1]!.hotkey)!.who;
    expect(await town.store.head(keeper.bucket, previousKey('rw', entries[1]!.previous!))).toBeDefined();
    const joiner = town.validatorOf(late);
    if (entries[0]!.hotkey !== entries[1]!.hotkey) expect((await joiner.follow(2)).state.digest).toBe(entries[1]!.after);
    expect(await follow({ from: null, to: 1 })).toMatchObject({ kind: 'there', start: { kind: 'genesis' } });
  });

  it('finds it whole, too, when the leader takes its entry away before anybody else has written one', async () => {
    await open();
    const [leader] = await lineIn(0);
    const entry = await town.play(0, { by: leader, miners: [anna], among: people });
    const [next] = people.filter((one) => one !== leader);
    await next!.follow(1);
    await town.store.delete(leader.who.bucket, windowKey('rw', 0));
    await lineIn(1);
    const disclose = await town.handIn(ben, 1, entry.after);
    await town.at(town.firstOf(1) + 15);
    await next!.steps.receiveUpdates(await next!.steps.resolveClosing({ window: 1 }));
    await town.at(town.firstOf(1) + 21);
    await disclose();
    // of the first in line or the second
    await town.at(town.firstOf(1) + 27);
    const second = await town.close(1, next!);
    expect(second).toMatchObject({ before: entry.after, previous: { window: 0, hotkey: leader.who.hotkey } });
    expect((await town.validatorOf(late).follow(2)).state.digest).toBe(second.after);
  });
});

describe('a fork', () => {
  it('is noticed by digest, with the window named, and left for the log', async () => {
    await open();
    const entries = await playTo(2);
    const stray: WindowState = { ...(await town.validatorOf(late).follow(2)).state, digest: `${'A'.repeat(43)}=` };
    expect(await follow({ from: { window: 1, digest: stray.digest }, to: 2 })).toEqual({ kind: 'forked', window: 1, entries: [{ hotkey: entries[1]!.hotkey, window: 1, sha256: entries[2]!.previous!.sha256, after: entries[1]!.after }] });
    const joiner = town.validatorOf(late);
    await joiner.models.keepModel({ window: { privateBucket: late.privateBucket }, begins: 2, state: stray, entry: null });
    expect((await joiner.follow(3)).state.digest).toBe(entries[2]!.after);
  });

  it('of two validators ends with the next window, by whose leaders stood foremost', async () => {
    await open();
    const [first, second] = await lineIn(0);
    const from = await first.before(0);
    const opened = await town.handIn(anna, 0, from.state.digest);
    await town.at(15);
    const closings = [await first.steps.resolveClosing({ window: 0 }), await second.steps.resolveClosing({ window: 0 })] as const;
    await first.steps.receiveUpdates(closings[0]);
    const openedToo = await town.handIn(ben, 0, from.state.digest);
    await second.steps.receiveUpdates(closings[1]);
    await town.at(21);
    await opened();
    await openedToo();
    await town.at(27);
    const other = await town.close(0, second);
    // the first in line comes when the second has written: both entries are there
    const found = await first.find(closings[0], from);
    await first.lead(closings[0], from, { found, turn: { kind: 'lead', rank: 0, previous: null } });
    await first.keep(closings[0], found.closed.state, await entryOf(first.who, 0));
    expect(found.closed.state.digest).not.toBe(other.after);
    expect(await follow({ from: { window: -1, digest: from.state.digest }, to: 0 })).toMatchObject({ entries: [{ entry: { rank: 0 } }] });
    expect(await follow({ from: null, to: 0 })).toMatchObject({ entries: [{ entry: { rank: 0 } }] });
    const [leader] = await lineIn(1);
    const entry = await town.play(1, { by: leader, miners: [anna] });
    const others = leader === first ? other.after : found.closed.state.digest;
    expect(await follow({ from: { window: 0, digest: others }, to: 1 })).toMatchObject({ kind: 'forked', window: 0, entries: [{ after: entry.before }] });
  });

  it('is not made by a leader that comes late, with another entry of the same model', async () => {
    await open();
    const [first, second] = await lineIn(0);
    const from = await first.before(0);
    const disclose = await town.handIn(anna, 0, from.state.digest);
    await town.at(15);
    const closing = await first.steps.resolveClosing({ window: 0 });
    for (const one of [first, second]) await one.steps.receiveUpdates(await one.steps.resolveClosing({ window: 0 }));
    await town.at(21);
    await disclose();
    await town.at(27);
    const applied = await town.close(0, second);
    const found = await first.find(closing, from);
    await first.lead(closing, from, { found, turn: { kind: 'lead', rank: 0, previous: null } });
    expect(found.closed.state.digest).toBe(applied.after);
    // the stand-in is whom it goes on from, now and when it looks again
    await town.at(town.firstOf(1) + 25);
    const before = await second.follow(1);
    await town.at(town.firstOf(1) + 27);
    const next = await second.steps.awaitTurn({ closing: await second.steps.resolveClosing({ window: 1 }), before, mayLead: true, without: [] });
    expect(next).toMatchObject({ kind: 'lead', previous: { window: 0, hotkey: second.who.hotkey, sha256: await sha256Of(second.who, 0) } });
  });

  it('is not made by a leader that leaves out what others closed', async () => {
    await open();
    const [genesis] = await playTo(0);
    const [, one] = await playWithout();
    const [first, second] = await lineIn(2);
    // the first in line goes on from window 0 as if there were no window 1
    const stale = await town.validatorOf(actor('stale')).follow(1);
    const from = await second.before(2);
    await town.at(town.firstOf(2) + 15);
    const closings = [await first.steps.resolveClosing({ window: 2 }), await second.steps.resolveClosing({ window: 2 })] as const;
    await first.steps.receiveUpdates(closings[0]);
    await second.steps.receiveUpdates(closings[1]);
    await town.at(town.firstOf(2) + 25);
    const back = await first.find(closings[0], stale);
    await first.lead(closings[0], stale, { found: back, turn: { kind: 'lead', rank: 0, previous: { window: 0, hotkey: genesis!.hotkey, sha256: await sha256Of(people.find(({ who }) => who.hotkey === genesis!.hotkey)!.who, 0) } } });
    expect(await follow({ from: { window: 1, digest: one!.after }, to: 2 })).toMatchObject({ kind: 'waiting', window: 2 });
    await town.at(town.firstOf(2) + 27);
    const entry = await town.close(2, second);
    expect(entry).toMatchObject({ rank: 1, before: from.state.digest });
    for (const known of [{ window: 1, digest: one!.after }, null]) expect(await follow({ from: known, to: 2 })).toMatchObject({ kind: 'there', entries: expect.arrayContaining([expect.objectContaining({ entry })]) as unknown });
  });
});

/** Windows 0, which is there, and 1. */
async function playWithout(): Promise<(WindowEntry | undefined)[]> {
  return [undefined, await town.play(1, { by: (await lineIn(1))[0], miners: [anna] })];
}

describe('an update', () => {
  it('of the last window is not taken once more, its miner’s or another’s', async () => {
    await open();
    await playTo(0);
    const [by] = await lineIn(1);
    const from = await by.before(1);
    const again = [await town.handIn(anna, 1, from.state.digest, { update: randomUpdate('anna/0') }), await town.handIn(ben, 1, from.state.digest, { update: randomUpdate('anna/0') })];
    await town.at(town.firstOf(1) + 15);
    const closing = await by.steps.resolveClosing({ window: 1 });
    await by.steps.receiveUpdates(closing);
    await town.at(town.firstOf(1) + 21);
    for (const disclose of again) await disclose();
    await town.at(town.firstOf(1) + 25);
    const { closed } = await by.find(closing, from);
    const reason = `Expected work of its own, got a copy of the update of ${anna.hotkey} in window 0: cosine 1.000`;
    expect(closed).toMatchObject({ accepted: [], refused: [{ hotkey: anna.hotkey, reason }, { hotkey: ben.hotkey, reason }], state: from.state });
  });

  it('as a slice is received by its root, chosen by the block after the window, and audited by five', async () => {
    await open(quickly({ kind: 'slice', compression: 10, feedback: 1 }));
    const entries = await playTo(2);
    expect(entries.map(({ peers, refused }) => [peers.length, refused])).toEqual([[2, []], [1, []], [2, []]]);
    expect((await town.validatorOf(late).follow(3)).state.digest).toBe(entries[2]!.after);
  });

  it('as a slice that is of another update than was signed is refused', async () => {
    await open(quickly({ kind: 'slice', compression: 10, feedback: 1 }));
    const [by] = await lineIn(0);
    const from = await by.before(0);
    const disclose = await town.handIn(anna, 0, from.state.digest, { body: { root: 'ab'.repeat(32) } });
    await town.at(15);
    const closing = await by.steps.resolveClosing({ window: 0 });
    await by.steps.receiveUpdates(closing);
    await town.at(24);
    await disclose();
    await town.at(25);
    expect((await by.find(closing, from)).closed.refused).toEqual([{ hotkey: anna.hotkey, reason: expect.stringContaining(`Expected leaves of the update with the root ${'ab'.repeat(32)}`) as string }]);
  });

  it.each<[string, Odd['signs'], string]>([
    ['nothing', () => undefined, 'Expected what is signed of the slice anna/manifests/'],
    ['another slice', (honest) => ({ ...honest, sha256: 'ab'.repeat(32) }), `Expected the slice ${'ab'.repeat(32)} that`],
    ['that of another manifest', (honest) => ({ ...honest, manifest: 'c'.repeat(40) }), 'Expected the slice of the manifest'],
  ])('as a slice for which its miner signed %s is refused', async (_, signs, reason) => {
    await open(quickly({ kind: 'slice', compression: 10, feedback: 1 }));
    const [by] = await lineIn(0);
    const from = await by.before(0);
    const disclose = await town.handIn(anna, 0, from.state.digest, { signs });
    await town.at(15);
    const closing = await by.steps.resolveClosing({ window: 0 });
    await by.steps.receiveUpdates(closing);
    await town.at(24);
    await disclose();
    await town.at(25);
    expect(await by.steps.openUpdates({ closing, before: from })).toMatchObject({ opened: [], refused: [{ hotkey: anna.hotkey, reason: expect.stringContaining(reason) as string }] });
  });
});

describe('a leader', () => {
  it('that changes what of a slice no audit looks at has written no entry', async () => {
    await open(quickly({ kind: 'slice', compression: 10, feedback: 1 }));
    const [by] = await lineIn(0);
    const [closing, from] = [await by.steps.resolveClosing({ window: 0 }), await by.before(0)];
    const disclose = await town.handIn(anna, 0, from.state.digest);
    await town.at(15);
    await by.steps.receiveUpdates(closing);
    await town.at(24);
    await disclose();
    await town.at(25);
    const found = await by.find(closing, from);
    const turn = await by.steps.awaitTurn({ closing, before: from, mayLead: true, without: [] });
    if (turn.kind !== 'lead') throw new Error(`Expected a turn, got ${turn.kind}`);
    const { ref } = found.verdicts.opened[0]!;
    const other = await town.store.get(ref, { maxBytes: 2 ** 20 });
    other[other.byteLength - 1]! ^= 1;
    const forged = await town.store.putOnce(by.who.bucket, `${windowPrefix('rw', 0)}/forged.safetensors`, other);
    await by.lead(closing, from, { found, turn, change: (entry) => ({ ...entry, peers: entry.peers.map((peer) => ({ ...peer, update: forged })) }) });
    expect(await follow({ from: { window: -1, digest: from.state.digest }, to: 0 })).toMatchObject({ kind: 'waiting', window: 0 });
  });
});
