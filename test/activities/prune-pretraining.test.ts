import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPretrainingActivities } from '../../activities/pretraining.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { signBaseRecord, type BaseRecord } from '../../genki/protocol/base-record.ts';
import { competitionDigest, readCompetition } from '../../genki/protocol/competition.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { actor, bytesOf, competition as toyCompetition, openShelf, participant, type Shelf } from './support/federation.ts';

const hub = actor('hub');
const competition = readCompetition({ ...toyCompetition, id: 'rr', exchange: 'relay', relay: RUBY_RELAY.relay });

let shelf: Shelf;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf.remove());

async function keysIn(bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of shelf.store.list(bucket, '')) keys.push(key);
  return keys;
}

it('a base that is published leaves of its training what the next call of each run goes on from', async () => {
  const { store, deployment } = shelf;
  const { publishBase } = createPretrainingActivities({ chain: {} as Chain, store, deployment: { ...deployment, competition, competitionDigest: competitionDigest(competition) }, participants: async () => [participant(hub, 'hub')] });
  const put = (key: string): Promise<ObjectRef> => store.putOnce(hub.privateBucket, key, bytesOf(key));
  await put('secrets/other');
  const publish = async (sequence: number, run: string): Promise<string> => {
    for (const name of ['model-5', 'base/merged', 'checkpoint-4']) await put(`pretrain/${sequence}/${name}`);
    const checkpoint = await put(`pretrain/${sequence}/checkpoint-5`);
    const record: BaseRecord = { version: 1, competition: competitionDigest(competition), adapterId: 'rr', hotkey: hub.hotkey, sequence, previous: deployment.genesisDama.digest, dama: deployment.genesisDama, steps: [{ kind: 'pretrain', steps: 5 }], run: { name: run, step: 5, steps: 10, checkpoint }, mergedUntil: 0, losses: {}, rebased: [], block: 1 };
    await publishBase({ hub: hub.hotkey, text: new TextDecoder().decode(signBaseRecord(record, hub)) });
    return checkpoint.key;
  };
  const monthly = await publish(1, 'monthly');
  expect(await keysIn(hub.privateBucket)).toEqual([monthly, 'secrets/other']);
  const daily = await publish(2, 'daily');
  expect(await keysIn(hub.privateBucket)).toEqual([monthly, daily, 'secrets/other']);
  const next = await publish(3, 'monthly');
  expect(await keysIn(hub.privateBucket)).toEqual([daily, next, 'secrets/other']);
});
