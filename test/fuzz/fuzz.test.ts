import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LIMITS } from './limits.ts';
import { fuzz } from './run-fuzz.ts';

const SEED = process.env.GENKI_FUZZ_SEED ?? 'genki';
const CASES = Number(process.env.GENKI_FUZZ_CASES ?? 10_000);
/** `target` or `target/case`, to look at one again. */
const [onlyTarget, onlyIndex] = process.env.GENKI_FUZZ_ONLY?.split('/') ?? [];

it(`keeps every contract on ${CASES} hostile files`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'genki-fuzz-'));
  const only = onlyTarget === undefined ? {} : { only: { target: onlyTarget, ...(onlyIndex !== undefined && { index: Number(onlyIndex) }) } };
  try {
    const { told, ended } = await fuzz({ seed: SEED, cases: CASES, targets: new URL('targets/targets.ts', import.meta.url).href, hangMs: LIMITS.hangMs, progress: join(folder, 'progress'), folder, keep: tmpdir(), ...only });
    const reached = told.flatMap((one) => (one.kind === 'target' ? [one] : []));
    const lines = reached.map(({ name, cases, accepted, ms, slowestMs, peakMiB }) =>
      `${name.padEnd(16)} ${String(cases).padStart(7)} cases ${((100 * accepted) / cases).toFixed(1).padStart(5)} % accepted ${(ms / cases).toFixed(2).padStart(7)} ms each ${slowestMs.toFixed(0).padStart(5)} ms the slowest ${peakMiB.toFixed(0).padStart(4)} MiB`);
    process.stdout.write(`${lines.join('\n')}\n`);
    const violations = [...told.flatMap((one) => (one.kind === 'violation' ? [one.text] : [])), ...(ended === undefined ? [] : [ended])];
    expect(violations.join('\n\n')).toBe('');
    // a fuzzer whose files are all refused at the door, or all taken, has tested nothing
    for (const { name, cases, accepted } of onlyIndex === undefined ? reached : []) expect([name, accepted > 0, accepted < cases]).toEqual([name, true, name !== 'half-floats']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000 + 40 * CASES);
