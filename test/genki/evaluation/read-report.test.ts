import { describe, expect, it } from 'vitest';
import { readReport } from '../../../genki/evaluation/read-report.ts';
import { leaderboard } from '../../../genki/evaluation/round-report.ts';

const miner = { hotkey: '5a', registeredAt: 1, commitBlock: 3, commitIndex: null, verdict: 'accepted', reason: 'because', gain: null, marginal: null, contribution: { mean: 0.5, standardError: 0 }, similarity: null, overlap: null, quality: null, diversity: null, score: 1, weight: 1, waitingSince: null };
const report = {
  version: 2, netuid: 1, epoch: 3, snapshot: { number: 9, hash: '0x00' }, miners: [miner],
  acceptance: { accepted: ['5a'], scale: 0.4 }, scores: { after: { kind: 'average', entries: [] } }, ledger: null, dama: { next: 'digest', published: true, reason: 'better' },
};

describe('a report from outside', () => {
  it('is taken with what it says beyond what is looked at', () => {
    expect(readReport({ ...report, seeds: { a: 'b' } })).toEqual({ ...report, seeds: { a: 'b' } });
  });

  it.each([
    ['a list', []],
    ['another version', { ...report, version: 1 }],
    ['a score of a string', { ...report, scores: { after: { kind: 'average', entries: [{ competition: 'rn', hotkey: '5a', registeredAt: 1, value: '1', epoch: 2 }] } } }],
    ['a ledger without a head', { ...report, ledger: { count: 1 } }],
    ['a hotkey that fills a page', { ...report, miners: [{ ...miner, hotkey: '5'.repeat(65) }] }],
    ['a miner that is none', { ...report, miners: [miner, 0] }],
    ['an unknown verdict', { ...report, miners: [{ ...miner, verdict: 'king' }] }],
    ['a reason that moves the cursor', { ...report, miners: [{ ...miner, reason: '\u001b[2J' }] }],
    ['an infinite weight', { ...report, miners: [{ ...miner, weight: Infinity }] }],
    ['a list as object', { ...report, miners: { 0: miner } }],
    // millions of errors would not fit into memory
    ['more miners than there can be', { ...report, miners: new Array(5_000_000).fill(0) }],
    ['more accepted than there can be', { ...report, acceptance: { ...report.acceptance, accepted: new Array(5_000_000).fill(0) } }],
  ])('is none with %s', (_, json) => {
    expect(readReport(json)).toBeUndefined();
  });

  it('ranks many miners, each with its own weight', () => {
    const read = readReport({ ...report, miners: Array.from({ length: 5_000 }, (_, weight) => ({ ...miner, hotkey: `5${weight}`, weight })) });
    expect(leaderboard(read!.miners).at(-1)).toMatchObject({ rank: 5_000, weight: 0 });
  });
});
