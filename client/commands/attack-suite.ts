import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidInput } from '../../genki/errors.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { engineOf } from '../../workers/engine.ts';
import { homeOf } from '../../workers/settings.ts';
import { stopSignal } from '../stop-signal.ts';
import { columns } from '../attack-suite/pay.ts';
import { jsonLine, showTable } from '../attack-suite/show.ts';
import { openStage } from '../attack-suite/stage.ts';
import { attackNames, exceeds, runSuite, type Line } from '../attack-suite/suite.ts';

const SHIPPED = fileURLToPath(new URL('../../dama/ruby-nano', import.meta.url));

export type AttackSuiteOptions = { readonly policy?: readonly string[]; readonly only?: readonly string[]; readonly json: boolean };

/** `genki attack-suite`: exits 1 when an attack takes more from the default policy than it may. */
export async function attackSuite({ policy, only, json }: AttackSuiteOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const policies = chosen('a policy', policy, columns);
  const attacks = chosen('an attack', only, attackNames);
  const started = Date.now();
  const note = (line: string): void => void process.stderr.write(`${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
  const signal = stopSignal();
  const engine = await engineOf(env);
  const root = await mkdtemp(join(tmpdir(), 'genki-attacks-'));
  const lines: Line[] = [];
  try {
    const stage = await openStage({ root, engine, competition: RUBY, dama: SHIPPED, cacheDir: join(homeOf(env), 'attack-suite'), note });
    await runSuite(stage, { attacks, policies, onLine: (line) => {
      signal.throwIfAborted();
      lines.push(line);
      if (json) process.stdout.write(`${jsonLine(line)}\n`);
    } });
  } finally {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  }
  if (!json) show(lines);
  const excess = lines.filter(exceeds);
  for (const { attack, captured, honestChange } of excess) process.stderr.write(`${attack} takes ${captured.toFixed(4)} and moves an honest share by ${honestChange.toFixed(4)}, more than it may\n`);
  if (excess.length > 0) process.exitCode = 1;
}

/** @throws {InvalidInput} naming what there is */
function chosen(what: string, names: readonly string[] | undefined, all: readonly string[]): readonly string[] {
  const unknown = names?.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new InvalidInput(`Expected ${what} of ${all.join(', ')}, got ${unknown}`);
  return names ?? all;
}

/** Ours, and below the formulas of those who came before, without our filter. */
function show(lines: readonly Line[]): void {
  const blocks = [lines.filter(({ policy }) => !policy.startsWith('bare-')), lines.filter(({ policy }) => policy.startsWith('bare-'))];
  for (const block of blocks.filter(({ length }) => length > 0)) process.stdout.write(`${showTable(block).join('\n')}\n\n`);
}
