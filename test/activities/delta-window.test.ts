import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DeltaPlan } from '../../activities/delta-plan.ts';
import type { DeltaWindow } from '../../activities/delta-window.ts';
import type { Owed } from '../../activities/delta-upload.ts';
import type { MadeUpdate } from '../../activities/made-updates.ts';
import type { Participant } from '../../activities/participants.ts';
import { sliceBlocksOf } from '../../activities/window-terms.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { decodeSlice } from '../../genki/federation/compression/slice-file.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import { verifyManifest } from '../../genki/protocol/manifest.ts';
import { keyFileOf, openKeyFile, unseal } from '../../genki/protocol/sealing.ts';
import { openSliceFile, sliceFileOf } from '../../genki/protocol/slices.ts';
import { sliceKey, windowKey } from '../../genki/protocol/window-log.ts';
import { actor, bytesOf, openShelf, openStreet, participant, type Actor, type Shelf, type Street } from './support/federation.ts';
import { minersOf, randomUpdate, TOY_LAYOUT, trainedAs, WINDOW_BLOCKS, windowsOf } from './support/delta.ts';
import { inActivity } from './support/in-activity.ts';

const [validator, anna, ben] = ['validator', 'anna', 'ben'].map(actor) as [Actor, Actor, Actor];
const dataset: NonNullable<Participant['dataset']> = { name: 'songs', licence: 'CC0-1.0', sharing: 'private', digest: 'd'.repeat(44), clips: 4, ref: { bucket: 'anna-private', key: 'dataset.safetensors', sha256: 'a'.repeat(64), bytes: 10 } };
const privacy = { clip: 0.1, noise: 2, delta: 1e-5, maxEpsilon: 8 };
const DEADLINE = WINDOW_BLOCKS - 1 - 4;
const competition = windowsOf();
const slices = windowsOf({ kind: 'slice', compression: 10, feedback: 1 });

let shelf: Shelf;
let street: Street;
let people: Participant[];
let count = 0;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf.remove());
/** Buckets of their own for each test. */
const own = (who: Actor): Actor => ({ ...who, bucket: `${who.bucket}-${count}`, privateBucket: `${who.privateBucket}-${count}` });
beforeEach(async () => {
  count++;
  people = [participant(own(anna), 'miner', { dataset }), participant(own(ben), 'miner')];
  street = await openStreet({ validators: [[validator, 10n ** 10n]], miners: [anna, ben] }, { finalityLag: 0 });
});
afterEach(() => street.stop());

const miners = (of = competition) => minersOf(shelf, street, { people: () => people, competition: of });
const state: WindowState = { digest: `${'A'.repeat(43)}=`, dama: { digest: `${'B'.repeat(43)}=`, weights: dataset.ref, config: dataset.ref }, momentum: null };
const keyOf = (owed: Owed) => shelf.store.getByKey(owed.bucket, keyFileOf(owed.commit), { maxBytes: 1024 });

type Training = Extract<DeltaPlan, { kind: 'train' }>;
async function training(window: DeltaWindow, of = competition): Promise<Training> {
  const plan = await miners(of).windows.planDelta({ window, state });
  return plan.kind === 'train' ? plan : expect.unreachable(`it is ${plan.kind}`);
}

/** Everything up to the deadline. */
async function handIn(window: DeltaWindow, { of = competition, update = randomUpdate('update') } = {}) {
  const { windows, walletOf } = miners(of);
  const plan = await training(window, of);
  const made = await windows.keepUpdate({ window, base: state.digest, plan, trained: await trainedAs(update, { store: shelf.store, bucket: window.privateBucket, codec: of.delta!.codec }) });
  return { made, ...(await upload(window, made, { windows, walletOf })) };
}

async function upload(window: DeltaWindow, made: MadeUpdate, { windows, walletOf }: Pick<ReturnType<typeof miners>, 'windows' | 'walletOf'>) {
  const { signManifest, signKey } = walletOf(own(anna));
  const sealed = made.tree ? null : await windows.sealUpdate({ window, made });
  const body = await inActivity(() => windows.draftWindow({ window, made, sealed }));
  const signed = await windows.keepSigned({ window, text: await signManifest(body) });
  if (sealed) await signKey({ secret: sealed.secret, manifest: signed.commit });
  return { sealed, body, published: await windows.publishWindow({ window, signed }) };
}

describe('a window of updates', () => {
  it('is filled in from the chain and the competition', async () => {
    expect(await miners().windows.resolveDelta({})).toEqual({
      kind: 'ready',
      window: { hotkey: anna.hotkey, netuid: 1, miner: 'anna', competition: 'rw', index: 0, lastBlock: 19, deadline: DEADLINE, adapterId: `rw/${anna.hotkey}`, bucket: own(anna).bucket, privateBucket: own(anna).privateBucket, steps: competition.training.hyper.steps },
    });
    expect(await miners().ready({ steps: 3 })).toMatchObject({ steps: 3 });
  });

  it('is skipped when there is not a block left to hand it in', async () => {
    await street.blocks(DEADLINE - 1);
    expect(await miners().windows.resolveDelta({})).toMatchObject({ kind: 'ready' });
    await street.blocks(1);
    expect(await miners().windows.resolveDelta({})).toEqual({ kind: 'skipped', reason: 'too late for window 0: block 15 is final, updates are due before block 15' });
    await street.blocks(5);
    expect(await miners().windows.resolveDelta({})).toMatchObject({ window: { index: 1 } });
  });

  it('is skipped when the last one took longer than what is left, and tried again in the next, and after three', async () => {
    await street.blocks(2);
    const window = await miners().ready({});
    const plan = await training(window);
    await street.blocks(9);
    await miners().windows.keepUpdate({ window, base: state.digest, plan, trained: await trainedAs(randomUpdate('slow'), { store: shelf.store, bucket: window.privateBucket, codec: competition.delta!.codec }) });
    await street.blocks(WINDOW_BLOCKS - 11 + 6);
    expect(await miners().windows.resolveDelta({})).toMatchObject({ kind: 'ready', window: { index: 1 } });
    await street.blocks(1);
    expect(await miners().windows.resolveDelta({})).toEqual({ kind: 'skipped', reason: 'too late for window 1: block 27 is final, updates are due before block 35, and the last one took 9 blocks' });
    await street.blocks(3 * WINDOW_BLOCKS);
    expect(await miners().windows.resolveDelta({})).toMatchObject({ kind: 'ready', window: { index: 4 } });
  });

  it.each([[3, 'the competition begins at block 3, the chain is at 2'], [1, 'the first whole window of the competition is 1, the chain is in window 0']])('is skipped before the competition begins, at block %i', async (activationBlock, reason) => {
    await street.blocks(2);
    expect(await miners(windowsOf(undefined, { activationBlock })).windows.resolveDelta({})).toEqual({ kind: 'skipped', reason });
  });

  it.each<[unknown, string]>([
    [{ adapter: dataset.ref }, 'Expected no adapter in the competition rw, which exchanges updates of windows, got dataset.safetensors'],
    [{ hotkey: 'ben' }, 'Expected a dataset of ben in the participants file, got none'],
    [{ window: 1 }, 'Expected the current window, 0, got 1'],
    [{ step: 5 }, 'Unrecognized key: "step"'],
  ])('is refused with the input %j', async (input, reason) => {
    const error = await miners().windows.resolveDelta(input).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(reason);
  });
});

describe('the run record', () => {
  it('is signed once, whoever asks, and asked for no more once it is on the chain', async () => {
    const { windows, walletOf, ready, recordRun } = miners();
    const window = await ready({});
    const draft = await inActivity(() => windows.runRecord(window));
    if (draft.kind !== 'draft') throw new Error(`Expected a draft, got ${draft.kind}`);
    const [one, other] = await Promise.all([walletOf(own(anna)).signManifest(draft.body), walletOf(own(anna)).signManifest(draft.body)]);
    const kept = await windows.keepRun({ privateBucket: window.privateBucket, text: one });
    expect([kept, await windows.keepRun({ privateBucket: window.privateBucket, text: other })]).toEqual([one, one]);
    expect(await inActivity(() => windows.runRecord(window))).toEqual({ kind: 'signed', text: one, replaces: 0 });

    await recordRun(window, own(anna), street.say);
    await street.blocks(1);
    expect(await inActivity(() => windows.runRecord(window))).toEqual({ kind: 'on-chain' });
    // of another competition, whose digest differs, it says nothing
    expect(await inActivity(() => miners(slices).windows.runRecord(window))).toMatchObject({ kind: 'draft', replaces: 1 });
    street.say(anna, 'c0de');
    await street.blocks(1);
    expect(await inActivity(() => windows.runRecord(window))).toEqual({ kind: 'signed', text: one, replaces: 2 });
  });
});

describe('the plan of a window', () => {
  it('trains at a constant rate on the miner\'s own music', async () => {
    const window = await miners().ready({ steps: 3 });
    const { input, privacy: cost } = await training(window);
    expect(input).toMatchObject({ state, data: { kind: 'own', dataset: dataset.ref }, hyper: { ...competition.training.hyper, steps: 3, schedule: 'constant' }, codec: competition.delta!.codec, leftover: null, bucket: window.privateBucket });
    expect(cost).toBeNull();
    expect((await training(await miners().ready({}))).input.prefix).not.toBe(input.prefix);
  });

  it('takes up what was made for it already, if it was made from the same model', async () => {
    const window = await miners().ready({});
    const { made } = await handIn(window);
    const { windows } = miners();
    expect(await windows.planDelta({ window, state })).toEqual({ kind: 'made', made });
    expect(await windows.planDelta({ window, state: { ...state, digest: `${'C'.repeat(43)}=` } })).toMatchObject({ kind: 'skipped', reason: expect.stringContaining('which is not the log\'s') as string });
    const trained = await trainedAs(randomUpdate('another'), { store: shelf.store, bucket: window.privateBucket, codec: competition.delta!.codec });
    expect(await windows.keepUpdate({ window, base: state.digest, plan: { input: (await training({ ...window, index: 0, privateBucket: own(ben).privateBucket })).input, from: 0 }, trained })).toEqual(made);
  });

  it('sends all of an update again whose window nobody closed', async () => {
    const { made } = await handIn(await miners().ready({}));
    await street.blocks(2 * WINDOW_BLOCKS + 8);
    const window = await miners().ready({});
    // windows 0 and 1 are over with the one turn that each has, at the blocks 29 and 49
    await expect(miners().windows.planDelta({ window, state })).rejects.toThrow('Nobody has closed window 1 yet');
    await street.blocks(1);
    expect((await training(window)).input.leftover).toEqual({ kind: 'all', residual: made.residual, sent: made.file });
  });

  it('says before the training what it costs in privacy, and ends where that is too much', async () => {
    people[0] = { ...people[0]!, privacy };
    const first = await training(await miners().ready({}));
    expect(first.input).toMatchObject({ privacy: { config: { clip: 0.1, noise: 2 }, secret: { bucket: own(anna).privateBucket } } });
    expect(await shelf.store.getByKey(first.input.privacy!.secret.bucket, first.input.privacy!.secret.key, { maxBytes: 64 })).toHaveLength(32);
    expect(first.privacy).toMatchObject({ before: 0, delta: 1e-5, isTooMuch: false });
    expect(first.privacy!.epsilon).toBeGreaterThan(1.5);
    expect(first.privacy!.epsilon).toBeLessThan(2.5);
    people[0] = { ...people[0]!, privacy: { ...privacy, maxEpsilon: 1 } };
    expect(await miners().windows.planDelta({ window: await miners().ready({}), state })).toMatchObject({ kind: 'skipped', reason: expect.stringMatching(/above your limit of ε = 1, .* this one will not be uploaded/) as string });
  });

  it('lets go of what was left out without noise, once there is to be noise', async () => {
    await handIn(await miners().ready({}));
    people[0] = { ...people[0]!, privacy };
    await street.blocks(2 * WINDOW_BLOCKS + DEADLINE);
    const plan = await training(windowAt(2));
    expect(plan.input.leftover).toBeNull();
    expect(plan.privacy!.statement).toMatch(/Of 1 update before, sent without noise, nothing is promised\.$/);
  });
});

/** A window that is too late to be resolved. */
const windowAt = (index: number): DeltaWindow => ({ hotkey: anna.hotkey, netuid: 1, miner: 'anna', competition: 'rw', index, lastBlock: (index + 1) * WINDOW_BLOCKS - 1, deadline: index * WINDOW_BLOCKS + DEADLINE, adapterId: `rw/${anna.hotkey}`, bucket: own(anna).bucket, privateBucket: own(anna).privateBucket, steps: 10 });

describe('handing in', () => {
  it('puts a signed manifest where everybody looks, and discloses its key when the window is over', async () => {
    const window = await miners().ready({});
    const { made, body, sealed, published } = await handIn(window);
    const manifest = await shelf.store.getByKey(window.bucket, windowKey('rw', 0), { maxBytes: 4096 });
    expect(verifyManifest(manifest, { kind: 'window', hotkey: anna.hotkey, competition: miners().deps.deployment.competitionDigest, bucket: window.bucket, base: state.digest }, verifySignature)).toEqual(body);
    const { ref: _, ...named } = dataset;
    expect(body).toMatchObject({ window: 0, files: [{ name: 'update.safetensors', ref: sealed!.file, content: sealed!.content }], training: made.training, dataset: named });
    expect(published).toMatchObject({ block: 0, manifest: { key: windowKey('rw', 0) } });

    const { windows } = miners();
    await expect(windows.discloseWindow(published.owed)).rejects.toThrow('Window 0 is not over before block 19 is final, the head is 0');
    await street.blocks(WINDOW_BLOCKS - 1);
    await windows.discloseWindow(published.owed);
    await windows.discloseWindow(published.owed);
    const key = openKeyFile(await keyOf(published.owed), { hotkey: anna.hotkey, manifest: published.owed.commit }, verifySignature);
    const update = unseal(await shelf.store.get(sealed!.file, { maxBytes: 2 ** 20 }), key, { hotkey: anna.hotkey, competition: miners().deps.deployment.competitionDigest, content: sealed!.content });
    expect(Buffer.compare(update, await shelf.store.get(made.file, { maxBytes: 2 ** 20 }))).toBe(0);
  });

  it('is done once, however often it is tried', async () => {
    const window = await miners().ready({});
    const first = await handIn(window);
    const again = await upload(window, first.made, miners());
    expect(again.published).toEqual(first.published);
    expect(again.sealed).toEqual(first.sealed);
    expect(await miners().windows.resolveDelta({})).toEqual({ kind: 'skipped', reason: 'already sent in window 0', owed: first.published.owed });
    await street.blocks(WINDOW_BLOCKS);
    expect(await miners().windows.resolveDelta({})).toMatchObject({ kind: 'ready', owed: first.published.owed });
    await miners().windows.discloseWindow(first.published.owed);
    expect(await miners().windows.resolveDelta({})).not.toHaveProperty('owed');
  });

  it('says nothing in the private mode but the update itself', async () => {
    people[0] = { ...people[0]!, privacy };
    const { body, made } = await handIn(await miners().ready({}));
    expect(Object.keys(body).toSorted()).toEqual(['base', 'competition', 'files', 'hotkey', 'kind', 'run', 'version', 'window']);
    expect(made).toMatchObject({ isNoised: true, own: { noised: [{ noise: 2, windows: 1 }], bare: 0 } });
  });

  it('of slices discloses the one that the chain chooses, which is of the update that was signed', async () => {
    const update = randomUpdate('sliced');
    const window = await miners(slices).ready({});
    const { body, published } = await handIn(window, { of: slices, update });
    const { windows } = miners(slices);
    await street.blocks(WINDOW_BLOCKS);
    await expect(windows.discloseWindow(published.owed)).rejects.toThrow('Window 0 is not over before block 24 is final');
    await street.blocks(4);
    expect(await windows.resolveDelta({})).toMatchObject({ owed: published.owed });
    const { sha256 } = await windows.discloseWindow(published.owed);
    // killed here, it has not signed yet for what it discloses
    expect(await windows.resolveDelta({})).toMatchObject({ owed: published.owed });
    const { hotkey, commit } = published.owed;
    await windows.publishSlice({ owed: published.owed, text: await miners(slices).walletOf(anna).signSlice({ manifest: commit, sha256 }) });
    expect(openSliceFile(await shelf.store.getByKey(window.bucket, sliceFileOf(commit), { maxBytes: 1024 }), { hotkey, manifest: commit }, verifySignature)).toBe(sha256);
    expect(await windows.resolveDelta({})).not.toHaveProperty('owed');
    if (body.kind !== 'window') throw new Error('Expected a window');
    const file = await shelf.store.getByKey(window.bucket, sliceKey('rw', 0), { maxBytes: 2 ** 20 });
    const slice = decodeSlice(file, { root: body.root!, layout: TOY_LAYOUT, compression: 10, ...(await sliceBlocksOf(street.chain, slices, 0)) });
    const sent = Array.from(slice).flatMap((value, i) => (value === 0 ? [] : [value - update[i]!]));
    expect(sent.every((difference) => difference === 0)).toBe(true);
    expect(sent.length).toBeGreaterThan(TOY_LAYOUT.size / 11);
  });
});

describe('making room', () => {
  it('forgets old updates in the public bucket, and nothing else that lies there', async () => {
    const keysIn = async (bucket: string): Promise<string[]> => {
      const keys: string[] = [];
      for await (const key of shelf.store.list(bucket, '')) keys.push(key);
      return keys;
    };
    const { windows } = miners();
    const published = [];
    for (const index of [0, 1]) {
      // whether the log has the windows does not matter here
      const window = windowAt(index);
      const made = await windows.keepUpdate({ window, base: state.digest, plan: { input: (await training({ ...window, index: 0, privateBucket: own(ben).privateBucket })).input, from: 0 }, trained: await trainedAs(randomUpdate(`old ${index}`), { store: shelf.store, bucket: window.privateBucket, codec: competition.delta!.codec }) });
      published.push((await upload(window, made, miners())).published.owed);
    }
    await street.blocks(2 * WINDOW_BLOCKS);
    for (const owed of published) await windows.discloseWindow(owed);
    const [bucket, entry] = [own(anna).bucket, bytesOf('{"body":{"kind":"entry"}}')];
    await shelf.store.putOnce(bucket, windowKey('rw', 3), entry);
    await shelf.store.putOnce(bucket, windowKey('rx', 0), entry);
    const before = await keysIn(bucket);
    await windows.pruneWindow(windowAt(4));
    expect(await keysIn(bucket)).toEqual(before);
    await windows.pruneWindow(windowAt(5));
    const left = await keysIn(bucket);
    expect(left).toContain(windowKey('rw', 1));
    expect(left).toHaveLength(before.length - 3);
    await windows.pruneWindow(windowAt(40));
    expect(await keysIn(bucket)).toEqual([windowKey('rw', 3), windowKey('rx', 0)]);
  });
});
