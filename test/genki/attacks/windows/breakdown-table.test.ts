import { describe, expect, it } from 'vitest';
import { breakdownLines, breakdownTable, RULES, SHARES } from '../../../../genki/attacks/windows/breakdown-table.ts';
import { WINDOW_ATTACKS } from '../../../../genki/attacks/windows/window-attacks.ts';

const table = breakdownTable();

describe('breakdownTable', () => {
  it('has every rule, alone and behind mixing, every attack and every share', () => {
    expect(table).toHaveLength(2 * Object.keys(RULES).length * Object.keys(WINDOW_ATTACKS).length * SHARES.length);
  });

  it('keeps every rule within three honest standard deviations while as few are faulty as it survives', () => {
    expect(table.filter(({ faulty, survives, distance }) => faulty <= survives && !(distance < 3))).toEqual([]);
  });

  it('brings the mean farther off than any rule that is told how many are faulty', () => {
    const worst = (rule: string, faulty: number): number => Math.max(...table.filter((result) => result.rule === rule && !result.mixing && result.faulty === faulty).map(({ distance }) => distance));
    for (const faulty of [2, 4]) {
      for (const rule of Object.keys(RULES)) if (rule !== 'mean') expect(worst('mean', faulty) / worst(rule, faulty)).toBeGreaterThan(10);
    }
  });

  it('shows the distance that mixing saves Krum', () => {
    const krum = (mixing: boolean): number => Math.max(...table.filter((result) => result.rule === 'Krum' && result.mixing === mixing && result.faulty === 4).map(({ distance }) => distance));
    expect(krum(true)).toBeLessThan(krum(false) / 2);
  });
});

describe('breakdownLines', () => {
  it('names the attack that gets farthest, and puts what no rule claims in brackets', () => {
    const lines = breakdownLines(table);
    expect(lines.slice(0, 3)).toEqual(['| rule | 10 % | 20 % | 30 % | 40 % | 45 % |', '|---|---|---|---|---|---|', expect.stringMatching(/^\| mean \| \(13 scaling\) \| /)]);
    expect(lines.find((line) => line.startsWith('| coordinate median |'))).not.toContain('(');
    expect(lines).toHaveLength(2 + 2 * Object.keys(RULES).length);
  });
});
