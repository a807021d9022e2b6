import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPromotionActivities } from '../../activities/promotion.ts';
import type { Deployment } from '../../activities/deployment.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { signVersion, versionKey, type AdapterVersion } from '../../genki/protocol/adapter-version.ts';
import { competitionDigest, readCompetition } from '../../genki/protocol/competition.ts';
import type { CurrentVersion } from '../../genki/protocol/relay.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
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

async function publish(sequence: number, base: string): Promise<CurrentVersion> {
  const adapter = await shelf.store.putOnce('hub', `frozen/${sequence}.safetensors`, adapterFile(String(sequence)));
  const version: AdapterVersion = { version: 1, competition: deployment.competitionDigest, adapterId: 'rr', hotkey: hub.hotkey, sequence, parent: sequence - 1, base, adapter, author: { hotkey: 'a miner', fence: sequence }, losses: {}, block: 5 };
  return { sequence, adapter, record: await shelf.store.putOnce('hub', versionKey('rr', sequence), signVersion(version, hub)) };
}

describe('a rollback', () => {
  it('goes to a version of the Dama that is current, and to no other: that one has the adapter in it already', async () => {
    const { draftRollback } = createPromotionActivities({ chain: {} as Chain, store: shelf.store, deployment, participants: async () => [participant(hub, 'hub')] });
    await publish(1, 'A'.repeat(43) + '=');
    await publish(2, deployment.genesisDama.digest);
    const current = await publish(3, deployment.genesisDama.digest);
    const of = { hub: hub.hotkey, adapterId: 'rr', current };
    expect(await draftRollback({ ...of, to: 2 })).toMatchObject({ kind: 'accepted', version: { sequence: 4, parent: 3, rolledBackTo: 2 } });
    expect(await draftRollback({ ...of, to: 1 })).toMatchObject({ kind: 'refused', reason: expect.stringContaining('Expected a version of the Dama') as string });
  });
});
