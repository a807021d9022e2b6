import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../client/first-light/result.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';

const MAIN = fileURLToPath(new URL('../../client/main.ts', import.meta.url));
const homes = mkdtempSync(join(tmpdir(), 'genki-first-light-'));

type Run = { readonly child: ChildProcess; readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>; heard(text: string): Promise<void> };

/** `genki start` as a person runs it, in a home of its own. */
function start(home: string, ...args: string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'start', '--json', '--any-ports', ...args], { env: { ...process.env, GENKI_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const listeners: (() => void)[] = [];
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk; });
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk; for (const listener of listeners) listener(); });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  const heard = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => { if (stderr.includes(text)) resolve(); };
      listeners.push(look);
      look();
      void ended.then(({ code }) => reject(new Error(`ended with ${code} before "${text}":\n${stderr}`)));
    });
  return { child, ended, heard };
}

/** Processes that have this home on their command line or in their environment. */
function leftOver(home: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args=e'], { encoding: 'utf8', maxBuffer: 2 ** 24 }).split('\n');
  return lines.filter((line) => line.includes(home) && !line.includes(' ps '));
}

function resultOf(stdout: string): Result {
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Result;
}

afterAll(() => rmSync(homes, { recursive: true, force: true }));

describe('an epoch of the federation', () => {
  const home = join(homes, 'epoch');
  const honest = RUBY.styles.private;
  let result: Result;

  beforeAll(async () => {
    const { code, stdout, stderr } = await start(home).ended;
    expect(code, stderr).toBe(0);
    result = resultOf(stdout);
  });

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

describe('an epoch that is interrupted', () => {
  it('stops cleanly at Ctrl-C and carries on where it stopped, while training and while validating', async () => {
    const home = join(homes, 'interrupted');
    const inTraining = start(home);
    await inTraining.heard('committed at block');
    inTraining.child.kill('SIGINT');
    const first = await inTraining.ended;
    expect(first.code, first.stderr).toBe(130);
    expect(leftOver(home)).toEqual([]);

    const inRound = start(home, '--resume');
    await inRound.heard('validator-1   evaluate');
    inRound.child.kill('SIGINT');
    expect((await inRound.ended).code).toBe(130);
    expect(leftOver(home)).toEqual([]);

    const { code, stdout, stderr } = await start(home, '--resume').ended;
    expect(code, stderr).toBe(0);
    expect(resultOf(stdout)).toMatchObject({ reportsAgree: true });
    expect(resultOf(stdout).miners.filter((m) => m.weight > 0).map((m) => m.name).sort()).toEqual([...RUBY.styles.private].sort());
    expect(existsSync(join(home, 'network.json'))).toBe(false);
  });

  it('refuses a folder that is not its own', async () => {
    const { code, stderr } = await start(homes).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('GENKI_HOME');
    expect(existsSync(homes)).toBe(true);
  });
});
