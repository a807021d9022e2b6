import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentDama, newestReport } from '../../activities/current-dama.ts';
import type { Metagraph } from '../../genki/chain/chain.ts';
import { StoreUnavailable } from '../../genki/errors.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { encodeCommitRecord } from '../../genki/protocol/commit-record.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import type { DamaManifest } from '../../genki/protocol/manifest.ts';
import { TOY } from '../genki/music/support/toys.ts';
import { actor, keepDama, openShelf, openStreet, type Actor, type Shelf, type Street } from './support/federation.ts';
import { lay } from './support/hand-in.ts';
import { reportKey, standFor, type Stand } from './support/stand-for.ts';

const [five, four, three, miner] = ['five', 'four', 'three', 'miner'].map(actor) as [Actor, Actor, Actor, Actor];
const TAO = 10n ** 9n;

let shelf: Shelf;
let street: Street;
let [red, blue]: Dama[] = [];
beforeAll(async () => {
  shelf = await openShelf();
  [red, blue] = await Promise.all(['red', 'blue'].map((seed) => keepDama(shelf.store, 'hub', seed)));
});
afterAll(() => shelf.remove());
// stakes of 5, 4 and 3: half is 6
beforeEach(async () => { street = await openStreet({ validators: [[five, 5n * TAO], [four, 4n * TAO], [three, 3n * TAO]], miners: [miner] }, { finalityLag: 0 }); });
afterEach(() => street.stop());

const stand = async (who: Actor, how: Stand): Promise<void> => street.say(who, await standFor(shelf, who, how));
async function settled(): Promise<Metagraph> {
  await street.blocks(1);
  return street.chain.metagraph(1, (await street.chain.head()).hash);
}
const deps = () => ({ chain: street.chain, store: shelf.store, deployment: shelf.deployment });
const current = async () => currentDama(deps(), await settled());

describe('the current Dama', () => {
  it('is the one that the competition began with while nobody stands for another', async () => {
    expect(await current()).toEqual({ dama: shelf.deployment.genesisDama, from: undefined });
  });

  it('is the one with more than half of the stake', async () => {
    await stand(four, { dama: red! });
    await stand(three, { dama: red! });
    await stand(five, { dama: blue! });
    expect(await current()).toMatchObject({ dama: red, from: { hotkey: four.hotkey } });
  });

  it('does not change without a majority', async () => {
    await stand(five, { dama: red! });
    await stand(four, { dama: blue! });
    expect((await current()).dama).toEqual(shelf.deployment.genesisDama);
  });

  it('does not change at exactly half', async () => {
    await street.stop();
    street = await openStreet({ validators: [[five, 2n * TAO], [four, 2n * TAO]], miners: [] }, { finalityLag: 0 });
    await stand(five, { dama: red! });
    expect((await current()).dama).toEqual(shelf.deployment.genesisDama);
  });

  it('counts stake exactly, beyond what a double holds', async () => {
    await street.stop();
    street = await openStreet({ validators: [[five, 2n ** 60n + 1n], [four, 2n ** 60n]], miners: [] }, { finalityLag: 0 });
    await stand(five, { dama: red! });
    expect((await current()).dama).toEqual(red);
  });

  it('is not for those to say who have stake and no permit', async () => {
    await street.stop();
    const neuron = ({ hotkey }: Actor, stake: string, validatorPermit: boolean) => ({ hotkey, coldkey: miner.hotkey, stake, validatorPermit });
    const neurons = [neuron(five, '1', true), neuron(four, '1', true), neuron(miner, '1000', false)];
    street = await openStreet({ validators: [], miners: [] }, { finalityLag: 0, neurons });
    await stand(five, { dama: red! });
    await stand(miner, { dama: red! });
    expect((await current()).dama).toEqual(shelf.deployment.genesisDama);
  });

  const otherDigest = Buffer.alloc(32, 7).toString('base64');
  it.each<[string, (honest: DamaManifest) => DamaManifest]>([
    ['another competition', (body) => ({ ...body, competition: otherDigest })],
    ['another hotkey', (body) => ({ ...body, hotkey: miner.hotkey })],
    ['a newer version', (body) => ({ ...body, version: 2 }) as unknown as DamaManifest],
    ['an unknown key', (body) => ({ ...body, majority: true }) as DamaManifest],
  ])('ignores a manifest of %s', async (_, body) => {
    await stand(five, { dama: red!, body });
    await stand(four, { dama: red! });
    expect((await current()).dama).toEqual(shelf.deployment.genesisDama);
  });

  it('ignores another one’s signature, a manifest that is gone, and records that are none', async () => {
    await stand(five, { dama: red!, signer: miner });
    street.say(four, encodeCommitRecord({ namespace: 'local', name: four.bucket, commit: '0'.repeat(40), hash: null, competition: 'rn' }));
    street.say(three, 'ff');
    expect((await current()).dama).toEqual(shelf.deployment.genesisDama);
  });

  it('is not the one whose configuration is another under the same digest', async () => {
    const twisted: Dama = { ...red!, config: (await keepDama(shelf.store, five.bucket, 'red', { ...TOY, decoder: { ...TOY.decoder, numHeads: 4 } })).config };
    await stand(five, { dama: twisted });
    await stand(four, { dama: red! });
    await stand(three, { dama: red! });
    expect(await current()).toMatchObject({ dama: red, from: { hotkey: four.hotkey } });
  });

  it('is read from whoever still has its files', async () => {
    await stand(five, { dama: { ...red!, weights: { ...red!.weights, bucket: five.bucket, key: 'gone.safetensors' } } });
    await stand(four, { dama: red! });
    expect(await current()).toMatchObject({ dama: red, from: { hotkey: four.hotkey } });
  });

  it('is read from whoever has its very bytes: others of the same length are none', async () => {
    lay(shelf.root, `${five.bucket}/spoilt.safetensors`, new Uint8Array(red!.weights.bytes));
    await stand(five, { dama: { ...red!, weights: { ...red!.weights, bucket: five.bucket, key: 'spoilt.safetensors' } } });
    await stand(four, { dama: red! });
    expect(await current()).toMatchObject({ dama: red, from: { hotkey: four.hotkey } });
  });

  it('can be had later when nobody has its files just now', async () => {
    const gone: Dama = { ...red!, weights: { ...red!.weights, key: 'gone.safetensors' } };
    await stand(five, { dama: gone });
    await stand(four, { dama: gone });
    await expect(current()).rejects.toThrow(StoreUnavailable);
  });
});

/** A report that can be shown, told apart by its reason. */
const reportBy = (who: string) => ({
  version: 2, netuid: 1, epoch: 0, scores: { after: { kind: 'average', entries: [] } }, ledger: null, snapshot: { number: 1, hash: '0x' }, miners: [], acceptance: { accepted: [], scale: 0.6 }, dama: { next: '', published: false, reason: who },
});

describe('the newest report', () => {
  const newest = async () => { const metagraph = await settled(); return await newestReport(deps(), metagraph, { until: metagraph.epoch - 1 }); };

  it('is none where no validator has committed one', async () => {
    expect(await newest()).toBeUndefined();
  });

  it('is that of the latest epoch, and of those the one with the most stake behind it', async () => {
    await street.stop();
    street = await openStreet({ validators: [[five, 5n * TAO], [four, 4n * TAO], [three, 3n * TAO]], miners: [] }, { finalityLag: 0, tempo: 2 });
    await street.blocks(6);
    await stand(five, { dama: red!, epoch: 0 });
    await stand(four, { dama: red!, epoch: 1, report: reportBy('four') });
    await stand(three, { dama: red!, epoch: 1, report: reportBy('three') });
    expect(await newest()).toEqual(reportBy('four'));
  });

  it('is not that of the largest one alone where more stake stands together for another', async () => {
    await street.stop();
    street = await openStreet({ validators: [[five, 5n * TAO], [four, 4n * TAO], [three, 3n * TAO]], miners: [] }, { finalityLag: 0, tempo: 2 });
    await street.blocks(6);
    await stand(five, { dama: red!, epoch: 1, report: reportBy('five') });
    for (const who of [four, three]) await stand(who, { dama: red!, epoch: 1, report: reportBy('both') });
    expect(await newest()).toEqual(reportBy('both'));
  });

  it('is not one of a later epoch than is asked for, that is no JSON, no report, or that is gone', async () => {
    await street.stop();
    street = await openStreet({ validators: [[five, 5n * TAO], [four, 4n * TAO], [three, 3n * TAO]], miners: [] }, { finalityLag: 0, tempo: 20 });
    await street.blocks(21);
    await stand(five, { dama: red!, epoch: 1, report: reportBy('five') });
    await stand(four, { dama: red!, report: 'no JSON' });
    expect(await newest()).toBeUndefined();
    await stand(four, { dama: red!, report: { ...reportBy('four'), miners: [{ hotkey: 5 }] } });
    expect(await newest()).toBeUndefined();
    await stand(three, { dama: red!, report: reportBy('three') });
    expect(await newest()).toEqual(reportBy('three'));
    lay(shelf.root, `${three.bucket}/${reportKey(canonicalJson(reportBy('three')))}`, new Uint8Array(3));
    expect(await newest()).toBeUndefined();
  });
});
