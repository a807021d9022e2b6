/**
 * `npm run chaos -- [--kills 20] [--seed genki] [--scenario adapters|windows|relay] [--store s3|folder] [--json]`: a federation whose processes are killed
 * with SIGKILL at seeded random moments, whose clock jumps by an hour and whose disk is full for a while. Exits 0 when
 * everything that must hold does.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { stopSignal } from '../../client/stop-signal.ts';
import { runChaos, SCENARIOS } from './chaos.ts';

const Options = z.object({
  kills: z.coerce.number('expected a whole number').int().min(0).max(100_000).default(20),
  seed: z.string().min(1).default('genki'),
  scenario: z.enum(Object.keys(SCENARIOS) as (keyof typeof SCENARIOS)[]).default('adapters'),
  store: z.enum(['s3', 'folder']).default('s3'),
  json: z.boolean().default(false),
});

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' }, scenario: { type: 'string' }, store: { type: 'string' }, json: { type: 'boolean' } } });
const parsed = Options.safeParse(values);
if (!parsed.success) {
  process.stderr.write(`${z.prettifyError(parsed.error)}\n`);
  process.exit(2);
}
const { json, ...options } = parsed.data;
const home = mkdtempSync(join(tmpdir(), 'genki-chaos-'));
const began = performance.now();
const say = (line: string): void => void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)}  ${line}\n`);
try {
  const { violations, checked, kills, ...report } = await runChaos({ home, ...options, say, signal: stopSignal() });
  if (json) process.stdout.write(`${JSON.stringify({ ...report, kills, checked, violations })}\n`);
  else {
    const parts = (counts: object): string => Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(', ');
    const number = Object.values(kills).reduce((sum, n) => sum + n, 0);
    process.stdout.write(`${report.scenario}, ${report.seconds} s\n${number} kills: ${parts(kills)}\n${report.clockJumps} clock jumps, ${report.fullDisks} full disks${report.withoutDisk === null ? '' : ` (${report.withoutDisk})`}\nchecked: ${parts(checked)}\n${violations.length === 0 ? 'everything holds' : violations.join('\n')}\n`);
  }
  process.exitCode = violations.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
