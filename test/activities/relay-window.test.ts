import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRelayWindowActivities, relayWindowOf, type RelayWindow } from '../../activities/relay-window.ts';
import type { Deployment } from '../../activities/deployment.ts';
import { BadSubmission, InvalidInput } from '../../genki/errors.ts';
import { decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { signVersion, versionKey, type AdapterVersion } from '../../genki/protocol/adapter-version.ts';
import type { CurrentAdapter } from '../../genki/protocol/hub.ts';
import { errorOf, recompress } from '../../genki/federation/lora/recompress.ts';
import { stackAdapters } from '../../genki/federation/lora/stack.ts';
import { decodeAdapter, type Adapter } from '../../genki/music/lora.ts';
import { competitionDigest, readCompetition } from '../../genki/protocol/competition.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { TOY } from '../genki/music/support/toys.ts';
import { actor, adapterFile, competition as toyCompetition, openShelf, participant, type Shelf } from './support/federation.ts';

const [hub, anna] = [actor('hub'), actor('anna')];
const dataset = { name: 'songs', licence: 'CC0-1.0', sharing: 'private' as const, digest: 'digest', clips: 2, ref: { bucket: 'anna-private', key: 'dataset', sha256: '0'.repeat(64), bytes: 1 } };
const competition = readCompetition({ ...toyCompetition, id: 'rr', exchange: 'relay', relay: RUBY_RELAY.relay });

let shelf: Shelf;
let deployment: Deployment;
let window: RelayWindow;
let version: AdapterVersion;
let record: ObjectRef;
beforeAll(async () => {
  shelf = await openShelf();
  deployment = { ...shelf.deployment, competition, competitionDigest: competitionDigest(competition), hub: { hotkey: hub.hotkey } };
  window = relayWindowOf(participant(anna, 'miner', { dataset }), { deployment, window: { index: 7, last: 319 } });
  const adapter = await shelf.store.putOnce('hub', 'frozen/a.safetensors', adapterFile('a'));
  version = { version: 1, competition: deployment.competitionDigest, adapterId: 'rr', hotkey: hub.hotkey, sequence: 3, parent: 2, base: deployment.genesisDama.digest, adapter, author: { hotkey: anna.hotkey, fence: 4 }, losses: {}, block: 5 };
  record = await shelf.store.putOnce('hub', versionKey('rr', 3), signVersion(version, hub));
});
afterAll(() => shelf.remove());

const plan = (current: { adapter?: ObjectRef; record?: ObjectRef; dama?: Deployment['genesisDama'] } | null, fence = 5, again: CurrentAdapter['again'] = null) => {
  const { planTurn } = createRelayWindowActivities({ store: shelf.store, deployment });
  return planTurn({ window, fence, current: { dama: current?.dama ?? deployment.genesisDama, version: current && { sequence: 3, adapter: version.adapter, record, ...current }, again } });
};

describe('a turn', () => {
  it('is that of the competition, with the miner\'s music', () => {
    expect(window).toMatchObject({ hotkey: anna.hotkey, adapterId: 'rr', index: 7, lastBlock: 319, checkMs: 300_000, recipe: { dataset: dataset.ref, lora: competition.lora, hyper: { steps: competition.training.hyper.steps } } });
    expect(relayWindowOf(participant(anna, 'miner', { dataset }), { deployment, window: { index: 7, last: 319 }, steps: 3 }).recipe.hyper.steps).toBe(3);
    expect(() => relayWindowOf(participant(anna, 'miner'), { deployment, window: { index: 7, last: 319 } })).toThrow(InvalidInput);
    expect(() => relayWindowOf(participant(anna, 'miner', { dataset }), { deployment: shelf.deployment, window: { index: 7, last: 319 } })).toThrow(InvalidInput);
  });

  it('begins from the current version, or from nothing where there is none or it belongs to another Dama', async () => {
    expect(await plan({})).toMatchObject({ base: deployment.genesisDama, adapter: version.adapter, bucket: anna.privateBucket });
    expect(await plan(null)).not.toHaveProperty('adapter');
    const dama = { ...deployment.genesisDama, digest: Buffer.alloc(32).toString('base64') };
    expect(await plan({ dama })).not.toHaveProperty('adapter');
    // another turn trains something else, and elsewhere
    expect((await plan({}, 6)).prefix).not.toBe((await plan({})).prefix);
    expect(await plan({})).toEqual(await plan({}));
  });

  it('begins from a late result that it is handed, with the current version added where that is of the same Dama', async () => {
    const { digest } = deployment.genesisDama;
    const start = await shelf.store.putOnce('hub', 'again.safetensors', adapterFile('again'));
    const again = { late: 'a'.repeat(64), base: digest, start };
    expect((await plan(null, 5, again)).adapter).toEqual(start);
    expect((await plan({}, 5, { ...again, base: 'B'.repeat(43) + '=' })).adapter).toEqual(version.adapter);
    const both = (await plan({}, 5, again)).adapter!;
    expect([both.bucket, both.sha256 === start.sha256, await plan({}, 5, again)]).toEqual([anna.privateBucket, false, expect.objectContaining({ adapter: both }) as object]);
    const open = async (ref: ObjectRef): Promise<Adapter> => decodeAdapter(await shelf.store.get(ref, { maxBytes: ref.bytes }), { music: TOY, lora: competition.lora });
    const [sum, one, other] = await Promise.all([both, start, version.adapter].map(open));
    // four ranks and four others in four: what is lost is said by the singular values (start.test.ts)
    const exact = stackAdapters([one!, other!].map((adapter) => ({ adapter, weight: 1 })));
    expect(errorOf(exact, sum!).overall).toBeCloseTo(recompress(exact, competition.lora.rank).error.overall, 6);
  });

  it('believes the hub\'s signature, not its door', async () => {
    const other = await shelf.store.putOnce('hub', 'frozen/b.safetensors', adapterFile('b'));
    await expect(plan({ adapter: other })).rejects.toThrow(`Expected version 3 to be the adapter ${version.adapter.sha256}, got ${other.sha256}`);
    const forged = await shelf.store.putOnce('hub', 'forged.json', signVersion({ ...version, hotkey: anna.hotkey }, anna));
    await expect(plan({ record: forged })).rejects.toThrow(BadSubmission);
  });

  it('is uploaded with its base named, and forgets its checkpoints', async () => {
    const { uploadTurn } = createRelayWindowActivities({ store: shelf.store, deployment });
    const planned = await plan({});
    const adapter = await shelf.store.putOnce(anna.privateBucket, `${planned.prefix}/adapter.safetensors`, adapterFile('trained'));
    const checkpoint = await shelf.store.putOnce(anna.privateBucket, `${planned.prefix}/checkpoint-000010.safetensors`, new Uint8Array(1));
    const uploaded = await uploadTurn({ bucket: anna.bucket, plan: planned, adapter });
    expect(uploaded).toMatchObject({ bucket: 'anna', key: `adapters/${uploaded.sha256}.safetensors` });
    const { tensors, metadata } = decodeSafetensors(await shelf.store.get(uploaded, { maxBytes: 2 ** 20 }));
    expect([tensors, metadata['base_model_digest']]).toEqual([decodeSafetensors(adapterFile('trained')).tensors, deployment.genesisDama.digest]);
    expect(await shelf.store.head(checkpoint.bucket, checkpoint.key)).toBeUndefined();
  });
});
