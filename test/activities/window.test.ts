import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Participant } from '../../activities/participants.ts';
import { createRoundActivities } from '../../activities/round.ts';
import { createSubmissionActivities } from '../../activities/submission.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import { createSealedKeyActivities } from '../../activities/sealed-key.ts';
import { createWindowActivities, type Published, type Sealed, type Window } from '../../activities/window.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { InvalidInput, StoreUnavailable, TooLarge } from '../../genki/errors.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { keyFileOf, openKeyFile, signKeyFile } from '../../genki/protocol/sealing.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { actor, adapterFile, BLOCK_MS, competition, keepDama, openShelf, openStreet, participant, textOf, type Actor, type Shelf, type Street } from './support/federation.ts';
import { inActivity } from './support/in-activity.ts';
import { standFor } from './support/stand-for.ts';

const [validator, anna, ben, longName] = ['validator', 'anna', 'ben', 'a-bucket-whose-name-is-longer-than-33'].map(actor) as [Actor, Actor, Actor, Actor];
const dataset: NonNullable<Participant['dataset']> = { name: 'songs', licence: 'CC0-1.0', sharing: 'private', digest: 'd'.repeat(44), clips: 4, ref: { bucket: 'anna-private', key: 'dataset.safetensors', sha256: 'a'.repeat(64), bytes: 10 } };
const everybody: Participant[] = [participant(validator, 'validator'), participant(anna, 'miner', { dataset }), participant(ben, 'miner'), participant(longName, 'miner', { dataset })];
const { windowBlocks } = competition.timing;

let shelf: Shelf;
let street: Street;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf.remove());
beforeEach(async () => { street = await openStreet({ validators: [[validator, 10n ** 10n]], miners: [anna, ben, longName] }, { finalityLag: 0 }); });
afterEach(() => street.stop());

const deps = (defaultHotkey?: string) => ({ chain: street.chain, store: shelf.store, deployment: shelf.deployment, participants: async () => everybody, defaultHotkey });
const resolve = async (input: unknown, defaultHotkey?: string) => createWindowActivities(deps(defaultHotkey)).resolveWindow(input);
async function ready(input: unknown): Promise<Window> {
  const resolved = await resolve(input);
  return resolved.kind === 'ready' ? resolved.window : expect.unreachable(JSON.stringify(resolved));
}
const trainingOf = ({ work }: Window) => (work.kind === 'train' ? work.input : expect.unreachable('it does not train'));

describe('a window', () => {
  it('is filled in from the chain and the competition', async () => {
    const { hyper, replay, replayRows } = competition.training;
    expect(await resolve(undefined)).toEqual({
      kind: 'ready',
      window: {
        hotkey: anna.hotkey,
        netuid: 1,
        miner: 'anna',
        competition: 'rn',
        index: 0,
        lastBlock: windowBlocks - 1,
        adapterId: `rn/${anna.hotkey}`,
        base: shelf.deployment.genesisDama.digest,
        bucket: 'anna',
        privateBucket: 'anna-private',
        work: {
          kind: 'train',
          dataset,
          input: {
            base: shelf.deployment.genesisDama,
            dataset: dataset.ref,
            replay,
            replayRows,
            lora: competition.lora,
            hyper,
            seed: `${shelf.deployment.competitionDigest}/${anna.hotkey}/0`,
            bucket: 'anna-private',
            prefix: expect.stringMatching(/^training\/[0-9a-f]{32}$/) as string,
            checkpointEverySteps: expect.any(Number) as number,
          },
        },
      },
    });
  });

  it('is that of the finalized head, trained on the Dama that is current there', async () => {
    const dama = await keepDama(shelf.store, validator.bucket, 'next');
    street.say(validator, await standFor(shelf, validator, { dama }));
    await street.blocks(windowBlocks - 1);
    const before = await ready({});
    await street.blocks(1);
    const after = await ready({});
    expect([before.index, after.index]).toEqual([0, 1]);
    expect(after.base).toBe(dama.digest);
    expect(trainingOf(after)).toMatchObject({ base: dama, seed: `${shelf.deployment.competitionDigest}/${anna.hotkey}/1` });
  });

  it('keeps the checkpoints of another recipe apart', async () => {
    const [ours, again, shorter] = [await ready({}), await ready({}), await ready({ steps: 5 })].map(trainingOf);
    expect(again).toEqual(ours);
    expect(shorter).toMatchObject({ hyper: { ...competition.training.hyper, steps: 5 } });
    expect(shorter!.prefix).not.toBe(ours!.prefix);
  });

  it('is skipped when the miner has committed in it already', async () => {
    await street.blocks(2);
    street.say(anna, 'c0de');
    await street.blocks(1);
    expect(await resolve({})).toEqual({ kind: 'skipped', reason: 'already committed in window 0, at block 3' });
    expect(await resolve({ hotkey: 'ben', adapter: dataset.ref })).toMatchObject({ kind: 'ready' });
    await street.blocks(windowBlocks - 3);
    expect(await resolve({})).toMatchObject({ kind: 'ready', window: { index: 1 } });
  });

  it('is skipped before the competition begins', async () => {
    await street.blocks(2);
    const deployment = { ...shelf.deployment, competition: { ...competition, activationBlock: 3 } };
    expect(await createWindowActivities({ ...deps(), deployment }).resolveWindow({})).toEqual({ kind: 'skipped', reason: 'the competition begins at block 3, the chain is at 2' });
    await street.blocks(1);
    expect(await createWindowActivities({ ...deps(), deployment }).resolveWindow({})).toMatchObject({ kind: 'ready' });
  });

  it('of a given adapter trains nothing, and needs no dataset', async () => {
    const adapter: ObjectRef = { bucket: 'ben-private', key: 'made/elsewhere.safetensors', sha256: 'b'.repeat(64), bytes: 5 };
    expect(await ready({ hotkey: ben.hotkey, adapter })).toMatchObject({ hotkey: ben.hotkey, work: { kind: 'given', adapter } });
  });

  it('is of the miner that is asked for, by hotkey, by name, or by default', async () => {
    expect((await ready({ hotkey: 'anna' })).hotkey).toBe(anna.hotkey);
    expect(await resolve({ adapter: dataset.ref }, ben.hotkey)).toMatchObject({ window: { hotkey: ben.hotkey } });
  });

  it.each<[unknown, string]>([
    [{ hotkey: 'ben' }, 'Expected a dataset of ben in the participants file, got none'],
    [{ hotkey: 'carl' }, 'Expected a miner of this machine (anna, ben, a-bucket-whose-name-is-longer-than-33), got carl'],
    [{ hotkey: 'validator' }, 'got validator'],
    [{ hotkey: longName.hotkey }, 'expected at most 128 bytes'],
    [{ step: 5 }, 'Unrecognized key: "step"'],
    [{ steps: 0 }, '→ at steps'],
    [{ steps: '40' }, '→ at steps'],
    [{ adapter: 'file.safetensors' }, '→ at adapter'],
    [{ adapter: { ...dataset.ref, sha256: 'short' } }, '→ at adapter.sha256'],
    [{ adapter: { ...dataset.ref, url: 'http://x' } }, 'Unrecognized key: "url"'],
    [7, 'Expected trainingWindow with an input of {hotkey, steps, adapter, window}'],
  ])('is refused with the input %j', async (input, reason) => {
    const error = await resolve(input).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(reason);
  });
});

describe('publishing', () => {
  const put = (body: Uint8Array): Promise<ObjectRef> => shelf.store.putOnce('anna-private', `trained/${sha256Hex(body)}`, body);
  const walletOf = (signer: Actor) => ({ ...createWalletActivities({ chain: street.chain, signer, blockMs: BLOCK_MS }), ...createSealedKeyActivities({ store: shelf.store, signer }) });
  const keysIn = async (bucket: string, prefix = ''): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of shelf.store.list(bucket, prefix)) keys.push(key);
    return keys;
  };
  const miner = () => createWindowActivities(deps());

  /** Everything of a window up to the commit. */
  async function upload(by: Actor, window: Window, sealed: Sealed): Promise<Published> {
    const body = await inActivity(() => miner().draftManifest({ window, fence: 1, sealed }));
    const published = await miner().publishManifest({ bucket: by.bucket, text: await walletOf(by).signManifest(body) });
    await walletOf(by).signKey({ secret: sealed.secret, manifest: published.commit });
    return published;
  }
  const open = ({ bucket, privateBucket }: Actor, { commit }: Published): Promise<ObjectRef> => miner().publishKey({ bucket, privateBucket, commit });
  /** What a validator makes of everybody's newest commitment. */
  async function fetched(): Promise<Record<string, string>> {
    const { plan: round, submissions } = await createRoundActivities(deps()).resolveRound({});
    const { fetchSubmission } = createSubmissionActivities({ ...shelf, chain: street.chain });
    const outcomes = await Promise.all(submissions.map((submission) => fetchSubmission({ round, submission }).then(({ adapter }) => adapter.sha256, (error: Error) => error.message)));
    return Object.fromEntries(submissions.map(({ hotkey }, i) => [hotkey, outcomes[i]!]));
  }

  it('hands in what a validator then takes', async () => {
    const window = await ready({});
    const file = adapterFile('anna');
    const trained = { adapter: await put(file), curve: await put(new TextEncoder().encode('[]')), steps: 40, firstLoss: 2.5, lastLoss: 1.25, engine: 'onnx' };
    const sealed = await miner().sealAdapter({ window, adapter: trained.adapter });
    expect(sealed).toMatchObject({ content: { sha256: sha256Hex(file), bytes: file.byteLength }, file: { bucket: 'anna', key: `adapters/${sealed.file.sha256}.sealed`, bytes: file.byteLength + 37 } });

    const body = await inActivity(() => miner().draftManifest({ window, fence: 3, sealed, trained }));
    const { ref: _, ...named } = dataset;
    expect(body).toMatchObject({ hotkey: anna.hotkey, window: 0, fence: 3, dataset: named, training: { steps: 40, firstLoss: 2.5, lastLoss: 1.25, engine: 'onnx' }, files: [{ ref: sealed.file, content: sealed.content }, { name: 'adapter_config.json' }, { name: 'loss-curve.json', ref: { bytes: 2 } }] });
    expect(JSON.stringify(body)).not.toContain('private/');
    const peft = body.files.find(({ name }) => name === 'adapter_config.json')!.ref;
    expect(JSON.parse(textOf(await shelf.store.get(peft, { maxBytes: 4096 })))).toMatchObject({ r: competition.lora.rank, base_model_name_or_path: window.base });

    const published = await upload(anna, window, sealed);
    expect(published.record.length).toBeLessThanOrEqual(2 * 128);
    street.say(anna, published.record);
    await street.blocks(12);
    expect(await open(anna, published)).toMatchObject({ bucket: 'anna', key: `manifests/${published.manifest.sha256.slice(0, 40)}.key.json` });
    expect(await fetched()).toEqual({ [anna.hotkey]: sha256Hex(file) });
  });

  it('shows a front-runner nothing before the commit is final, and his copy of it opens with no key', async () => {
    const window = await ready({});
    const file = adapterFile('worth copying');
    const before = new Set(await keysIn('anna'));
    const sealed = await miner().sealAdapter({ window, adapter: await put(file) });
    const published = await upload(anna, window, sealed);

    const seen = await Promise.all((await keysIn('anna')).filter((key) => !before.has(key)).map((key) => shelf.store.getByKey('anna', key, { maxBytes: 2 ** 20 })));
    expect(seen).toHaveLength(2);
    const piece = Buffer.from(file.subarray(-64));
    expect(seen.map((object) => Buffer.from(object).includes(piece))).toEqual([false, false]);
    expect(seen.some((object) => textOf(object).includes(sha256Hex(file)))).toBe(true);

    // he commits the ciphertext as his own, a block before her, and opens it with her key as soon as that is out
    const copy = { ...sealed, file: await shelf.store.putOnce('ben', sealed.file.key, await shelf.store.get(sealed.file, { maxBytes: 2 ** 20 })) };
    const his = await ready({ hotkey: 'ben', adapter: dataset.ref });
    const hisBody = await inActivity(() => miner().draftManifest({ window: his, fence: 1, sealed: copy }));
    const hisPublished = await miner().publishManifest({ bucket: 'ben', text: await walletOf(ben).signManifest(hisBody) });
    street.say(ben, hisPublished.record);
    await street.blocks(1);
    street.say(anna, published.record);
    await street.blocks(12);
    const herKey = openKeyFile(await shelf.store.get(await open(anna, published), { maxBytes: 1024 }), { hotkey: anna.hotkey, manifest: published.commit }, verifySignature);
    await shelf.store.putOnce('ben', keyFileOf(hisPublished.commit), signKeyFile({ manifest: hisPublished.commit, secret: Buffer.concat([herKey, Buffer.alloc(12)]) }, ben));
    expect(await fetched()).toEqual({ [anna.hotkey]: sha256Hex(file), [ben.hotkey]: 'Expected a sealed file that its key opens for this hotkey, competition and content, it does not' });
  });

  it('uploads one object, however often it is killed on the way', async () => {
    const window = await ready({});
    const adapter = await put(adapterFile('killed'));
    const before = new Set(await keysIn('anna'));
    const dying = createWindowActivities({ ...deps(), store: { ...shelf.store, putOnce: (bucket, key, body) => (bucket === 'anna' ? Promise.reject(new StoreUnavailable('killed')) : shelf.store.putOnce(bucket, key, body)) } });
    await expect(dying.sealAdapter({ window, adapter })).rejects.toThrow(StoreUnavailable);
    const all = await Promise.all([1, 2, 3].map(async () => miner().sealAdapter({ window, adapter })));
    expect(all).toEqual([all[0], all[0], all[0]]);
    expect((await keysIn('anna')).filter((key) => !before.has(key))).toEqual([all[0]!.file.key]);
  });

  it('draws another key for another window, and for another adapter', async () => {
    const window = await ready({});
    const adapter = await put(adapterFile('again'));
    const secrets = await Promise.all([
      miner().sealAdapter({ window, adapter }),
      miner().sealAdapter({ window: { ...window, index: 1 }, adapter }),
      miner().sealAdapter({ window, adapter: await put(adapterFile('changed')) }),
    ].map(async (one) => (await one).secret).map(async (secret) => textOf(await shelf.store.getByKey((await secret).bucket, (await secret).key, { maxBytes: 44 }))));
    expect(new Set(secrets).size).toBe(3);
  });

  it('signs a key once, and publishes the same bytes however often', async () => {
    const window = await ready({});
    const sealed = await miner().sealAdapter({ window, adapter: await put(adapterFile('once')) });
    const published = await upload(anna, window, sealed);
    await walletOf(anna).signKey({ secret: sealed.secret, manifest: published.commit });
    const first = await open(anna, published);
    await walletOf(anna).signKey({ secret: sealed.secret, manifest: published.commit });
    expect(await open(anna, published)).toEqual(first);
  });

  it('leaves a key behind that the next window finds, as long as it is not published', async () => {
    const window = await ready({});
    const published = await upload(anna, window, await miner().sealAdapter({ window, adapter: await put(adapterFile('left behind')) }));
    expect(await resolve({})).not.toHaveProperty('owed');
    street.say(anna, published.record);
    await street.blocks(1);
    const owed = { bucket: 'anna', privateBucket: 'anna-private', commit: published.commit };
    expect(await resolve({})).toEqual({ kind: 'skipped', reason: 'already committed in window 0, at block 1', owed });
    await street.blocks(windowBlocks);
    expect(await resolve({})).toMatchObject({ kind: 'ready', owed });
    await open(anna, published);
    expect(await resolve({})).not.toHaveProperty('owed');
  });

  it('says nothing of training where an adapter was given', async () => {
    const adapter = await put(adapterFile('given'));
    const window = await ready({ adapter });
    const sealed = await miner().sealAdapter({ window, adapter });
    const body = await inActivity(() => miner().draftManifest({ window, fence: 1, sealed }));
    expect(body).not.toHaveProperty('dataset');
    expect(body).not.toHaveProperty('training');
  });

  it('takes no adapter that no validator would fetch', async () => {
    const window = await ready({});
    const adapter = await put(new Uint8Array(competition.limits.adapterBytes + 1));
    await expect(miner().sealAdapter({ window, adapter })).rejects.toThrow(TooLarge);
  });
});
