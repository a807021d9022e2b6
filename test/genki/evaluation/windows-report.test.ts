import { describe, expect, it } from 'vitest';
import type { ScoredWindow } from '../../../genki/evaluation/window-records.ts';
import { checkWindowsReport, payWindows, type WindowsReport } from '../../../genki/evaluation/windows-report.ts';
import { Random } from '../../../genki/protocol/random.ts';

const policy = { name: 'gradient-agreement', parameters: {} } as const;
const everybody = { policy, registered: () => true };

/** A window in which each peer has an agreement, and a gap of so many standard errors. */
const window = (number: number, peers: Record<string, { agreement: number; gap: number; holdout?: number }>): ScoredWindow => ({
  window: number,
  scores: Object.entries(peers).map(([hotkey, { agreement, gap, holdout = 5 }]) => ({
    hotkey,
    registeredAt: 1,
    agreement,
    own: { gain: 0.1, standardError: 0.02 },
    holdout: { gain: 0.02 * holdout, standardError: 0.02 },
    gap: { gain: 0.02 * gap, standardError: 0.02 },
    verdict: 'sound',
    reason: 'measured',
  })),
});
const history = Array.from({ length: 8 }, (_, i) => window(i, { honest: { agreement: 0.1, gap: 5 }, steady: { agreement: 0.3, gap: 5 }, lazy: { agreement: 0.4, gap: 0 }, poisoner: { agreement: -0.5, gap: 0, holdout: -8 } }));

describe('the pay of windows', () => {
  it('goes by agreement to those who did the work, and to nobody else', () => {
    const miners = payWindows(history, everybody);
    expect(miners.map(({ hotkey, weight }) => [hotkey, Number(weight.toFixed(6))])).toEqual([['honest', 0.25], ['steady', 0.75], ['lazy', 0], ['poisoner', 0]]);
    expect(miners.map(({ verdict }) => verdict)).toEqual(['sound', 'sound', 'lazy', 'harmful']);
  });

  it('leaves out whoever is not registered any more, and pays nobody where nobody is', () => {
    expect(payWindows(history, { policy, registered: ({ hotkey }) => hotkey !== 'steady' }).map(({ weight }) => weight)).toEqual([1, 0, 0]);
    expect(payWindows(history, { policy, registered: () => false })).toEqual([]);
    expect(payWindows([], everybody)).toEqual([]);
  });

  it('fades for whoever does not take part any more, to nothing after ten windows', () => {
    const peers = (number: number) => ({ steady: { agreement: 0.1, gap: 5 }, ...(number < 8 && { gone: { agreement: 0.1, gap: 5 } }) });
    const shareOf = (count: number): number => payWindows(Array.from({ length: count }, (_, i) => window(i, peers(i))), everybody)[1]!.weight;
    expect(shareOf(8)).toBeCloseTo(0.5, 12);
    expect(shareOf(13)).toBeCloseTo(1 / 3, 12);
    expect(shareOf(18)).toBe(0);
    // who comes new is paid at once
    const late = Array.from({ length: 8 }, (_, i) => window(i, { steady: { agreement: 0.1, gap: 5 }, ...(i > 5 && { fresh: { agreement: 0.1, gap: 5 } }) }));
    expect(payWindows(late, everybody).map(({ weight }) => weight)).toEqual([0.5, 0.5]);
  });

  it('is finite, not negative, and 1 in all or 0, whatever was measured', () => {
    const random = new Random('windows report');
    const odd = [NaN, Infinity, -Infinity, 0, -1, 1];
    for (let i = 0; i < 500; i++) {
      const value = (): number => (random.chance(0.2) ? random.pick(odd) : random.normal());
      const windows = Array.from({ length: 1 + random.int(5) }, (_, number) => window(number, Object.fromEntries(Array.from({ length: random.int(5) }, (_peer, k) => [`miner ${k}`, { agreement: value(), gap: 4 * value(), holdout: 4 * value() }]))));
      const weights = payWindows(windows, everybody).map(({ weight }) => weight);
      expect(weights.every((weight) => Number.isFinite(weight) && weight >= 0)).toBe(true);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      if (sum !== 0) expect(sum).toBeCloseTo(1, 12);
    }
  });

  it('can be computed again from its report', () => {
    const report: WindowsReport = { version: 1, kind: 'windows', competition: '', hotkey: 'validator', epoch: 1, snapshot: { number: 1, hash: '0x' }, model: null, windows: history, policy, miners: payWindows(history, everybody) };
    expect(checkWindowsReport(JSON.parse(JSON.stringify(report)) as WindowsReport)).toEqual([]);
    const lied = { ...report, miners: report.miners.map((miner) => (miner.hotkey === 'lazy' ? { ...miner, weight: 0.5 } : miner)) };
    expect(checkWindowsReport(lied)).toEqual(['lazy has weight 0.5, its windows give 0']);
  });
});
