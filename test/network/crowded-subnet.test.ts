import { createHash } from 'node:crypto';
import { encodeAddress } from '@polkadot/util-crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRoundActivities, type Round } from '../../activities/round.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { readReport } from '../../genki/evaluation/read-report.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { encodeCommitRecord } from '../../genki/protocol/commit-record.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { actor, competition, openShelf, openStreet, participant, textOf, type Shelf } from '../activities/support/federation.ts';
import { inActivity } from '../activities/support/in-activity.ts';
import { standFor } from '../activities/support/stand-for.ts';

const TAO = 10n ** 9n;
const MANY = 10_000;
const places = competition.pool.top + competition.pool.fresh;
const validator = actor('validator-1');
const bytesOf = (round: Round): number => JSON.stringify(round).length;

let shelf: Shelf;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf?.remove());

const activities = (chain: Chain) => createRoundActivities({ chain, store: shelf.store, deployment: shelf.deployment, participants: async () => [participant(validator, 'validator')], defaultHotkey: undefined });

/** More than a local chain has room for: `MANY` miners who have committed in blocks 1 to 4; what `stand` gives is the validator's commitment. */
const crowded = (chain: Chain, stand: () => string | undefined): Chain => ({
  ...chain,
  async metagraph(netuid, at) {
    const metagraph = await chain.metagraph(netuid, at);
    const miners = Array.from({ length: MANY }, (_, i) => ({ ...metagraph.neurons[0]!, uid: i + 1, hotkey: `miner-${i}`, validatorPermit: false }));
    return { ...metagraph, neurons: [...metagraph.neurons, ...miners] };
  },
  async commitments() {
    const data = (i: number): string => encodeCommitRecord({ namespace: 'local', name: `miner-${i}`, commit: 'c'.repeat(40), hash: 'h'.repeat(43), competition: competition.id });
    const told = Array.from({ length: MANY }, (_, i) => ({ hotkey: `miner-${i}`, block: 1 + (i % 4), indexInBlock: i, fields: [], data: data(i) }));
    const stood = stand();
    return stood === undefined ? told : [...told, { hotkey: validator.hotkey, block: 5, indexInBlock: 0, fields: [], data: stood }];
  },
});

describe('a round of a crowded subnet', () => {
  it('is told in a few kilobytes when four thousand have registered on the chain', async () => {
    const sign = (): never => { throw new Error('has no key'); };
    const silent = Array.from({ length: 4000 }, (_, i) => ({ hotkey: encodeAddress(createHash('sha256').update(String(i)).digest(), 42), sign }));
    const street = await openStreet({ validators: [[validator, TAO]], miners: silent }, { maxNeurons: 4096 });
    await street.blocks(14);
    const round = await activities(street.chain).resolveRound({});
    await street.stop();
    expect(round.others).toMatchObject({ rejected: 0, tooRecent: 0, notDrawn: 0, absent: 4000 });
    expect(bytesOf(round)).toBeLessThan(8 * 1024);
  });

  it('takes ten thousand commitments in turn, the best of the last report among them, and has a line for each', async () => {
    const street = await openStreet({ validators: [[validator, TAO]], miners: [] }, { tempo: 20 });
    let stand: string | undefined;
    const { resolveRound, publishReport } = activities(crowded(street.chain, () => stand));
    await street.blocks(14);
    const first = await resolveRound({});
    expect(first.submissions).toHaveLength(places);
    expect(first.others).toMatchObject({ notDrawn: MANY - places, absent: 0 });
    expect(bytesOf(first)).toBeLessThan(256 * 1024);

    const best = first.submissions.slice(-2);
    const miners = first.submissions.map((line) => ({ ...line, verdict: 'accepted', reason: '', gain: null, marginal: null, contribution: null, similarity: null, overlap: null, quality: null, diversity: null, score: 0, weight: best.some(({ hotkey }) => hotkey === line.hotkey) ? 0.5 : 0, waitingSince: first.plan.snapshot.number }));
    const report = { version: 2, netuid: 1, epoch: 0, scores: { after: { kind: 'average', entries: [] } }, ledger: null, snapshot: first.plan.snapshot, acceptance: { accepted: [], scale: 0.5 }, dama: { next: '', published: false, reason: '' }, miners } as unknown as RoundReport;
    const { report: ref } = await inActivity(() => publishReport({ round: first.plan, report, roster: first.others.roster, dama: first.plan.base }));
    const published = await read(ref);
    expect(published.miners).toHaveLength(MANY);
    expect(published.miners.at(-1)).toMatchObject({ hotkey: `miner-${MANY - 1}`, verdict: 'unavailable', weight: 0, waitingSince: 4, reason: `not drawn this round: ${places} of ${MANY} are looked at; it waits since block 4, ${MANY - places - 1} longer` });

    stand = await standFor(shelf, validator, { dama: first.plan.base, report: published });
    // a report counts once its epoch is over
    await street.blocks(22);
    const second = await resolveRound({});
    await street.stop();
    const before = new Set(first.submissions.map(({ hotkey }) => hotkey));
    expect(second.submissions.filter(({ hotkey }) => before.has(hotkey))).toEqual(best);
    expect(second.submissions).toHaveLength(places);
  });

  async function read(ref: ObjectRef): Promise<RoundReport> {
    const report = readReport(JSON.parse(textOf(await shelf.store.get(ref, { maxBytes: 2 ** 23 }))));
    if (!report) throw new Error('Expected a report that others can read');
    return report;
  }
});
