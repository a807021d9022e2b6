import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ChaosReport } from '../chaos/chaos.ts';

const MAIN = fileURLToPath(new URL('../chaos/main.ts', import.meta.url));
const PATIENCE_MS = 1_200_000;

describe('a federation whose processes are killed twenty times', () => {
  // side by side, since they mostly wait
  it.concurrent.each([
    ['adapters', 'ends every window and round, does nothing twice and loses nothing'],
    ['windows', 'closes windows with one model for all, forgets no update, and a joiner finds that model'],
    ['relay', 'gives everybody its turn, and makes each version once'],
  ])('of %s %s', { timeout: PATIENCE_MS }, async (scenario) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, '--scenario', scenario, '--kills', '20', '--json'], { timeout: PATIENCE_MS, maxBuffer: 2 ** 26 }).catch((error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.stdout ?? ''}\n${error.stderr ?? ''}`, { cause: error });
    });
    const report = JSON.parse(stdout) as ChaosReport;
    expect(report.violations).toEqual([]);
    expect(Object.values(report.kills).reduce((sum, n) => sum + n, 0)).toBe(20);
    expect(report.clockJumps).toBe(2);
    // to make a disk full takes the right to mount one
    if (report.withoutDisk === null) expect(report.fullDisks).toBe(2);
    for (const [what, count] of Object.entries(report.checked)) expect(count, what).toBeGreaterThan(0);
  });
});
