import { describe, expect, it } from 'vitest';
import type { ScoredWindow } from '../../../genki/evaluation/window-records.ts';
import { verdictOf } from '../../../genki/evaluation/window-score.ts';
import { payWindows, verifyWindowsReport, type WindowsReport } from '../../../genki/evaluation/windows-report.ts';
import { parseWindowsReport } from '../../../genki/evaluation/parse-windows-report.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
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

const digest = `${'A'.repeat(43)}=`;
const report: WindowsReport = { version: 1, kind: 'windows', competition: digest, hotkey: 'validator', epoch: 1, snapshot: { number: 1, hash: `0x${'0'.repeat(64)}` }, model: { window: 8, state: digest, dama: digest }, windows: history, policy, miners: payWindows(history, everybody) };
const found = (one: WindowsReport): string[] => verifyWindowsReport(one).flatMap(({ differences }) => differences);

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
    const sound = { ...report, windows: history.map(({ window: number, scores }) => ({ window: number, scores: scores.map((score) => ({ ...score, ...verdictOf(score) })) })) };
    const honest = { ...sound, miners: payWindows(sound.windows, everybody) };
    expect(found(honest)).toEqual([]);
    expect(verifyWindowsReport(JSON.parse(JSON.stringify(honest)) as WindowsReport).map(({ compared }) => compared > 0)).toEqual([true, true]);
    const lied = { ...honest, miners: honest.miners.map((miner) => (miner.hotkey === 'lazy' ? { ...miner, weight: 0.5 } : miner)) };
    expect(found(lied)).toEqual(['miners[2] (lazy…): weight is 0.5, its windows give 0']);
    const invented = { ...honest, miners: [...honest.miners, { ...honest.miners[0]!, hotkey: 'nobody' }] };
    expect(found(invented)).toEqual([expect.stringContaining('miners[4] (nobody…):  is {"hotkey":"nobody"') as string]);
    const praised = { ...honest, windows: honest.windows.map((one, i) => (i > 0 ? one : { ...one, scores: one.scores.map((score) => ({ ...score, verdict: 'sound' as const })) })) };
    expect(found(praised)[0]).toBe('window 0: scores[2] (lazy…): verdict is "sound", its gains give "lazy"');
    expect(found({ ...honest, windows: [...honest.windows, honest.windows[0]!] })).toEqual(['Expected windows in order, got 0 after 7']);
  });
});

describe('parseWindowsReport', () => {
  it('takes what a validator writes', () => expect(parseWindowsReport(JSON.parse(canonicalJson(report)))).toEqual(report));

  it.each<[string, object]>([
    ['an unknown key', { extra: 1 }],
    ['another policy', { policy: { name: 'dama', parameters: {} } }],
    ['a weight above 1', { miners: [{ ...report.miners[0]!, weight: 2 }] }],
    ['what moves a cursor', { miners: [{ ...report.miners[0]!, reason: '\u001b[2J' }] }],
    ['windows without end', { windows: Array.from({ length: 1001 }, () => history[0]) }],
  ])('refuses %s', (_, change) => expect(() => parseWindowsReport({ ...report, ...change })).toThrow('Expected a report of windows of version 1'));
});
