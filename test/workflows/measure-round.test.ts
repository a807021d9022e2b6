import { describe, expect, it } from 'vitest';
import type { RoundPlan } from '../../activities/round.ts';
import { settle } from '../../genki/evaluation/settle.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { measureRound, settleWithout, type MeasuringSteps } from '../../workflows/measure-round.ts';

const ref = (count: number) => ({ head: '0'.repeat(64), count, sha256: '1'.repeat(64), bytes: 9 });
const part = { clips: {}, seed: '', floors: { swing: 0.1 }, guards: [] };
const dama = { digest: 'base', weights: { bucket: 'hub', key: 'w', sha256: '', bytes: 0 }, config: { bucket: 'hub', key: 'c', sha256: '', bytes: 0 } };
const { scales, policy, overTime } = RUBY;
const round = { netuid: 1, epoch: 5, competition: { id: 'rn', digest: '' }, snapshot: { number: 9, hash: '0x' }, seeds: {}, base: dama, parts: { A: part, B: part, C: part }, scales, policy, overTime, past: { scores: null, leader: null, ledger: ref(3) } } as unknown as RoundPlan;
const compared = { similarities: [], originals: [], duplicates: [], gram: { bucket: 'p', key: 'g', sha256: '', bytes: 8 }, ledger: ref(7), note: 'a page was gone' };
const steps = { compareSubmissions: async () => compared, settleRound: async (_: string, { facts, measured }) => settle(facts, measured) } as Pick<MeasuringSteps, 'compareSubmissions' | 'settleRound'> as MeasuringSteps;

describe('a round in which nobody was scored', () => {
  it('hands on the ledger that the stake agrees on, and says what was wrong with it', async () => {
    const { report, dama: next, note } = await measureRound(round, [], { steps, enter: () => undefined });
    expect([report.ledger, next, note]).toEqual([ref(7), dama, 'a page was gone']);
  });

  it('names the last round\'s when it could not be measured', async () => {
    expect((await settleWithout(round, [], { steps, why: 'no time' })).report.ledger).toEqual(ref(3));
  });
});
