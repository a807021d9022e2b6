import { describe, expect, it } from 'vitest';
import { leaderboard, type MinerReport } from '../../../genki/evaluation/round-report.ts';

const miner = (hotkey: string, weight: number, rest: Partial<MinerReport> = {}): MinerReport => ({
  hotkey,
  registeredAt: 1,
  commitBlock: 10,
  commitIndex: 0,
  verdict: weight > 0 ? 'accepted' : 'copy',
  reason: '',
  update: null,
  losses: null,
  gain: null,
  marginal: null,
  contribution: null,
  similarity: null,
  overlap: null,
  quality: null,
  diversity: null,
  agreement: null,
  score: weight,
  weight,
  waitingSince: null,
  ...rest,
});

describe('leaderboard', () => {
  it('ranks by weight, then by verdict, then by who came first', () => {
    const rows = leaderboard([
      miner('absent', 0, { verdict: 'absent', commitBlock: null, commitIndex: null }),
      miner('late copy', 0, { commitBlock: 12 }),
      miner('copy', 0, { commitIndex: 3 }),
      miner('earlier copy', 0, { commitIndex: 2 }),
      miner('small', 0.2),
      miner('large', 0.8),
    ]);
    expect(rows.map(({ rank, hotkey }) => [rank, hotkey])).toEqual([[1, 'large'], [2, 'small'], [3, 'earlier copy'], [3, 'copy'], [3, 'late copy'], [3, 'absent']]);
  });

  it('lets equal weights share a rank', () => {
    expect(leaderboard([miner('b', 0.5), miner('a', 0.5), miner('c', 0)]).map(({ rank }) => rank)).toEqual([1, 1, 3]);
  });
});
