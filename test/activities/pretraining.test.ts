import { MockActivityEnvironment } from '@temporalio/testing';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPretrainingActivities, type Gathered } from '../../activities/pretraining.ts';
import type { Deployment } from '../../activities/deployment.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { StoreUnavailable } from '../../genki/errors.ts';
import { signVersion, versionKey, type AdapterVersion } from '../../genki/protocol/adapter-version.ts';
import { nameBase } from '../../genki/federation/relayed-adapter.ts';
import { competitionDigest, readCompetition } from '../../genki/protocol/competition.ts';
import { newRelay, type Candidate } from '../../genki/protocol/relay.ts';
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

/** What is gathered of candidates that a relay has. */
async function gather(adapters: readonly ObjectRef[]): Promise<Gathered> {
  const candidates: Candidate[] = adapters.map((adapter, i) => ({ holder: 'a stranger', fence: i + 1, parent: 0, adapter, reason: 'late' }));
  const store: ObjectStore = { ...shelf.store, get: async (ref, options) => {
    if (ref.bucket === 'closed') throw new StoreUnavailable('Expected to get it, got 403 AccessDenied');
    return await shelf.store.get(ref, options);
  } };
  const client = { withAbortSignal: (_: AbortSignal, run: () => unknown) => run(), workflow: { getHandle: () => ({ query: async () => ({ ...newRelay(), candidates }) }) } } as unknown as Client;
  const { gatherLate } = createPretrainingActivities({ chain: {} as Chain, store, deployment, participants: async () => [participant(hub, 'hub')] });
  return await new MockActivityEnvironment({}, { client }).run<[], Gathered, () => Promise<Gathered>>(() => gatherLate({ hub: hub.hotkey, today: { base: deployment.genesisDama, adapter: null } }));
}
const put = (name: string, file: Uint8Array): Promise<ObjectRef> => shelf.store.putOnce('stranger', name, file);

describe('late results', () => {
  it('are gathered though a stranger\'s bucket is closed; what nobody can ever merge is named, and nothing of its author is kept', async () => {
    const { digest } = deployment.genesisDama;
    const fit = await put('fit', nameBase(adapterFile('fit'), digest));
    const closed = { ...fit, bucket: 'closed', sha256: '1'.repeat(64) };
    const gone = { ...fit, key: 'gone', sha256: '2'.repeat(64) };
    const message = await put('message', nameBase(adapterFile('message'), 'by eve'));
    const long = await put('long', nameBase(adapterFile('long'), 'x'.repeat(30_000)));
    const { waiting, unfit } = await gather([closed, gone, message, long, fit]);
    expect(waiting).toMatchObject([{ base: digest, candidate: fit.sha256, parent: null }]);
    expect(unfit).toEqual([gone.sha256, message.sha256, long.sha256]);
  });

  it('are merged on top of the version that is current by then, not when the training began', async () => {
    const { digest } = deployment.genesisDama;
    const adapter = await put('newer', nameBase(adapterFile('newer'), digest));
    const version: AdapterVersion = { version: 1, competition: deployment.competitionDigest, adapterId: 'rr', hotkey: hub.hotkey, sequence: 3, parent: 2, base: digest, adapter, author: { hotkey: 'a stranger', fence: 4 }, losses: {}, block: 5 };
    await shelf.store.putOnce('hub', versionKey('rr', 3), signVersion(version, hub));
    expect(await gather([])).toMatchObject({ today: { base: { digest }, adapter }, version: 3 });
  });
});
