import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLeaseActivities } from '../../activities/lease.ts';
import type { LeaseAnswer, LeaseState, LeaseTiming } from '../../genki/protocol/lease.ts';
import type { Holder } from '../../genki/protocol/lease.ts';
import { CPU_QUEUE, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { TestNetwork, until } from './support/network.ts';
import type { contender, heard, trainer } from './support/workflows.ts';

/** So few events that some of the tests below live through several runs of the lease's workflow. */
const SUGGEST_CONTINUE_AS_NEW = 120;
/** Nothing happens by time. */
const CALM: LeaseTiming = { leaseMs: 3_600_000, checkMs: 600_000, lapseWaitMs: 60_000 };

const lease = createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE });
let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.start({ limits: { 'limit.historyCount.suggestContinueAsNew': SUGGEST_CONTINUE_AS_NEW } });
  await network.work({ taskQueue: CPU_QUEUE, activities: lease });
});
afterAll(() => network?.stop());

const acquire = (adapterId: string, holder: string, timing = CALM): Promise<LeaseAnswer> => network.call(lease.acquireLease, { adapterId, holder, timing });
const renew = (adapterId: string, held: Holder): Promise<void> => network.call(lease.renewLease, { adapterId, ...held });
const release = (adapterId: string, held: Holder): Promise<void> => network.call(lease.releaseLease, { adapterId, ...held });
const workflow = (adapterId: string): WorkflowHandle => network.client.workflow.getHandle(`adapter-lease/${adapterId}`);
const stateOf = (adapterId: string): Promise<LeaseState> => workflow(adapterId).query<LeaseState>('state');

async function heldBy(adapterId: string, holder: string): Promise<LeaseState & { current: { kind: 'held' } }> {
  return await until(`${holder} to hold ${adapterId}`, async () => {
    const state = await stateOf(adapterId);
    return state.current.kind === 'held' && state.current.holder === holder && (state as LeaseState & { current: { kind: 'held' } });
  });
}

/** Workflows that hold or wait, by ids that only this test uses. */
async function trainers<Names extends readonly string[]>(test: string, ...names: Names): Promise<{ [I in keyof Names]: string }> {
  const start = async (name: string): Promise<string> => {
    const workflowId = `${test}/${name}`;
    await network.client.workflow.start<typeof trainer>('trainer', { workflowId, taskQueue: WORKFLOW_QUEUE });
    network.also(() => network.client.workflow.getHandle(workflowId).terminate().catch(() => undefined));
    return workflowId;
  };
  return (await Promise.all(names.map(start))) as { [I in keyof Names]: string };
}

const heardBy = (holder: string): Promise<readonly string[]> => network.client.workflow.getHandle(holder).query<readonly string[]>('heard' satisfies (typeof heard)['name']);
const told = (holder: string, adapterId: string): Promise<true> => until(`${holder} to be told of ${adapterId}`, async () => (await heardBy(holder)).includes(adapterId));

describe.concurrent('adapterLease on a server', () => {
  it('serves first come, first served, tells each whose turn has come, and takes asking twice for one ticket', async () => {
    const [a, b, c] = await trainers('queue', 'a', 'b', 'c');
    const first = await acquire('queue', a);
    expect(first).toMatchObject({ kind: 'granted', fence: 1 });
    expect(await acquire('queue', b)).toEqual({ kind: 'queued', position: 1 });
    expect(await acquire('queue', c)).toEqual({ kind: 'queued', position: 2 });
    expect(await Promise.all([acquire('queue', a), acquire('queue', b), acquire('queue', c)])).toEqual([first, { kind: 'queued', position: 1 }, { kind: 'queued', position: 2 }]);

    await release('queue', { holder: a, fence: 1 });
    await told(b, 'queue');
    expect(await acquire('queue', b)).toMatchObject({ kind: 'granted', fence: 2 });
    expect(await heardBy(c)).toEqual([]);
    await release('queue', { holder: b, fence: 2 });
    await told(c, 'queue');
    expect(await acquire('queue', a)).toEqual({ kind: 'queued', position: 1 });
    expect(await stateOf('queue')).toMatchObject({ fence: 3, current: { holder: c }, lapsed: [] });
    await network.record('adapter-lease-queue', 'adapter-lease/queue');
  });

  it('ignores a release that is late, strange or malformed', async () => {
    const [a, b] = await trainers('late', 'a', 'b');
    await acquire('late', a);
    await acquire('late', b);
    await release('late', { holder: a, fence: 1 });
    const { current } = await heldBy('late', b);
    await release('late', { holder: a, fence: 1 });
    await release('late', { holder: b, fence: 1 });
    await release('late', { holder: 'somebody', fence: 2 });
    await workflow('late').signal('release');
    await workflow('late').signal('release', 'all of it');
    expect(await acquire('late', b)).toMatchObject({ kind: 'granted', fence: 2 });
    expect((await stateOf('late')).current).toEqual(current);
  });

  it('ends at the moment it was granted until, however often it is renewed, and passes on with a higher fence', async () => {
    const timing: LeaseTiming = { leaseMs: 2000, checkMs: 1500, lapseWaitMs: 60_000 };
    const [a, b] = await trainers('expiry', 'a', 'b');
    const first = await acquire('expiry', a, timing);
    await acquire('expiry', b, timing);
    const held = { holder: a, fence: 1 };
    const lost = await until('the lease to be lost', async () => {
      const { current } = await stateOf('expiry');
      if (current.kind === 'held' && current.holder === a) expect(first).toMatchObject({ expiresAt: current.expiresAt });
      return await renew('expiry', held).then(() => undefined, (error: unknown) => error);
    });
    expect(lost).toMatchObject({ name: 'LeaseLost', message: expect.stringContaining(`Expected ${a} to hold expiry with fence 1`) });
    const { current, fence, lapsed } = await heldBy('expiry', b);
    expect(fence).toBe(2);
    const { expiresAt } = first as { expiresAt: number };
    expect(current.grantedAt).toBeGreaterThan(expiresAt);
    expect(lapsed).toEqual([{ coldkey: a, until: expiresAt + timing.lapseWaitMs }]);
    await told(b, 'expiry');
    expect(await acquire('expiry', a, timing)).toEqual({ kind: 'barred', until: expiresAt + timing.lapseWaitMs });
    await network.record('adapter-lease-expiry', 'adapter-lease/expiry');
  });

  it('is freed at the next check when its holder has ended, and again when the next one was gone before its turn', async () => {
    const timing: LeaseTiming = { leaseMs: 60_000, checkMs: 2500, lapseWaitMs: 60_000 };
    const [a, b, c] = await trainers('gone', 'a', 'b', 'c');
    await acquire('gone', a, timing);
    await acquire('gone', b, timing);
    await acquire('gone', c, timing);
    await Promise.all([a, b].map((id) => network.client.workflow.getHandle(id).terminate('gone')));
    const { current, fence, lapsed } = await heldBy('gone', c);
    expect(fence).toBe(3);
    expect(lapsed.map(({ coldkey }) => coldkey)).toEqual([a, b]);
    // both were freed by a check, not by the two missed renewals that come after it
    const [endOfA, endOfB] = lapsed.map((entry) => entry.until - timing.lapseWaitMs);
    expect(current.grantedAt - endOfB!).toBeLessThan(timing.checkMs);
    expect(endOfB! - endOfA!).toBeLessThan(2 * timing.checkMs);
    await told(c, 'gone');
    await network.record('adapter-lease-holder-gone', 'adapter-lease/gone');
  });

  it('passes on from a holder that lives but is silent', async () => {
    const timing: LeaseTiming = { leaseMs: 60_000, checkMs: 500, lapseWaitMs: 60_000 };
    const [a, b] = await trainers('silent', 'a', 'b');
    const first = await acquire('silent', a, timing);
    await acquire('silent', b, timing);
    const { current, lapsed } = await heldBy('silent', b);
    const grantedAt = (first as { expiresAt: number }).expiresAt - timing.leaseMs;
    expect(lapsed).toEqual([{ coldkey: a, until: grantedAt + 2 * timing.checkMs + timing.lapseWaitMs }]);
    expect(current.grantedAt - grantedAt).toBeGreaterThan(2 * timing.checkMs);
    await expect(renew('silent', { holder: a, fence: 1 })).rejects.toMatchObject({ name: 'LeaseLost' });
  });

  it('gives 50 who ask at once 50 turns, each with another fence, over several runs of its workflow', async () => {
    const contenders = Array.from({ length: 50 }, (_, i) => network.client.workflow.execute<typeof contender>('contender', { workflowId: `many/${i}`, taskQueue: WORKFLOW_QUEUE, args: [{ adapterId: 'many' }] }));
    // one that is not told of its turn would ask again after five minutes
    const fences = await Promise.all(contenders);
    expect(fences.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(await stateOf('many')).toEqual({ fence: 50, current: { kind: 'free' }, waiting: [], lapsed: [] });
    const [firstRun] = await until('several runs', async () => { const runs = await network.runsOf('adapter-lease/many'); return runs.length > 2 && runs; });
    await network.record('adapter-lease-many', 'adapter-lease/many', firstRun);
  });

  it('carries holder, queue and fence into a new run, also when only questions filled the last one', async () => {
    const [a, b] = await trainers('worn', 'a', 'b');
    await acquire('worn', a);
    await release('worn', { holder: a, fence: 1 });
    const granted = await acquire('worn', a);
    await acquire('worn', b);
    await acquire('worn', 'somebody');
    const before = await stateOf('worn');
    for (let i = 0; i < SUGGEST_CONTINUE_AS_NEW / 4; i++) expect(await acquire('worn', a)).toEqual(granted);
    await until('a second run', async () => (await network.runsOf('adapter-lease/worn')).length > 1);
    expect(await stateOf('worn')).toEqual(before);
    await release('worn', { holder: a, fence: 2 });
    await told(b, 'worn');
    expect(await stateOf('worn')).toMatchObject({ fence: 3, current: { holder: b }, waiting: [{ holder: 'somebody' }] });
    const [firstRun] = await network.runsOf('adapter-lease/worn');
    await network.record('adapter-lease-continued', 'adapter-lease/worn', firstRun);
  });

  it('does something in its first task, since a replay would merge an empty one with the next', async () => {
    await network.client.workflow.start('adapterLease', { workflowId: 'adapter-lease/idle', taskQueue: WORKFLOW_QUEUE, args: [{ adapterId: 'idle' }] });
    const events = await until('its first task to be done', async () => {
      const found = (await workflow('idle').fetchHistory()).events ?? [];
      return found.length > 3 && found;
    });
    expect(events[4]?.timerStartedEventAttributes).toBeDefined();
    expect(await stateOf('idle')).toEqual({ fence: 0, current: { kind: 'free' }, waiting: [], lapsed: [] });
  });

  it.each([['an empty name', ''], ['no name', undefined], ['a number', 7], ['an object', {}], ['a name of 301 characters', 'x'.repeat(301)]])('refuses %s as a holder, for good, and carries on', async (_, holder) => {
    await acquire('hostile', 'owner');
    await expect(acquire('hostile', holder as string)).rejects.toMatchObject({ type: 'InvalidInput', nonRetryable: true, message: 'Expected the workflow id of the holder, 1 to 300 characters' });
    await expect(renew('hostile', { holder: holder as string, fence: 1 })).rejects.toMatchObject({ type: 'InvalidInput' });
    expect(await stateOf('hostile')).toMatchObject({ fence: 1, current: { holder: 'owner' }, waiting: [] });
  });

  it('counts as lost where its workflow is gone; releasing it then is no error', async () => {
    await acquire('ended', 'a');
    await workflow('ended').terminate('an operator did it');
    await expect(renew('ended', { holder: 'a', fence: 1 })).rejects.toMatchObject({ name: 'LeaseLost' });
    await release('ended', { holder: 'a', fence: 1 });
    await expect(renew('never began', { holder: 'a', fence: 1 })).rejects.toMatchObject({ name: 'LeaseLost' });
  });
});

describe('adapterLease on a server that is killed', () => {
  it('comes back with its holder, its queue and its fence', async () => {
    const [a, b] = await trainers('crash', 'a', 'b');
    const granted = await acquire('crash', a);
    await acquire('crash', b);
    const before = await stateOf('crash');
    network.crash('temporal');
    expect(await until('an answer', () => stateOf('crash').catch(() => undefined))).toEqual(before);
    expect(await until('an answer', () => acquire('crash', a).catch(() => undefined))).toEqual(granted);
    await release('crash', { holder: a, fence: 1 });
    await told(b, 'crash');
    expect(await stateOf('crash')).toMatchObject({ fence: 2, current: { holder: b } });
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
