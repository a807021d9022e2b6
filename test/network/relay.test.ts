import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lastFence, newestVersion, readVersion, sequencesOf } from '../../activities/adapter-versions.ts';
import { composeDataset, encodeDataset, manifestOf } from '../../genki/data/dataset.ts';
import { createHubActivities } from '../../activities/hub.ts';
import { createRelayTurnActivities } from '../../activities/relay-turn.ts';
import { relayWindowOf } from '../../activities/relay-window.ts';
import { createProgram } from '../../client/program.ts';
import { relays } from '../../client/status/hub.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { versionKey } from '../../genki/protocol/adapter-version.ts';
import type { LeaseStatus, PushAnswer } from '../../genki/protocol/hub.ts';
import { relayName } from '../../genki/protocol/relay.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { openDoor } from '../../workers/hub/door.ts';
import { createRegistry } from '../../workers/hub/registry.ts';
import { walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { actor, participant, type Actor } from '../activities/support/federation.ts';
import { BLOCK_MS, TestNetwork, until } from './support/network.ts';
import { startRelayHub, type RelayHub } from './support/relay-hub.ts';

/** So few events that the relays below live through several runs of their workflow. */
const SUGGEST_CONTINUE_AS_NEW = 150;
const TIMING = { leaseMs: 20_000, checkMs: 1000, lapseWaitMs: 60_000 };

const crowd = Array.from({ length: 50 }, (_, i) => actor(`miner-${String(i).padStart(2, '0')}`));
const [anna, ben, carl] = ['anna', 'ben', 'carl'].map(actor) as [Actor, Actor, Actor];
let network: TestNetwork;
let relay: RelayHub;

beforeAll(async () => {
  network = await TestNetwork.start({ limits: { 'limit.historyCount.suggestContinueAsNew': SUGGEST_CONTINUE_AS_NEW } });
  relay = await startRelayHub(network, { id: 'tr', timing: TIMING, miners: [...crowd, anna, ben, carl] });
});
afterAll(() => network?.stop());

/** Each test has an adapter of its own. */
const nameOf = (test: string): string => `tr.${test}`;
const ask = (adapterId: string, { hotkey }: Actor) => relay.desk.request({ adapterId, hotkey, coldkey: `cold ${hotkey}` });
const stand = (adapterId: string, { hotkey }: Actor): Promise<LeaseStatus> => relay.desk.status({ adapterId, hotkey });
const release = (adapterId: string, { hotkey }: Actor, fence: number): Promise<void> => relay.desk.release({ adapterId, hotkey, fence });
const push = (adapterId: string, { hotkey }: Actor, of: { fence: number; parent: number; adapter: ObjectRef }): Promise<PushAnswer> => relay.desk.push({ adapterId, hotkey, ...of });
const granted = (adapterId: string, who: Actor): Promise<number> => until(`${who.name} to have its turn with ${adapterId}`, async () => {
  const { state } = await stand(adapterId, who);
  return state.kind === 'granted' && state.fence;
}, 60_000);
const verdict = (adapterId: string, who: Actor): Promise<Exclude<PushAnswer, { kind: 'evaluating' }>> => until(`the push of ${who.name} to be judged`, async () => {
  const { push: said } = await stand(adapterId, who);
  return said !== undefined && said.kind !== 'evaluating' && said;
}, 60_000);
const at = (adapterId: string) => ({ hub: relay.hub.hotkey, bucket: relay.hub.bucket, adapterId });
const promotionsOf = async (adapterId: string): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { workflowId } of network.client.workflow.list({ query: `WorkflowId STARTS_WITH "promotion/${adapterId}/"` })) ids.push(workflowId);
  return ids.sort();
};
const crowdKeys = new Map(crowd.map((one) => [one.hotkey, one]));

describe('a relayed adapter on a server', () => {
  it('gives 50 who ask at once their turns in the order of asking, over several runs of its workflow, though some vanish, ask twice or hold on to it', async () => {
    const adapterId = nameOf('crowd');
    const desk = relay.deskWith({ leaseMs: 60_000, checkMs: 2500, lapseWaitMs: 60_000 });
    const ask = ({ hotkey }: Actor) => desk.request({ adapterId, hotkey, coldkey: `cold ${hotkey}` });
    await ask(anna);
    // the first ten one after the other, so that their order is known; the others ten at once
    for (const [i, who] of crowd.slice(0, 10).entries()) expect(await ask(who)).toEqual({ kind: 'queued', position: i + 1 });
    for (let i = 10; i < 50; i += 10) {
      expect(await desk.renew({ adapterId, hotkey: anna.hotkey, fence: 1 })).toEqual({ renewed: true });
      await Promise.all(crowd.slice(i, i + 10).map(ask));
    }
    expect(await desk.renew({ adapterId, hotkey: anna.hotkey, fence: 1 })).toEqual({ renewed: true });
    const { lease } = await relay.desk.state({ adapterId });
    const order = lease.waiting.map(({ holder }) => crowdKeys.get(holder)!);
    expect(new Set(order).size).toBe(50);
    expect(order.slice(0, 10)).toEqual(crowd.slice(0, 10));
    // so does `genki status` see it
    expect((await relays(network.client)).find(({ adapter }) => adapter === adapterId)).toMatchObject({ version: 0, holder: anna.hotkey, until: expect.any(String) as string, fence: 1, waiting: order.map(({ hotkey }) => hotkey), work: null });
    for (const who of [order[3]!, order[49]!]) expect(await ask(who)).toMatchObject({ kind: 'queued' });
    expect((await relay.desk.state({ adapterId })).lease.waiting).toEqual(lease.waiting);
    await release(adapterId, anna, 1);
    const fences: number[] = [];
    for (const [i, who] of order.entries()) {
      fences.push(await granted(adapterId, who));
      expect(await ask(who)).toMatchObject({ kind: 'granted', fence: fences.at(-1) });
      // two vanish: whoever is next has its turn when two renewals were missed
      if (i !== 7 && i !== 23) await release(adapterId, who, fences.at(-1)!);
    }
    expect(fences).toEqual(order.map((_, i) => i + 2));
    const state = await relay.desk.state({ adapterId });
    expect(state.lease).toMatchObject({ fence: 51, current: { kind: 'free' }, waiting: [] });
    expect(state.lease.lapsed.map(({ coldkey }) => coldkey)).toEqual([7, 23].map((i) => `cold ${order[i]!.hotkey}`));
    expect((await network.runsOf(relayName(adapterId))).length).toBeGreaterThan(2);
    expect(await relay.desk.renew({ adapterId, hotkey: order[7]!.hotkey, fence: fences[7]! })).toEqual({ renewed: false });
    expect(await ask(order[7]!)).toMatchObject({ kind: 'barred' });
  });

  it('judges what is pushed by its losses, publishes it, and passes on; blind', async () => {
    const adapterId = nameOf('gate');
    await ask(adapterId, anna);
    await ask(adapterId, ben);
    const bad = await relay.adapter('anna', 20);
    expect(await push(adapterId, anna, { fence: 1, parent: 0, adapter: bad })).toEqual({ kind: 'evaluating' });
    const refused = await verdict(adapterId, anna);
    expect(refused).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/^Expected a held-out loss of at most \d\.\d+ nats a code, got \d/) as string });
    expect(await push(adapterId, anna, { fence: 1, parent: 0, adapter: bad })).toEqual(refused);
    const good = await relay.adapter('anna');
    expect(await push(adapterId, anna, { fence: 1, parent: 0, adapter: good })).toEqual({ kind: 'evaluating' });
    expect(await push(adapterId, anna, { fence: 1, parent: 0, adapter: good })).toEqual({ kind: 'evaluating' });
    expect(await granted(adapterId, ben)).toBe(2);
    expect((await stand(adapterId, anna)).push).toEqual({ kind: 'promoted', sequence: 1 });

    const { version } = await readVersion(relay.store, at(adapterId), 1);
    expect(version).toMatchObject({ adapterId, hotkey: relay.hub.hotkey, sequence: 1, parent: 0, base: relay.deployment.genesisDama.digest, author: { hotkey: anna.hotkey, fence: 1 } });
    expect(Object.keys(version.losses).sort()).toEqual(['ambient', 'battle', 'dungeon', 'march', 'swing', 'town', 'victory', 'waltz']);
    for (const { base, before, after } of Object.values(version.losses)) expect([base, Math.abs(after! - before!)]).toEqual([before, expect.closeTo(0, 2)]);
    expect(await relay.desk.current({ adapterId })).toEqual({ dama: relay.deployment.genesisDama, version: { sequence: 1, adapter: version.adapter, record: expect.objectContaining({ key: versionKey(adapterId, 1) }) as ObjectRef }, again: null });

    // what the judge was given names nothing of the author
    const { events = [] } = await network.client.workflow.getHandle(`promotion/${adapterId}/1/2`).fetchHistory();
    const asked = events!.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => (scheduled?.activityType?.name === 'measureCandidates' ? [Buffer.concat(scheduled.input!.payloads!.map(({ data }) => Buffer.from(data!))).toString()] : []));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain(version.adapter.sha256);
    for (const name of [anna.hotkey, `cold ${anna.hotkey}`, 'anna', good.key, good.sha256, 'fence']) expect(asked[0]).not.toContain(name);
    const [pushed, judged] = await Promise.all([good, version.adapter].map(async (ref) => Buffer.from(await relay.store.get(ref, { maxBytes: ref.bytes })).toString('latin1')));
    expect([pushed!.includes('anna'), judged!.includes('anna')]).toEqual([true, false]);
  });

  it.each([
    ['is not there', async (): Promise<ObjectRef> => ({ bucket: 'anna', key: 'nothing', sha256: '0'.repeat(64), bytes: 3 }), /^ObjectMissing: /],
    ['is too large', async (): Promise<ObjectRef> => await relay.store.putOnce('anna', 'large', new Uint8Array(2 ** 20 + 1)), /^TooLarge: /],
    ['is no adapter', async (): Promise<ObjectRef> => await relay.store.putOnce('anna', 'junk', new Uint8Array(64)), /^Expected /],
    ['is not finite', async (): Promise<ObjectRef> => await relay.adapter('anna', NaN), /to be finite/],
  ])('refuses what %s', async (what, adapterOf, reason) => {
    const adapterId = nameOf(`fault-${what.replaceAll(' ', '-')}`);
    await ask(adapterId, anna);
    await push(adapterId, anna, { fence: 1, parent: 0, adapter: await adapterOf() });
    expect(await verdict(adapterId, anna)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(reason) as string });
    expect((await stand(adapterId, anna)).state).toMatchObject({ kind: 'granted', fence: 1 });
  });

  it('passes on from who overruns, however often it renews; what it then pushes is kept as a candidate, and it is told so', async () => {
    const adapterId = nameOf('late');
    const state = await relay.deskWith({ leaseMs: 2500, checkMs: 2000, lapseWaitMs: 60_000 }).request({ adapterId, hotkey: anna.hotkey, coldkey: anna.hotkey });
    await ask(adapterId, ben);
    await until('her lease to be lost', async () => !(await relay.desk.renew({ adapterId, hotkey: anna.hotkey, fence: 1 })).renewed);
    expect(await granted(adapterId, ben)).toBe(2);
    expect((await relay.desk.state({ adapterId })).lease.current).toMatchObject({ grantedAt: expect.toSatisfy((time: number) => time > (state as { expiresAt: number }).expiresAt) as number });
    const adapter = await relay.adapter('anna');
    const late = await push(adapterId, anna, { fence: 1, parent: 0, adapter });
    expect(late).toEqual({ kind: 'late', reason: 'Expected the fence of a lease that is still held, got 1: the adapter passed on, its fence is 2 by now' });
    expect(await push(adapterId, anna, { fence: 1, parent: 0, adapter })).toEqual(late);
    expect(await push(adapterId, carl, { fence: 2, parent: 0, adapter })).toMatchObject({ kind: 'refused' });
    const { candidates, work } = await relay.desk.state({ adapterId });
    expect([candidates.map((one) => [one.holder, one.fence, one.adapter.sha256]), work]).toEqual([[[anna.hotkey, 1, adapter.sha256]], null]);
    // her bucket may be gone by the next merge; of what is gone already it is said that it is not kept
    const kept = await until('a copy', async () => (await relay.desk.state({ adapterId })).candidates[0]?.kept ?? undefined);
    await relay.store.delete(adapter.bucket, adapter.key);
    expect([kept.bucket, (await relay.store.get(kept, { maxBytes: kept.bytes })).byteLength]).toEqual([relay.hub.bucket, kept.bytes]);
    await release(adapterId, ben, 2);
    expect(await push(adapterId, ben, { fence: 2, parent: 0, adapter: { ...adapter, bucket: 'ben', key: 'gone' } })).toMatchObject({ kind: 'late' });
    const dropped = await until('word that it is gone', async () => {
      const { push: said } = await stand(adapterId, ben);
      return said?.kind === 'refused' && said;
    });
    expect(dropped.reason).toContain('It is not kept for the next merge, either: ObjectMissing: ');
    expect((await relay.desk.state({ adapterId })).candidates).toHaveLength(1);
    await network.record('relay-adapter-late', relayName(adapterId));
  });

  it('leaves lease and places as they are while the door is away for longer than two checks; then the silence of one counts again', async () => {
    const adapterId = nameOf('away');
    const waiters = [ben, ...crowd.slice(0, 5)];
    for (const who of [anna, ...waiters]) await ask(adapterId, who);
    await wait(2.5 * TIMING.checkMs);
    expect((await relay.desk.state({ adapterId })).lease).toMatchObject({ fence: 1, current: { holder: anna.hotkey }, waiting: waiters.map(({ hotkey }) => ({ holder: hotkey })), lapsed: [] });
    expect(await ask(adapterId, crowd[4]!)).toEqual({ kind: 'queued', position: 6 });
    expect(await relay.desk.renew({ adapterId, hotkey: anna.hotkey, fence: 1 })).toEqual({ renewed: true });
    // from now on others are heard, and she is not
    expect(await granted(adapterId, ben)).toBe(2);
    const { lease } = await relay.desk.state({ adapterId });
    expect([lease.waiting.map(({ holder }) => holder), lease.lapsed.map(({ coldkey }) => coldkey)]).toEqual([waiters.slice(1).map(({ hotkey }) => hotkey), [`cold ${anna.hotkey}`]]);
    await network.record('relay-adapter-door-away', relayName(adapterId));
  });

  it('is rolled back to a version of its own number, and what was made from the one before is late', async () => {
    const adapterId = nameOf('back');
    for (const [i, who] of [anna, ben].entries()) {
      await ask(adapterId, who);
      await push(adapterId, who, { fence: i + 1, parent: i, adapter: await relay.adapter(who.name, 0.001 * (i + 1)) });
      expect(await verdict(adapterId, who)).toEqual({ kind: 'promoted', sequence: i + 1 });
    }
    await ask(adapterId, carl);
    expect(await relay.desk.rollback({ adapterId, to: 2 })).toMatchObject({ kind: 'refused' });
    expect(await relay.desk.rollback({ adapterId, to: 1 })).toEqual({ kind: 'begun' });
    await until('version 3', async () => (await stand(adapterId, carl)).version === 3);
    const [first, third] = await Promise.all([1, 3].map((sequence) => readVersion(relay.store, at(adapterId), sequence)));
    expect(third!.version).toEqual({ ...first!.version, sequence: 3, parent: 2, rolledBackTo: 1 });
    expect(await push(adapterId, carl, { fence: 3, parent: 2, adapter: await relay.adapter('carl') })).toMatchObject({ kind: 'late' });
    // a relay that would begin anew now knows the fence of the newest push, not that of the content
    expect(await lastFence(relay.store, at(adapterId), third!)).toBe(2);
    await network.record('relay-adapter-rolled-back', relayName(adapterId));
    await network.record('promote-adapter-rollback', `promotion/${adapterId}/back-to-1/3`);
  });

  it('gives up what nobody judges in time, which is kept, and passes on', async () => {
    const adapterId = nameOf('slow');
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => { go = resolve; });
    relay.before.get = async ({ bucket }) => { if (bucket === 'slow') await gone; };
    await relay.deskWith(TIMING, 3000).request({ adapterId, hotkey: anna.hotkey, coldkey: anna.hotkey });
    await ask(adapterId, ben);
    const adapter = await relay.adapter('slow');
    await push(adapterId, anna, { fence: 1, parent: 0, adapter });
    expect(await verdict(adapterId, anna)).toEqual({ kind: 'late', reason: 'not judged within 3 s' });
    expect(await granted(adapterId, ben)).toBe(2);
    expect((await relay.desk.state({ adapterId })).candidates.map((one) => one.adapter)).toEqual([adapter]);
    relay.before.get = async () => undefined;
    go();
    // whoever judged it after all publishes nothing
    const [id] = await promotionsOf(adapterId);
    expect(await network.client.workflow.getHandle(id!).result()).toEqual({ kind: 'superseded' });
    expect(await sequencesOf(relay.store, at(adapterId))).toEqual([]);
  });
});

describe('a promotion that is killed', () => {
  it('while it judges, is begun again', async () => {
    const adapterId = nameOf('killed-judging');
    let arrived = (): void => undefined;
    const judging = new Promise<void>((resolve) => { arrived = resolve; });
    relay.before.get = async ({ bucket }) => {
      if (bucket !== 'stuck') return;
      arrived();
      await wait(60_000, undefined, { ref: false });
    };
    await ask(adapterId, anna);
    await push(adapterId, anna, { fence: 1, parent: 0, adapter: await relay.adapter('stuck') });
    await judging;
    relay.before.get = async () => undefined;
    await network.client.workflow.getHandle(`promotion/${adapterId}/1/1`).terminate('as an operator does');
    expect(await verdict(adapterId, anna)).toEqual({ kind: 'promoted', sequence: 1 });
    expect(await promotionsOf(adapterId)).toEqual([1, 2].map((attempt) => `promotion/${adapterId}/1/${attempt}`));
  });

  it.each(['before', 'after'])('%s it has written the version, comes to that one version and no second one, and the lease passes on', async (when) => {
    const adapterId = nameOf(`killed-${when}`);
    let arrived = (): void => undefined;
    const publishing = new Promise<void>((resolve) => { arrived = resolve; });
    const stop = async (_: string, key: string): Promise<void> => {
      if (key !== versionKey(adapterId, 1)) return;
      arrived();
      await wait(60_000, undefined, { ref: false });
    };
    relay.before[when === 'before' ? 'put' : 'putDone'] = stop;
    await ask(adapterId, anna);
    await ask(adapterId, ben);
    await push(adapterId, anna, { fence: 1, parent: 0, adapter: await relay.adapter('anna') });
    await publishing;
    relay.before.put = relay.before.putDone = async () => undefined;
    // a push that is accepted is not given up, however long it takes
    expect((await stand(adapterId, anna)).push).toEqual({ kind: 'evaluating' });
    await network.client.workflow.getHandle(`promotion/${adapterId}/1/1`).terminate('as an operator does');
    expect(await verdict(adapterId, anna)).toEqual({ kind: 'promoted', sequence: 1 });
    expect(await granted(adapterId, ben)).toBe(2);
    expect(await sequencesOf(relay.store, at(adapterId))).toEqual([1]);
    const { version } = await relay.desk.state({ adapterId });
    expect((await newestVersion(relay.store, at(adapterId)))!.record).toEqual(version!.record);
    await network.record(`promote-adapter-again-${when}`, `promotion/${adapterId}/1/2`);
  });

  it('with its relay, goes on from what was published, with higher numbers', async () => {
    const adapterId = nameOf('ended');
    await ask(adapterId, anna);
    await push(adapterId, anna, { fence: 1, parent: 0, adapter: await relay.adapter('anna') });
    await verdict(adapterId, anna);
    await network.client.workflow.getHandle(relayName(adapterId)).terminate('as an operator does');
    expect(await stand(adapterId, ben)).toEqual({ state: { kind: 'none' }, fence: 1, waiting: 0, version: 1 });
    expect(await relay.desk.renew({ adapterId, hotkey: anna.hotkey, fence: 1 })).toEqual({ renewed: false });
    expect(await ask(adapterId, ben)).toMatchObject({ kind: 'granted', fence: 2 });
    await push(adapterId, ben, { fence: 2, parent: 1, adapter: await relay.adapter('ben') });
    expect(await verdict(adapterId, ben)).toEqual({ kind: 'promoted', sequence: 2 });
  });
});

describe('a server that is killed', () => {
  it('comes back with 50 waiters in their order', async () => {
    const adapterId = nameOf('crash');
    const desk = relay.deskWith({ leaseMs: 3_600_000, checkMs: 600_000, lapseWaitMs: 60_000 });
    for (const { hotkey } of [anna, ...crowd]) await desk.request({ adapterId, hotkey, coldkey: hotkey });
    const before = await desk.state({ adapterId });
    expect(before.lease.waiting.map(({ holder }) => holder)).toEqual(crowd.map(({ hotkey }) => hotkey));
    network.crash('temporal');
    expect(await until('an answer', () => desk.state({ adapterId }).catch(() => undefined), 60_000)).toEqual(before);
    await until('a release', () => desk.release({ adapterId, hotkey: anna.hotkey, fence: 1 }).then(() => true, () => false), 60_000);
    expect(await granted(adapterId, crowd[0]!)).toBe(2);
  });
});

describe('the turns of three miners', () => {
  it('go on from one another through the door, each trained from the version before; one loses its lease, and its work is kept', async () => {
    const { hub, chain, deployment, store } = relay;
    const desk = relay.deskWith({ leaseMs: 120_000, checkMs: 10_000, lapseWaitMs: 60_000 });
    const adapterId = deployment.competition.id;
    const registry = createRegistry({ chain, netuid: deployment.competition.netuid, retryMs: 1000, now: Date.now });
    const door = await openDoor({ desk, signer: hub, verify: verifySignature, registry, blockMs: BLOCK_MS, adapters: new Set([adapterId]), now: Date.now, say: () => undefined }, { host: '127.0.0.1', port: 0, proxies: 0 });
    network.also(() => door.close());
    const turn = async (who: Actor) => {
      const asks = createHubActivities({ signer: who, url: door.url, hubHotkey: hub.hotkey });
      await network.work({ taskQueue: walletQueue(who.hotkey), activities: { ...asks, ...createRelayTurnActivities(asks) }, maxConcurrentActivityTaskExecutions: 1 });
      const music = composeDataset({ name: who.name, styles: ['dungeon'], clips: 2, seed: who.name, licence: 'CC0-1.0', sharing: 'private' });
      const file = encodeDataset(music);
      const dataset = { ...manifestOf(music, file), ref: await store.putOnce(who.privateBucket, 'dataset.safetensors', file) };
      const window = relayWindowOf(participant(who, 'miner', { dataset }), { deployment, window: { index: 0, last: 999_999 } });
      return await network.client.workflow.start('relayTurn', { workflowId: `turn/${who.name}`, taskQueue: WORKFLOW_QUEUE, args: [window] });
    };
    const first = await turn(anna);
    await until('her turn', async () => (await stand(adapterId, anna)).state.kind === 'granted');
    const second = await turn(ben);
    expect(await first.result()).toMatchObject({ kind: 'handed-on', hotkey: anna.hotkey, sequence: 1, fence: 1 });
    expect(await second.result()).toMatchObject({ kind: 'handed-on', hotkey: ben.hotkey, sequence: 2, fence: 2 });
    const versions = await Promise.all([1, 2].map(async (sequence) => (await readVersion(store, at(adapterId), sequence)).version));
    expect(versions.map(({ parent, author }) => [parent, author.hotkey])).toEqual([[0, anna.hotkey], [1, ben.hotkey]]);
    expect(versions[1]!.adapter.sha256).not.toBe(versions[0]!.adapter.sha256);

    // in the middle of her own upload the hub hears that she is gone
    let uploaded = false;
    relay.before.put = async (bucket) => {
      if (bucket !== 'carl' || uploaded) return;
      uploaded = true;
      await desk.release({ adapterId, hotkey: carl.hotkey, fence: 3 });
    };
    const third = await turn(carl);
    expect(await third.result()).toMatchObject({ kind: 'late', hotkey: carl.hotkey, fence: 3, reason: expect.stringContaining('Expected the fence of a lease that is still held, got 3') as string });
    expect((await desk.state({ adapterId })).candidates).toMatchObject([{ holder: carl.hotkey, fence: 3 }]);
    await network.record('relay-adapter-turns', relayName(adapterId));
    await network.record('promote-adapter-promoted', `promotion/${adapterId}/1/1`);
  });
});

describe('genki adapter and genki pretrain', () => {
  it('lists it, shows its history, and rolls it back', async () => {
    const { home, address } = network;
    const { deployment, chainUrl, hub } = relay;
    const { competitionDigest: _, ...agreed } = deployment;
    await writeFile(join(home, 'deployment.json'), JSON.stringify({ version: 1, ...agreed }));
    await writeFile(join(home, 'participants.json'), JSON.stringify({ version: 1, participants: [participant(hub, 'hub'), participant(anna, 'miner'), participant(ben, 'miner')] }));
    await writeFile(join(home, 'network.json'), JSON.stringify({ temporal: address, namespace: 'default', chain: chainUrl }));
    const run = async (...args: string[]): Promise<string> => {
      const said: string[] = [];
      const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
      try {
        await createProgram({ ...process.env, GENKI_HOME: home, GENKI_S3_ENDPOINT: undefined, TEMPORAL_ADDRESS: undefined }).exitOverride().parseAsync(args, { from: 'user' });
      } finally {
        stdout.mockRestore();
      }
      return said.join('');
    };
    const genki = (...args: string[]): Promise<string> => run('adapter', ...args);
    expect(JSON.parse(await genki('list', '--json'))).toMatchObject({ adapters: [{ adapter: 'tr', version: 2, author: ben.hotkey, waiting: 0, work: null, candidates: [{ hotkey: carl.hotkey, fence: 3 }] }] });
    expect(await genki('list')).toMatch(/^tr +2 +ben +free +0 +1$/m);
    expect(JSON.parse(await genki('rollback', 'tr', '--json'))).toEqual({ adapter: 'tr', version: 3, rolledBackTo: 1 });
    await expect(genki('rollback', 'tr', '--to', '3')).rejects.toThrow('Expected a version of tr before the current one, 3, which is 1 again, got 3');
    await expect(genki('rollback', 'tr')).rejects.toThrow('which is 1 again, there is none');
    const history = (await genki('history', 'tr')).split('\n');
    expect(history.slice(1).filter((line) => line !== '').map((line) => line.trim().split(/ {2,}/).slice(0, 4))).toEqual([['3', 'again 1', 'anna', '1'], ['2', 'from 1', 'ben', '2'], ['1', 'from 0', 'anna', '1']]);
    expect((JSON.parse(await genki('history', 'tr', '--json')) as { versions: unknown[] }).versions).toHaveLength(3);
    for (const command of ['history', 'rollback']) await expect(genki(command, 'unknown')).rejects.toThrow('Expected an adapter of this hub, tr, got "unknown"');

    expect(JSON.parse(await run('pretrain', 'list', '--json'))).toEqual({ bases: [{ adapter: 'tr', base: 0, digest: deployment.genesisDama.digest, run: null, work: null }] });
    expect(await run('pretrain', 'history')).toBe('No base of tr yet but the one that it began with.\n');
    await expect(run('pretrain', 'rollback')).rejects.toThrow('Expected a base of tr before the newest one, 0');
    expect(JSON.parse(await run('pretrain', 'start', '--budget', '60s', '--steps', '2', '--json'))).toMatchObject({ kind: 'published', sequence: 1, step: 2 });
    expect(JSON.parse(await run('pretrain', 'rollback', '--json'))).toMatchObject({ adapter: 'tr', sequence: 2, rolledBackTo: 0 });
    await expect(run('pretrain', 'rollback')).rejects.toThrow('Expected a base of tr before the newest one, 2, there is none');
    expect((await run('pretrain', 'history')).split('\n').slice(1, 3).map((line) => line.trim().split(/ {2,}/).slice(0, 2))).toEqual([['2', 'again 0'], ['1', expect.stringMatching(/^2 steps, \d merged$/)]]);
    expect(await run('pretrain', 'list')).toMatch(/^tr +2 +base, step 0 of 2 /m);
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
