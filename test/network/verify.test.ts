import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import type { Check } from '../../genki/evaluation/verify-report.ts';

const MAIN = fileURLToPath(new URL('../../client/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'genki-verify-'));
const home = join(folder, 'home');

/** `genki …` as a person runs it, in this home. */
function genki(...args: string[]): { child: ChildProcess; ended: Promise<{ code: number | null; stdout: string; stderr: string }>; heard: (text: string) => Promise<void> } {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { env: { ...process.env, GENKI_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk; });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  const heard = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      child.stdout.on('data', () => { if (stdout.includes(text)) resolve(); });
      void ended.then(({ code }) => reject(new Error(`ended with ${code} before "${text}":\n${stderr}`)));
    });
  child.stdout.prependListener('data', (chunk: Buffer) => { stdout += chunk; });
  return { child, ended, heard };
}

type Answer = { readonly report: { readonly name: string; readonly stands: boolean }; readonly checks: readonly Check[]; readonly agrees: boolean };
async function verify(...args: string[]): Promise<Answer & { code: number | null }> {
  const { code, stdout, stderr } = await genki('verify', '--json', ...args).ended;
  expect(stdout, stderr).not.toBe('');
  return { ...(JSON.parse(stdout) as Answer), code };
}
const differencesOf = ({ checks }: Answer): string[] => checks.flatMap(({ differences }) => differences);

/** The file of the validator's report. */
function reportFile(bucket: string): string {
  const rounds = join(home, 'store', bucket, 'rounds', '1');
  const round = join(rounds, readdirSync(rounds).sort().at(-1)!);
  return join(round, readdirSync(round).find((name) => name.startsWith('report-'))!);
}

describe('a report of an epoch', () => {
  let network: ReturnType<typeof genki>;
  beforeAll(async () => {
    network = genki('start', '--any-ports', '--keep');
    await network.heard('Ctrl-C stops it');
  });
  afterAll(async () => {
    network.child.kill('SIGTERM');
    await network.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('is what comes of measuring the round again, to the last digit', async () => {
    const answer = await verify('--deep');
    expect(differencesOf(answer)).toEqual([]);
    expect(answer.checks.flatMap(({ what, note }) => (note === undefined ? [] : [what]))).toEqual([]);
    expect(answer).toMatchObject({ code: 0, agrees: true, report: { stands: true } });
    expect(answer.checks.find(({ what }) => what === 'held-out losses')!.compared).toBeGreaterThan(40);
  });

  it('does not hide a loss that was not measured', async () => {
    const report = JSON.parse(readFileSync(reportFile('validator-1'), 'utf8')) as RoundReport;
    const index = report.miners.findIndex(({ verdict }) => verdict === 'accepted');
    const style = Object.keys(report.floors)[0]!;
    const lied = report.miners.map((miner, i) => (i === index ? { ...miner, losses: { ...miner.losses, [style]: miner.losses![style]! - 0.2 } } : miner));
    writeFileSync(join(home, 'store', 'validator-1', 'lied.json'), JSON.stringify({ ...report, miners: lied }));
    const answer = await verify('validator-1/lied.json', '--deep');
    expect(answer).toMatchObject({ code: 1, agrees: false, report: { stands: false } });
    expect(differencesOf(answer).some((line) => line.startsWith(`miners[${index}]`) && line.includes(`losses.${style} is`) && line.includes('measured again it is'))).toBe(true);
  });

  it('is found wherever it lies', async () => {
    const answer = await verify(reportFile('validator-2'));
    expect(answer).toMatchObject({ code: 0, report: { stands: true } });
  });
});
