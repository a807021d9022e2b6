import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Closing } from '../../activities/closing.ts';
import { lineOf } from '../../activities/window-line.ts';
import { followLog, type Following } from '../../activities/window-log.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import { ModelSpoiled } from '../../genki/errors.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { windowKey, type WindowEntry } from '../../genki/protocol/window-log.ts';
import { actor, BLOCK_MS, keepDama, openShelf, openStreet, type Actor, type Shelf, type Street } from './support/federation.ts';
import { quickly, runRecord, townOf, type Town, type Validator } from './support/closings.ts';

const validators = ['vera', 'viktor'].map(actor) as [Actor, Actor];
const [anna, ben] = ['anna', 'ben'].map(actor) as [Actor, Actor];
const late = actor('joiner');

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

async function open(stakes: readonly [bigint, bigint] = [10n ** 10n, 10n ** 10n]): Promise<void> {
  shelf = await openShelf();
  street = await openStreet({ validators: validators.map((one, i) => [one, stakes[i]!] as const), miners: [anna, ben] }, { finalityLag: 0 });
  town = townOf(shelf, street, { engine, competition: quickly() });
  people = validators.map((one) => town.validatorOf(one));
  for (const one of [...validators, anna, ben]) street.say(one, runRecord(one));
  await street.blocks(5);
}

async function lineIn(window: number): Promise<[Validator, Validator]> {
  await town.at(Math.max(town.firstOf(window) + 4, (await street.chain.head()).number));
  const { leaders } = await lineOf({ chain: street.chain, deployment: town.deployment }, window);
  return leaders.map((hotkey) => people.find(({ who }) => who.hotkey === hotkey)!) as [Validator, Validator];
}

const wanted = (who: Actor, index: number) => ({ index, deadline: Number.MAX_SAFE_INTEGER, privateBucket: who.privateBucket });
const sha256At = async (bucket: string, key: string): Promise<string> => createHash('sha256').update(await town.store.getByKey(bucket, key, { maxBytes: 2 ** 22 })).digest('hex');

/** As the workflow `followToModel`. */
async function followToModel(by: Validator, index: number, most = 12): Promise<string> {
  const without: string[] = [];
  let oneByOne = false;
  let anew = 0;
  for (let turn = 0; turn < most; turn++) {
    const next = await by.models.nextModel({ window: wanted(by.who, index), without, anew: anew === 1, known: null });
    if (next.kind === 'there') return next.state.digest;
    if (next.kind !== 'advance') return next.kind;
    const [first, ...more] = next.input.steps;
    const some = oneByOne && first && more.length > 0 ? { ...next.input, steps: [first] } : next.input;
    try {
      const state = (await by.jobs.advance(some, { progress: async () => true }))!;
      await by.models.keepModel({ window: wanted(by.who, index), begins: some === next.input ? index : first!.window + 1, state, entry: some.steps.at(-1)?.entry ?? next.entry });
      if (anew === 1) anew = 2;
    } catch (error) {
      if (anew === 1) anew = 2;
      if (error instanceof ModelSpoiled && next.fromOwn && anew === 0) anew = 1;
      else if (!oneByOne && next.input.steps.length > 1) oneByOne = true;
      else without.push(first!.entry.sha256, `${first!.entry.bucket}/${first!.entry.key}`);
    }
  }
  return 'without end';
}

describe('a validator that stands somewhere in line, and first once', () => {
  it('cannot put a model of its own in the place of the log’s', async () => {
    await open();
    // a window that an honest one closes as the first, and the next one, which the other leads
    let at = 0;
    let [first, second] = await lineIn(at);
    const entries = new Map<number, WindowEntry>();
    for (;; at++) {
      [first, second] = await lineIn(at);
      entries.set(at, await town.play(at, { by: first, miners: [anna, ben] }));
      const [next] = await lineIn(at + 1);
      if (next === second && at > 0) break;
    }
    const [honest, thief] = [first, second];
    for (let window = 0; window <= at + 1; window++) await followToModel(honest, window);
    const own = entries.get(at)!;
    // what the thief wants everybody to have
    const bogus = await keepDama(town.store, thief.who.bucket, 'bogus');
    const { stateDigest } = await import('../../genki/federation/window-state.ts');
    const { flatten } = await import('../../genki/federation/layout.ts');
    const { TOY_LAYOUT } = await import('./support/delta.ts');
    const { decodeSafetensors } = await import('../../genki/protocol/safetensors.ts');
    const weights = flatten(TOY_LAYOUT, decodeSafetensors(await town.store.get(bogus.weights, { maxBytes: 2 ** 26 })).tensors);
    const wrong = stateDigest(weights, null);
    const wallet = createWalletActivities({ chain: street.chain, signer: thief.who, blockMs: BLOCK_MS });
    const there = own.peers.map((peer) => ({ ...peer, manifest: { ...peer.manifest, bucket: thief.who.bucket }, update: { ...peer.update, bucket: thief.who.bucket } }));
    const fake: WindowEntry = { ...own, hotkey: thief.who.hotkey, rank: 1, after: wrong, peers: there, checkpoint: null, refused: [] };
    await town.store.putOnce(thief.who.bucket, windowKey('rw', at), new TextEncoder().encode(await wallet.signWindowEntry(fake)));
    const sha256 = await sha256At(thief.who.bucket, windowKey('rw', at));
    const checkpoint = { version: 1, window: at, entry: sha256, state: { digest: wrong, dama: bogus, momentum: null } };
    const ref = await town.store.putOnce(thief.who.bucket, 'checkpoints/rw/bogus.json', new TextEncoder().encode(canonicalJson(checkpoint)));
    await town.at(town.firstOf(at + 1) + 25);
    const tip: WindowEntry = { ...fake, rank: 0, window: at + 1, previous: { window: at, hotkey: thief.who.hotkey, sha256 }, before: wrong, after: wrong, peers: [], checkpoint: ref };
    await town.store.putOnce(thief.who.bucket, windowKey('rw', at + 1), new TextEncoder().encode(await wallet.signWindowEntry(tip)));
    await town.at(town.firstOf(at + 2) + 10);
    expect(await followToModel(honest, at + 2)).not.toBe(wrong);
  }, 60_000);
});

describe('a leader that holds its entry back', () => {
  it('does not replace the stand-in’s, which most of the stake has taken, when it leads the next window, too', async () => {
    await open([10n ** 10n, 10n ** 10n + 1n]);
    const [vera, viktor] = people as [Validator, Validator];
    const follow = (following: Following) => followLog({ chain: street.chain, store: town.store, deployment: town.deployment }, following);
    const received = async (window: number): Promise<Closing> => {
      const closing = await viktor.steps.resolveClosing({ window });
      // nobody closes the window before any more
      await town.at(town.firstOf(window) + 10);
      const disclose = await town.handIn(anna, window, (await viktor.before(window)).state.digest);
      await town.at(town.firstOf(window) + 15);
      await viktor.steps.receiveUpdates(closing);
      await town.at(town.firstOf(window) + 21);
      await disclose();
      return closing;
    };
    let at = 0;
    let entry: WindowEntry;
    for (;; at++) {
      // windows that it does not lead are missed
      const [first] = await lineIn(at);
      if (first !== vera) continue;
      const closing = await received(at);
      await town.at(town.firstOf(at) + 27);
      entry = await town.close(at, viktor);
      const ref = { bucket: viktor.who.bucket, key: windowKey('rw', at), sha256: await sha256At(viktor.who.bucket, windowKey('rw', at)), bytes: 1 };
      await viktor.steps.keepScores({ closing, logged: { ref, entry }, scores: [] });
      const [next] = await lineIn(at + 1);
      if (next === vera) break;
    }
    const write = async (late: WindowEntry): Promise<string> => {
      await town.store.putOnce(vera.who.bucket, windowKey('rw', late.window), new TextEncoder().encode(await vera.wallet.signWindowEntry(late)));
      return await sha256At(vera.who.bucket, windowKey('rw', late.window));
    };
    // nobody counts in what it has held back, nor in what goes on from there
    const held: WindowEntry = { ...entry, hotkey: vera.who.hotkey, rank: 0, after: entry.before, peers: [], refused: [], checkpoint: null };
    const sha256 = await write(held);
    await received(at + 1);
    await town.at(town.firstOf(at + 1) + 25);
    await write({ ...held, window: at + 1, previous: { window: at, hotkey: vera.who.hotkey, sha256 } });
    const node = { window: at, digest: entry.after };
    for (const from of [null, node]) expect(await follow({ from, to: at + 1 })).toMatchObject({ kind: 'waiting', window: at + 1 });
    await town.at(town.firstOf(at + 1) + 27);
    const next = await town.close(at + 1, viktor);
    expect(next).toMatchObject({ before: entry.after, peers: [{ hotkey: anna.hotkey }] });
    for (const from of [null, node]) expect(await follow({ from, to: at + 1 })).toMatchObject({ kind: 'there', entries: expect.arrayContaining([expect.objectContaining({ entry: next })]) as unknown });
  }, 60_000);

  it('cannot publish it any more once the window is over', async () => {
    await open();
    const [leader] = await lineIn(0);
    const [closing, from] = [await leader.steps.resolveClosing({ window: 0 }), await leader.before(0)];
    await town.at(15);
    await leader.steps.receiveUpdates(closing);
    await town.at(25);
    const found = await leader.find(closing, from);
    const turn = await leader.steps.awaitTurn({ closing, before: from, mayLead: true, without: [] });
    if (turn.kind !== 'lead') throw new Error(`Expected a turn, got ${turn.kind}`);
    // it was killed here
    await town.at(closing.over);
    await leader.lead(closing, from, { found, turn });
    expect(await town.store.head(leader.who.bucket, windowKey('rw', 0))).toBeUndefined();
    expect(await leader.steps.awaitTurn({ closing, before: from, mayLead: true, without: [] })).toEqual({ kind: 'missed' });
  });
});

describe('a leader that takes away what its entry names', () => {
  it('does not make who comes late ask for ever', async () => {
    await open();
    const entries: WindowEntry[] = [];
    for (let window = 0; window <= 1; window++) entries.push(await town.play(window, { by: (await lineIn(window))[0], miners: [anna, ben] }));
    const joiner = town.validatorOf(late);
    const { bucket, key } = entries[0]!.peers[0]!.update;
    await town.store.delete(bucket, key);
    // the next attempt comes a block later, until there is a checkpoint after it
    await expect(followToModel(joiner, 2)).rejects.toMatchObject({ type: 'LogBroken', nextRetryDelay: BLOCK_MS });
  }, 60_000);
});
