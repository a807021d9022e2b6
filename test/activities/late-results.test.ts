import { MockActivityEnvironment } from '@temporalio/testing';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLateResultActivities, type Gathered, type LateResultActivities } from '../../activities/late-results.ts';
import type { Deployment } from '../../activities/deployment.ts';
import { StoreUnavailable } from '../../genki/errors.ts';
import { signVersion, versionKey, type AdapterVersion } from '../../genki/protocol/adapter-version.ts';
import { nameBase } from '../../genki/federation/relayed-adapter.ts';
import { competitionDigest, readCompetition } from '../../genki/protocol/competition.ts';
import type { Candidate } from '../../genki/protocol/candidates.ts';
import { newRelay, type Copied } from '../../genki/protocol/relay.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import { actor, adapterFile, competition as toyCompetition, openShelf, participant, type Shelf } from './support/federation.ts';

const hub = actor('hub');
const competition = readCompetition({ ...toyCompetition, id: 'rr', exchange: 'relay', relay: RUBY_RELAY.relay });

let shelf: Shelf;
let deployment: Deployment;
beforeAll(async () => {
  shelf = await openShelf();
  deployment = { ...shelf.deployment, competition, competitionDigest: competitionDigest(competition), hub: { hotkey: hub.hotkey } };
});
afterAll(() => shelf.remove());

/** What a relay that has these candidates is asked for. */
async function ask<T>(task: (activities: LateResultActivities) => Promise<T>, candidates: readonly Candidate[] = []): Promise<T> {
  const store: ObjectStore = { ...shelf.store, get: async (ref, options) => {
    if (ref.bucket === 'closed') throw new StoreUnavailable('Expected to get it, got 403 AccessDenied');
    return await shelf.store.get(ref, options);
  } };
  const client = { withAbortSignal: (_: AbortSignal, run: () => unknown) => run(), workflow: { getHandle: () => ({ query: async () => ({ ...newRelay(), candidates }) }) } } as unknown as Client;
  const activities = createLateResultActivities({ store, deployment, participants: async () => [participant(hub, 'hub')] });
  return await new MockActivityEnvironment({}, { client }).run<[], T, () => Promise<T>>(() => task(activities));
}
const copy = (adapter: ObjectRef): Promise<Copied> => ask(({ copyLate }) => copyLate({ hub: hub.hotkey, adapterId: 'rr', adapter }));
const gather = (candidates: readonly Candidate[]): Promise<Gathered> => ask(({ gatherLate }) => gatherLate({ hub: hub.hotkey, adapterId: 'rr', today: { base: deployment.genesisDama } }), candidates);
const put = (name: string, file: Uint8Array): Promise<ObjectRef> => shelf.store.putOnce('stranger', name, file);
const late = (adapter: ObjectRef, changes: Partial<Candidate> = {}): Candidate => ({ holder: 'a stranger', fence: 1, parent: 0, adapter, reason: 'late', kept: null, ...changes });

describe('late results', () => {
  it('are copied from a stranger\'s bucket and outlive it; of what nobody can ever merge it is said why, and nothing of its author is kept', async () => {
    const { digest } = deployment.genesisDama;
    const fit = await put('fit', nameBase(adapterFile('fit'), digest));
    const missing = { ...fit, key: 'gone', sha256: '2'.repeat(64) };
    const message = await put('message', nameBase(adapterFile('message'), 'by eve'));
    const long = await put('long', nameBase(adapterFile('long'), 'x'.repeat(30_000)));
    const large = await put('large', new Uint8Array(competition.limits.adapterBytes + 1));
    for (const [ref, reason] of [[missing, /^ObjectMissing: /], [message, /^Expected an adapter of a base of this competition/], [long, /^Expected the entry base_model_digest/], [large, /^TooLarge: /]] as const) expect(await copy(ref)).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) as string });
    // its store may be back later
    await expect(copy({ ...fit, bucket: 'closed' })).rejects.toThrow(StoreUnavailable);
    const kept = await copy(fit);
    expect(kept).toMatchObject({ kind: 'kept', adapter: { bucket: 'hub' } });
    await shelf.store.delete(fit.bucket, fit.key);
    if (kept.kind === 'kept') expect(await gather([late(missing), late(fit, { kept: kept.adapter })])).toMatchObject({ waiting: [{ base: digest, adapter: kept.adapter, parent: null, late: { adapter: fit } }], unfit: [] });
  });

  it('that were made from a version that never was are named', async () => {
    const fit = await put('orphan', nameBase(adapterFile('orphan'), deployment.genesisDama.digest));
    expect(await gather([late(fit, { kept: fit, parent: 99 })])).toMatchObject({ waiting: [], unfit: [fit.sha256] });
  });

  it('are merged on top of the version that is current by then, not when the training began', async () => {
    const { digest } = deployment.genesisDama;
    const adapter = await put('newer', nameBase(adapterFile('newer'), digest));
    const version: AdapterVersion = { version: 1, competition: deployment.competitionDigest, adapterId: 'rr', hotkey: hub.hotkey, sequence: 3, parent: 2, base: digest, adapter, author: { hotkey: 'a stranger', fence: 4 }, losses: {}, block: 5 };
    await shelf.store.putOnce('hub', versionKey('rr', 3), signVersion(version, hub));
    expect(await gather([])).toMatchObject({ today: { base: { digest }, adapter }, version: 3 });
  });
});
