import { ApplicationFailure, Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Round } from '../../activities/round.ts';
import { measureHistory } from '../../bench/round-256/history-facts.ts';
import { noOps, roundOver, type NoOps } from '../../bench/round-256/no-ops.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { SIDE_BY_SIDE } from '../../workflows/evaluate-all.ts';
import { CPU_QUEUE, GPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { RoundSummary } from '../../workflows/validation-round.ts';
import { TestNetwork, until } from './support/network.ts';

let network: TestNetwork;
beforeAll(async () => { network = await TestNetwork.start(); });
afterAll(() => network?.stop());

/** What a round's steps have seen. */
type Seen = { readonly reports: RoundReport[]; readonly requests: string[] };
type Steps = { readonly handle: WorkflowHandle<() => Promise<RoundSummary>>; readonly seen: Seen };

let count = 0;

/** Starts the round, some of whose steps do something else than nothing. */
async function withRound<T>(round: Round, change: Partial<NoOps>, task: (steps: Steps) => Promise<T>): Promise<T> {
  const seen: Seen = { reports: [], requests: [] };
  const steps = { ...noOps(round), ...change };
  const activities: NoOps = {
    ...steps,
    publishReport: async (input) => { seen.reports.push(input.report); return await steps.publishReport(input); },
    requestSubmission: async (input) => { seen.requests.push(input.request.key); return await steps.requestSubmission(input); },
  };
  const stops = await Promise.all([CPU_QUEUE, GPU_QUEUE, walletQueue(round.plan.hotkey)].map((taskQueue) => network.work({ taskQueue, activities })));
  try {
    const handle = await network.client.workflow.start<() => Promise<RoundSummary>>('validationRound', { workflowId: `round/${count++}`, taskQueue: WORKFLOW_QUEUE, args: [] });
    return await task({ handle, seen });
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
}

/** As a bucket or a device that never answers. */
const hang = async (): Promise<never> => await Context.current().cancelled;
const within = (miners: number, plan: Partial<Round['plan']>): Round => { const round = roundOver(miners); return { ...round, plan: { ...round.plan, ...plan } }; };
const statusOf = async (workflowId: string): Promise<string> => (await network.client.workflow.getHandle(workflowId).describe()).status.name;
const pageOf = async (handle: WorkflowHandle): Promise<string> => (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;

describe('a round over many miners', () => {
  it('looks at a bounded number of them at once, grows by the same for each, and stays far below the limits', async () => {
    const facts = [];
    for (const miners of [40, 120]) {
      let [now, most] = [0, 0];
      const round = roundOver(miners);
      const fetchSubmission: NoOps['fetchSubmission'] = async (input) => {
        most = Math.max(most, ++now);
        return await noOps(round).fetchSubmission(input).finally(() => now--);
      };
      facts.push(await withRound(round, { fetchSubmission }, async ({ handle, seen }) => {
        await handle.result();
        expect(most).toBeLessThanOrEqual(SIDE_BY_SIDE);
        expect(seen.reports[0]!.miners.map(({ hotkey }) => hotkey)).toEqual(round.submissions.map(({ hotkey }) => hotkey));
        return await measureHistory(handle);
      }));
    }
    const [few, more] = facts as [typeof facts[0], typeof facts[0]];
    const at = (miners: number, [one, other]: readonly [number, number]): number => one + ((other - one) / 80) * (miners - 40);
    expect(at(256, [few.events, more.events])).toBeLessThan(4096);
    expect(at(256, [few.bytes, more.bytes])).toBeLessThan(4 * 2 ** 20);
    // the server warns from here on
    expect(at(256, [few.largestPayload, more.largestPayload])).toBeLessThan(512 * 1024);
    // three events a miner, and two workflow tasks at most
    expect(more.events - few.events).toBeLessThan(80 * 10);
  });

  it('goes on without those who hang, fail, or are ended by somebody', async () => {
    const round = within(6, { deadlineMs: 20_000 });
    const [hangs, fails, ended, wrong] = round.submissions.map(({ hotkey }) => hotkey);
    const fetchSubmission: NoOps['fetchSubmission'] = async (input) => {
      const { hotkey } = input.submission;
      if (hotkey === hangs || hotkey === ended) return await hang();
      if (hotkey === fails) throw ApplicationFailure.nonRetryable('the validator is out of memory', 'OutOfMemory');
      if (hotkey === wrong) throw ApplicationFailure.nonRetryable('Expected a safetensors file, got 3 bytes', 'BadSubmission');
      return await noOps(round).fetchSubmission(input);
    };
    await withRound(round, { fetchSubmission }, async ({ handle, seen }) => {
      const child = network.client.workflow.getHandle(`${handle.workflowId}/${ended}`);
      await until('its workflow', () => child.describe().then(() => true, () => false));
      await child.cancel();
      const { weights, weightsSet } = await handle.result();
      const lines = Object.fromEntries(seen.reports[0]!.miners.map(({ hotkey, verdict, reason }) => [hotkey, [verdict, reason]]));
      expect(lines).toMatchObject({
        [hangs!]: ['unavailable', 'not done in its share of the round\'s time, 12 s'],
        [fails!]: ['unavailable', 'the validator is out of memory'],
        [ended!]: ['unavailable', 'its workflow was cancelled'],
        [wrong!]: ['rejected', 'Expected a safetensors file, got 3 bytes'],
      });
      expect(weights.map(({ hotkey }) => hotkey)).toEqual(round.submissions.slice(4).map(({ hotkey }) => hotkey));
      expect(weightsSet).toBe(5_812_500);
      await network.record('validation-round-hanging', handle.workflowId);
    });
  });

  it.each<[string, number, NoOps['acceptCandidates'], RegExp]>([
    ['hangs', 12_000, hang, /^the round ran out of time before it was measured$/],
    ['fails for good', 60_000, async () => { throw ApplicationFailure.nonRetryable('Expected a GPU, got none', 'EngineError'); }, /^the round could not be measured: Expected a GPU, got none$/],
  ])('pays nobody and says why when the model work %s', async (_, deadlineMs, acceptCandidates, why) => {
    await withRound(within(3, { deadlineMs }), { acceptCandidates }, async ({ handle, seen }) => {
      const { weights, weightsSet, commitment, notes } = await handle.result();
      expect({ weights, weightsSet, commitment, notes }).toEqual({ weights: [], weightsSet: null, commitment: 5_812_500, notes: ['nobody earned anything: the weights on the chain stay as they are'] });
      expect(seen.reports[0]!.miners.map(({ verdict, reason }) => [verdict, reason])).toEqual(Array.from({ length: 3 }, () => ['unavailable', expect.stringMatching(why)]));
      expect(seen.requests).toEqual(['dama/1/4711']);
    });
  });

  it('ends by its deadline when the chain confirms nothing, and leaves that to the submitter', async () => {
    // ten seconds are the least that it waits; the rest of the round has its share of these five
    await withRound(within(1, { deadlineMs: 5000 }), { requestSubmission: async () => undefined }, async ({ handle }) => {
      expect(await handle.result()).toMatchObject({ commitment: null, weightsSet: null, notes: [expect.stringContaining('the submitter goes on')] });
    });
  });

  it('writes nothing to the chain in a dry run', async () => {
    await withRound(within(2, { dryRun: true }), {}, async ({ handle, seen }) => {
      expect(await handle.result()).toMatchObject({ kind: 'dryRun', commitment: null, weightsSet: null });
      expect(seen.requests).toEqual([]);
    });
  });

  it('ends all its miners\' workflows when it is cancelled, and sets no weights', async () => {
    const round = roundOver(5);
    await withRound(round, { fetchSubmission: hang }, async ({ handle, seen }) => {
      const children = round.submissions.map(({ hotkey }) => `${handle.workflowId}/${hotkey}`);
      await until('their workflows', async () => (await Promise.all(children.map((id) => statusOf(id).catch(() => '')))).every((status) => status === 'RUNNING'));
      await handle.cancel();
      const error: unknown = await handle.result().catch((failure: unknown) => failure);
      expect(error instanceof WorkflowFailedError && error.cause).toBeInstanceOf(CancelledFailure);
      expect(await Promise.all(children.map(statusOf))).toEqual(children.map(() => 'CANCELLED'));
      expect(seen).toEqual({ reports: [], requests: [] });
      await network.record('validation-round-cancelled', handle.workflowId);
      await network.record('evaluate-submission-cancelled', children[0]!);
    });
  });

  it('is a page to read, on which nobody\'s words are more than words', async () => {
    const evil = '<img src=x onerror=alert(1)> [here](https://evil.example) `|`\n# www.evil.example';
    const round = roundOver(4);
    const [named, wrong] = round.submissions.map(({ hotkey }) => hotkey);
    const fetchSubmission: NoOps['fetchSubmission'] = async (input) => {
      if (input.submission.hotkey === wrong) throw ApplicationFailure.nonRetryable(evil, 'BadSubmission');
      return await noOps(round).fetchSubmission(input);
    };
    await withRound({ ...round, names: { ...round.names, [named!]: `anna ${evil}` } }, { fetchSubmission }, async ({ handle }) => {
      await handle.result();
      const page = await pageOf(handle);
      expect(page).toMatch(/^\*\*done\*\* · netuid 1 · epoch 4711 · `validator-1`$/m);
      expect(page).toContain('block 5 812 440');
      expect(page).toContain('4 of 4 looked at: 3 scored (3 accepted), 1 rejected, 0 unavailable');
      expect(page).toContain('weights in block 5 812 500');
      // outside of code there is nothing of theirs
      expect(page.replace(/`[^`\n]*`/g, '')).not.toMatch(/evil|onerror|anna/);
      expect(Buffer.byteLength(page)).toBeLessThan(20_000);
      const { staticSummary } = await network.client.workflow.getHandle(`${handle.workflowId}/${named}`).describe() as { staticSummary?: () => Promise<string> };
      expect(await staticSummary?.()).toMatch(/^anna [^<>[\]()`|]*… · commit of block 5 800 000$/);
      expect(await pageOf(network.client.workflow.getHandle(`${handle.workflowId}/${wrong}`))).toContain('rejected: ');
    });
  });
});

describe('the histories of these tests', () => {
  it('replay, all of them', async () => {
    expect(await network.notReplayable()).toEqual([]);
  });
});
