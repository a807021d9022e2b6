import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../client/first-light/result.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import type { Check } from '../../genki/evaluation/verify-report.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { genki, leftOver, PATIENCE_MS, resultOf, start } from './support/genki-start.ts';

const homes = mkdtempSync(join(tmpdir(), 'genki-first-light-'));

type Verified = { readonly code: number | null; readonly report: { readonly name: string; readonly stands: boolean }; readonly checks: readonly Check[]; readonly agrees: boolean };

async function verify(home: string, ...args: string[]): Promise<Verified> {
  const { code, stdout, stderr } = await genki(home, 'verify', '--json', ...args).ended;
  expect(stdout, stderr).not.toBe('');
  return { ...(JSON.parse(stdout) as Omit<Verified, 'code'>), code };
}

/** The file of a validator's report of the first epoch. */
function reportFile(home: string, bucket: string): string {
  const rounds = join(home, 'store', bucket, 'rounds', '1');
  const round = join(rounds, readdirSync(rounds).sort().at(-1)!);
  return join(round, readdirSync(round).find((name) => name.startsWith('report-'))!);
}

/** Where the newest report is, one in which a miner has a loss that was not measured. */
function lie(home: string): { target: string; index: number; style: string } {
  const report = JSON.parse(readFileSync(reportFile(home, 'validator-1'), 'utf8')) as RoundReport;
  const index = report.miners.findIndex(({ verdict }) => verdict === 'accepted');
  const style = Object.keys(report.floors)[0]!;
  const miners = report.miners.map((miner, i) => (i === index ? { ...miner, losses: { ...miner.losses, [style]: miner.losses![style]! - 0.2 } } : miner));
  writeFileSync(join(home, 'store', 'validator-1', 'lied.json'), JSON.stringify({ ...report, miners }));
  return { target: 'validator-1/lied.json', index, style };
}

afterAll(() => rmSync(homes, { recursive: true, force: true }));

describe('an epoch of the federation', () => {
  const home = join(homes, 'epoch');
  const honest = RUBY.styles.private;
  let result: Result;
  let verified: Verified;
  let lied: Verified & { readonly index: number; readonly style: string };
  let elsewhere: Verified;

  beforeAll(async () => {
    const run = start(home, '--keep');
    await run.heard('Ctrl-C stops it');
    verified = await verify(home, '--deep');
    const { target, ...where } = lie(home);
    lied = { ...(await verify(home, target, '--deep')), ...where };
    elsewhere = await verify(home, reportFile(home, 'validator-2'));
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    expect(code, stderr).toBe(0);
    result = resultOf(stdout);
  }, PATIENCE_MS);

  const miner = (name: string): Result['miners'][number] => result.miners.find((m) => m.name === name)!;

  it('pays the five honest miners all the weight', () => {
    for (const name of honest) expect(miner(name), name).toMatchObject({ verdict: 'accepted', weight: expect.toSatisfy((w: number) => w > 0.05) });
    expect(honest.reduce((sum, name) => sum + miner(name).weight, 0)).toBeCloseTo(1, 12);
    expect(honest.reduce((sum, name) => sum + miner(name).incentive, 0)).toBeCloseTo(1, 12);
  });

  it.each([
    ['byte-copier', 'copy', /copy of an earlier submission/],
    ['noisy-copier', 'copy', /copy of an earlier submission/],
    ['junk', 'not-accepted', /of what can be learned/],
    ['broken', 'rejected', /Expected \d+ bytes of tensors/],
  ])('pays the %s nothing and says why', (name, verdict, reason) => {
    expect(miner(name)).toMatchObject({ verdict, weight: 0, incentive: 0, reason: expect.stringMatching(reason) });
  });

  it('names whom the copiers copied', () => {
    expect(miner('byte-copier').similarity).toMatchObject({ value: 1, to: 'victory' });
    expect(miner('noisy-copier').similarity).toMatchObject({ value: expect.toSatisfy((value: number) => value > 0.9), to: 'march' });
  });

  it('merges a Dama that is 30 % better than the base, and better than every single miner', () => {
    const { before, after } = result.dama;
    expect(after.mixture!).toBeLessThan(0.7 * before.mixture!);
    for (const name of honest) expect(after.mixture!, name).toBeLessThan(before.mixture! - miner(name).gain!);
    for (const style of RUBY.styles.base) expect(after[style]! - before[style]!, style).toBeLessThan(0.1);
  });

  it('has validators who agree to the last digit', () => {
    expect(result.reportsAgree).toBe(true);
  });

  it('has a report that is what comes of measuring the round again, to the last digit', () => {
    expect(verified.checks.flatMap(({ differences }) => differences)).toEqual([]);
    expect(verified.checks.flatMap(({ what, note }) => (note === undefined ? [] : [what]))).toEqual([]);
    expect(verified).toMatchObject({ code: 0, agrees: true, report: { stands: true } });
    expect(verified.checks.find(({ what }) => what === 'held-out losses')!.compared).toBeGreaterThan(40);
  });

  it('does not hide a loss that was not measured', () => {
    const { index, style } = lied;
    expect(lied).toMatchObject({ code: 1, agrees: false, report: { stands: false } });
    const differences = lied.checks.flatMap((check) => check.differences);
    expect(differences.some((line) => line.startsWith(`miners[${index}]`) && line.includes(`losses.${style} is`) && line.includes('measured again it is'))).toBe(true);
  });

  it('has a report that is found wherever it lies', () => {
    expect(elsewhere).toMatchObject({ code: 0, report: { stands: true } });
  });

  it('leaves music to listen to', () => {
    for (const name of ['before', 'after', ...honest]) {
      const file = result.files.find((one) => one.endsWith(`/${name}.wav`));
      expect(file && statSync(file).size, name).toBeGreaterThan(500_000);
    }
  });

  it('leaves no process behind', () => {
    expect(leftOver(home)).toEqual([]);
  });
});

describe('a first run', () => {
  it('refuses a folder that is not its own', async () => {
    const { code, stderr } = await start(homes).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('GENKI_HOME');
    expect(existsSync(homes)).toBe(true);
  });
});
