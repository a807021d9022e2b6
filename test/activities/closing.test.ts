import { ApplicationFailure } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Closing } from '../../activities/closing.ts';
import { lineOf } from '../../activities/window-line.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import { encodeUpdate } from '../../genki/federation/compression/update-codec.ts';
import { windowKey, type WindowEntry } from '../../genki/protocol/window-log.ts';
import { actor, openShelf, openStreet, type Actor, type Shelf, type Street } from './support/federation.ts';
import { quickly, runRecord, townOf, type Odd, type Town, type Validator } from './support/closings.ts';
import { randomUpdate } from './support/delta.ts';

const [vera, viktor, viola] = ['vera', 'viktor', 'viola'].map(actor) as [Actor, Actor, Actor];
const [anna, ben, carl] = ['anna', 'ben', 'carl'].map(actor) as [Actor, Actor, Actor];
const competition = quickly();

let engine: Engine;
let shelf: Shelf;
let street: Street;
let town: Town;
/** In the order in which they may close window 0. */
let line: Validator[];
beforeAll(async () => { engine = await createOnnxEngine({ threads: 1 }); });
afterAll(() => engine.dispose());
beforeEach(async () => {
  shelf = await openShelf();
  street = await openStreet({ validators: [[vera, 3n * 10n ** 10n], [viktor, 2n * 10n ** 10n], [viola, 10n ** 10n]], miners: [anna, ben, carl] }, { finalityLag: 0 });
  town = townOf(shelf, street, { engine, competition });
  for (const one of [vera, viktor, viola, anna, ben, carl]) street.say(one, runRecord(one));
  await street.blocks(5);
  const { leaders } = await lineOf({ chain: street.chain, deployment: town.deployment }, 0);
  line = [...leaders, ...[vera, viktor, viola].map(({ hotkey }) => hotkey).filter((hotkey) => !leaders.includes(hotkey))].map((hotkey) => town.validatorOf([vera, viktor, viola].find((one) => one.hotkey === hotkey)!));
});
afterEach(async () => {
  await street.stop();
  shelf.remove();
});

const closingOf = (validator: Validator, window = 0): Promise<Closing> => validator.steps.resolveClosing({ window });
const genesis = async (): Promise<string> => (await line[0]!.before(0)).state.digest;
const waits = async (task: Promise<unknown>): Promise<string> => task.then(() => expect.unreachable('it did not wait'), (error: unknown) => (error instanceof ApplicationFailure ? error.type! : expect.unreachable(String(error))));

/** Everybody hands in, the validators receive, the seals are opened. */
async function played(odds: readonly (readonly [Actor, Odd])[], { disclosed = odds.length }: { disclosed?: number } = {}) {
  const base = await genesis();
  const open = [];
  for (const [by, odd] of odds) open.push(await town.handIn(by, 0, base, odd));
  await town.at(15);
  const closings = [];
  for (const validator of line) {
    const closing = await closingOf(validator);
    await validator.steps.receiveUpdates(closing);
    closings.push(closing);
  }
  await town.at(21);
  for (const disclose of open.slice(0, disclosed)) await disclose();
  await town.at(25);
  return closings as [Closing, Closing, Closing];
}

async function turnOf(validator: Validator, closing: Closing, without: readonly string[] = []) {
  return await validator.steps.awaitTurn({ closing, before: await validator.before(0), mayLead: true, without });
}

async function leads(validator: Validator, closing: Closing, change?: (entry: WindowEntry) => WindowEntry) {
  const from = await validator.before(0);
  const found = await validator.find(closing, from);
  const turn = await turnOf(validator, closing);
  if (turn.kind !== 'lead') return expect.unreachable(`it is ${turn.kind}`);
  await validator.lead(closing, from, { found, turn, ...(change && { change }) });
  return found;
}

async function follows(validator: Validator, closing: Closing, without: readonly string[] = []) {
  const turn = await turnOf(validator, closing, without);
  if (turn.kind !== 'entry') return expect.unreachable(`it is ${turn.kind}`);
  const state = (await validator.jobs.advance(turn.advance, { progress: async () => true }))!;
  await validator.keep(closing, state, turn.logged.ref);
  return { turn, state };
}

describe('a window', () => {
  it('is received at its deadline, opened after its reveal, closed by its leader and followed by all others', async () => {
    const [first, second] = await played([[anna, {}], [ben, {}], [carl, {}]]);
    const found = await leads(line[0]!, first);
    expect(found.closed.refused).toEqual([]);
    const { turn, state } = await follows(line[1]!, second);
    expect(turn.logged.entry).toMatchObject({ version: 1, competition: town.digest, hotkey: line[0]!.who.hotkey, rank: 0, window: 0, previous: null, before: await genesis(), after: found.closed.state.digest, refused: [], checkpoint: null });
    expect(turn.logged.entry.peers.map(({ hotkey }) => hotkey)).toEqual([anna, ben, carl].map(({ hotkey }) => hotkey));
    expect(state).toEqual({ ...found.closed.state, dama: { ...found.closed.state.dama, weights: { ...found.closed.state.dama.weights, bucket: line[1]!.who.privateBucket }, config: { ...found.closed.state.dama.config, bucket: line[1]!.who.privateBucket } } });
    const own = await line[1]!.find(second, await line[1]!.before(0));
    expect(own.closed.state.digest).toBe(state.digest);
    expect(await line[1]!.steps.compareEntry({ logged: turn.logged, verdicts: own.verdicts, closed: own.closed })).toEqual([]);
  });

  it('is not received before its deadline, nor opened before its reveal, nor closed out of turn', async () => {
    const closing = await closingOf(line[1]!);
    await town.at(14);
    expect(await waits(line[1]!.steps.receiveUpdates(closing))).toBe('BlockNotFinal');
    await town.at(15);
    expect(await line[1]!.steps.receiveUpdates(closing)).toEqual({ received: 0, refused: 0, late: false });
    await town.at(24);
    expect(await waits(line[1]!.steps.openUpdates({ closing, before: await line[1]!.before(0) }))).toBe('BlockNotFinal');
    await town.at(26);
    expect(await waits(turnOf(line[1]!, closing))).toBe('WindowOpen');
    await town.at(27);
    expect(await turnOf(line[1]!, closing)).toEqual({ kind: 'lead', rank: 1, previous: null });
  });

  it('takes who was there at the deadline, whatever comes later, also of a head that falls back or a node that starts again', async () => {
    const base = await genesis();
    const discloseAnna = await town.handIn(anna, 0, base);
    await town.at(15);
    const closing = await closingOf(line[0]!);
    expect(await line[0]!.steps.receiveUpdates(closing)).toEqual({ received: 1, refused: 0, late: false });
    const discloseBen = await town.handIn(ben, 0, base);
    // what its owner takes away, or puts in its place, is not looked at any more
    await town.store.delete(anna.bucket, windowKey('rw', 0));
    await town.at(21);
    expect(await line[0]!.steps.receiveUpdates(closing)).toEqual({ received: 1, refused: 0, late: false });
    await Promise.all([discloseAnna(), discloseBen()]);
    await town.at(25);
    expect((await line[0]!.find(closing, await line[0]!.before(0))).closed.accepted.map(({ hotkey }) => hotkey)).toEqual([anna.hotkey]);
  });

  it('is not judged by who first looks when others may have disclosed', async () => {
    await town.handIn(anna, 0, await genesis());
    const closing = await closingOf(line[0]!);
    await town.at(19);
    expect(await line[0]!.steps.receiveUpdates(closing)).toEqual({ received: 1, refused: 0, late: true });
    await town.at(25);
    expect(await waits(line[0]!.steps.awaitTurn({ closing, before: await line[0]!.before(0), mayLead: false, without: [] }))).toBe('WindowOpen');
  });

  it('without an update leaves the model as it is, with an entry that says so', async () => {
    const [first, second] = await played([]);
    await leads(line[0]!, first);
    const { turn, state } = await follows(line[1]!, second);
    expect(turn.logged.entry).toMatchObject({ peers: [], before: await genesis(), after: await genesis() });
    expect(state).toEqual((await line[1]!.before(0)).state);
  });

  it.each<[string, Odd, number, string]>([
    ['hands in a manifest for another window', { body: { window: 1 } }, 1, 'Expected a manifest of window 0, got one of 1'],
    ['signs for somebody else', { signer: ben }, 1, 'Expected a signature of'],
    ['is of another competition', { body: { competition: `${'A'.repeat(43)}=` } }, 1, 'with competition'],
    ['names a file that is not there', { sealedMissing: true }, 1, 'Expected update.safetensors of'],
    ['goes on from another model', { body: { base: `${'A'.repeat(43)}=` } }, 1, 'with base'],
    ['keeps the key', {}, 0, 'by block 25, got none'],
    ['sends half a file', { file: (bytes) => bytes.slice(0, bytes.length / 2) }, 1, 'Expected'],
    ['sends a value that is none', { file: (bytes) => bytes.map((byte, i) => (i > bytes.length - 4 ? 0xff : byte)) }, 1, 'Expected'],
    ['sends zeros', { update: new Float32Array(randomUpdate('zeros').length) }, 1, 'Expected an update that changes something, got zeros'],
    ['sends what somebody earlier sent', { update: randomUpdate(`${anna.name}/0`) }, 1, `got a copy of the update of ${anna.hotkey}: cosine 1.000`],
    ['sends a part of it', { update: encodeUpdate(competition.delta!.codec, randomUpdate(`${anna.name}/0`)).sent.map((value, i) => (i % 3 === 0 ? 0 : value)) }, 1, `got a copy of the update of ${anna.hotkey}`],
  ])('leaves out a miner that %s, and says why', async (_, odd, disclosed, reason) => {
    const [first] = await played([[anna, {}], [carl, odd]], { disclosed: 1 + disclosed });
    const { verdicts, closed } = await line[0]!.find(first, await line[0]!.before(0));
    expect(closed.accepted.map(({ hotkey }) => hotkey)).toEqual([anna.hotkey]);
    const entry = await line[0]!.steps.draftEntry({ closing: first, before: await line[0]!.before(0), turn: { kind: 'lead', rank: 0, previous: null }, verdicts, closed, checkpoint: null });
    expect(entry.refused).toEqual([{ hotkey: carl.hotkey, registeredAt: 0, reason: expect.stringContaining(reason) as string }]);
  });
});

describe('a leader', () => {
  it('that is silent is stood in for by the next in line, and then nobody', async () => {
    const [, second, third] = await played([[anna, {}]]);
    await town.at(27);
    await leads(line[1]!, second);
    const { turn } = await follows(line[2]!, third);
    expect(turn.logged.entry).toMatchObject({ rank: 1, hotkey: line[1]!.who.hotkey });
    expect((await follows(line[0]!, await closingOf(line[0]!))).turn.logged.entry.rank).toBe(1);
  });

  it('that nobody stands in for leaves a window that was missed', async () => {
    const [first, , third] = await played([[anna, {}]]);
    await town.at(28);
    // two have a turn
    expect(await waits(turnOf(line[2]!, third))).toBe('WindowOpen');
    await town.at(29);
    expect(await turnOf(line[0]!, first)).toEqual({ kind: 'missed' });
    expect((await line[0]!.before(1)).state.digest).toBe(await genesis());
  });

  it('that says another model is found out, with the window named, and stood in for', async () => {
    const [first, second, third] = await played([[anna, {}], [ben, {}]]);
    await leads(line[0]!, first, (entry) => ({ ...entry, after: `${'A'.repeat(43)}=` }));
    await expect(follows(line[2]!, third)).rejects.toThrow(`Expected the model ${'A'.repeat(43)}= after window 0, got`);
    const wrong = await turnOf(line[1]!, second);
    if (wrong.kind !== 'entry') return expect.unreachable();
    await town.at(27);
    const from = await line[1]!.before(0);
    const turn = await turnOf(line[1]!, second, [wrong.logged.ref.sha256]);
    if (turn.kind !== 'lead') return expect.unreachable();
    await line[1]!.lead(second, from, { found: await line[1]!.find(second, from), turn });
    expect((await follows(line[2]!, third, [wrong.logged.ref.sha256])).turn.logged.entry.rank).toBe(1);
  });

  it.each<[string, (entry: WindowEntry) => WindowEntry]>([
    ['counts an update for more than it is', (entry) => ({ ...entry, peers: entry.peers.map((peer, i) => (i === 0 ? { ...peer, norm: 2 * peer.norm } : peer)) })],
    ['clips one that is not too long', (entry) => ({ ...entry, peers: entry.peers.map((peer, i) => (i === 0 ? { ...peer, factor: peer.factor / 2 } : peer)) })],
  ])('that %s is found out', async (_, change) => {
    const [first, , third] = await played([[anna, {}], [ben, {}]]);
    await leads(line[0]!, first, change);
    await expect(follows(line[2]!, third)).rejects.toThrow('in window 0, the entry says');
  });

  it.each<[string, (entry: WindowEntry) => WindowEntry]>([
    ['makes up a peer', (entry) => ({ ...entry, peers: entry.peers.map((peer, i) => (i === 0 ? { ...peer, hotkey: carl.hotkey } : peer)) })],
    ['exchanges what a peer sent', (entry) => ({ ...entry, peers: entry.peers.map((peer, i) => (i === 0 ? { ...peer, update: entry.peers[1]!.update } : peer)) })],
    ['takes somebody who is not registered', (entry) => ({ ...entry, peers: entry.peers.map((peer, i) => (i === 0 ? { ...peer, registeredAt: 7 } : peer)) })],
    ['says that it is first in line', (entry) => ({ ...entry, rank: 1 })],
    ['goes on from an entry that there is not', (entry) => ({ ...entry, window: 0, previous: null, competition: `${'A'.repeat(43)}=` })],
  ])('that %s is not listened to', async (_, change) => {
    const [first, , third] = await played([[anna, {}], [ben, {}]]);
    await leads(line[0]!, first, change);
    expect(await waits(turnOf(line[2]!, third))).toBe('WindowOpen');
  });

  it('that leaves out or adds a peer is followed, and the difference named', async () => {
    const base = await genesis();
    const open = [await town.handIn(anna, 0, base), await town.handIn(ben, 0, base)];
    await town.at(15);
    const [first, second] = [await closingOf(line[0]!), await closingOf(line[1]!)];
    await line[0]!.steps.receiveUpdates(first);
    // in the time between the two looks
    open.push(await town.handIn(carl, 0, base));
    await line[1]!.steps.receiveUpdates(second);
    await town.at(21);
    for (const disclose of open) await disclose();
    await town.at(25);
    await leads(line[0]!, first);
    const { turn, state } = await follows(line[1]!, second);
    const own = await line[1]!.find(second, await line[1]!.before(0));
    expect(own.closed.state.digest).not.toBe(state.digest);
    expect(await line[1]!.steps.compareEntry({ logged: turn.logged, ...own })).toEqual([`the leader left out ${carl.hotkey}, which counts here: nothing was received in time`]);
  });
});
