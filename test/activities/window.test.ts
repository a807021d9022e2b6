import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Participant } from '../../activities/participants.ts';
import { createRoundActivities } from '../../activities/round.ts';
import { createSubmissionActivities } from '../../activities/submission.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import { createWindowActivities, type Window } from '../../activities/window.ts';
import { InvalidInput, TooLarge } from '../../genki/errors.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
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
  return resolved.kind === 'ready' ? resolved.window : expect.unreachable(resolved.reason);
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
        index: 0,
        adapterId: `rn/${anna.hotkey}`,
        base: shelf.deployment.genesisDama.digest,
        bucket: 'anna',
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
    [7, 'Expected trainingWindow with an input of {hotkey, steps, adapter}'],
  ])('is refused with the input %j', async (input, reason) => {
    const error = await resolve(input).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(reason);
  });
});

describe('publishing', () => {
  const put = (body: Uint8Array): Promise<ObjectRef> => shelf.store.putOnce('anna-private', `trained/${sha256Hex(body)}`, body);

  it('hands in what a validator then takes', async () => {
    const { publishAdapter, draftManifest, publishManifest } = createWindowActivities(deps());
    const { signManifest } = createWalletActivities({ chain: street.chain, signer: anna, blockMs: BLOCK_MS });
    const window = await ready({});
    const file = adapterFile('anna');
    const trained = { adapter: await put(file), steps: 40, firstLoss: 2.5, lastLoss: 1.25, engine: 'onnx' };
    const adapter = await publishAdapter({ window, adapter: trained.adapter });
    expect(adapter).toEqual({ ...trained.adapter, bucket: 'anna', key: `adapters/${sha256Hex(file)}.safetensors` });

    const body = await inActivity(() => draftManifest({ window, fence: 3, adapter, trained }));
    const { ref: _, ...named } = dataset;
    expect(body).toMatchObject({ hotkey: anna.hotkey, window: 0, fence: 3, dataset: named, training: { steps: 40, firstLoss: 2.5, lastLoss: 1.25, engine: 'onnx' } });
    expect(JSON.stringify(body)).not.toContain('private/');
    const peft = body.files.find(({ name }) => name === 'adapter_config.json')!.ref;
    expect(JSON.parse(textOf(await shelf.store.get(peft, { maxBytes: 4096 })))).toMatchObject({ r: competition.lora.rank, base_model_name_or_path: window.base });

    const { record } = await publishManifest({ bucket: window.bucket, text: await signManifest(body) });
    expect(record.length).toBeLessThanOrEqual(2 * 128);
    street.say(anna, record);
    await street.blocks(12);
    const { context: round, submissions } = await createRoundActivities(deps()).resolveRound({});
    expect(submissions).toMatchObject([{ hotkey: anna.hotkey, data: record }]);
    const fetched = await createSubmissionActivities(shelf).fetchSubmission({ round, submission: submissions[0]! });
    expect(fetched.adapter.sha256).toBe(sha256Hex(file));
  });

  it('says nothing of training where an adapter was given', async () => {
    const adapter = await put(adapterFile('given'));
    const window = await ready({ adapter });
    const body = await inActivity(() => createWindowActivities(deps()).draftManifest({ window, fence: 1, adapter }));
    expect(body).not.toHaveProperty('dataset');
    expect(body).not.toHaveProperty('training');
  });

  it('takes no adapter that no validator would fetch', async () => {
    const window = await ready({});
    const adapter = await put(new Uint8Array(competition.limits.adapterBytes + 1));
    await expect(createWindowActivities(deps()).publishAdapter({ window, adapter })).rejects.toThrow(TooLarge);
  });
});
