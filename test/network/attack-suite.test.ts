import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../client/attack-suite/stage.ts';
import { exceeds, runSuite, type Line } from '../../client/attack-suite/suite.ts';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';

const folder = mkdtempSync(join(tmpdir(), 'genki-attacks-'));
let stage: Stage;
beforeAll(async () => {
  const engine = await chooseEngine({ threads: availableParallelism() });
  stage = await openStage({ root: join(folder, 'store'), engine, competition: RUBY, dama: 'dama/ruby-nano', cacheDir: join(folder, 'adapters'), note: () => undefined });
});
afterAll(async () => {
  await stage?.engine.dispose();
  rmSync(folder, { recursive: true });
});

/** One that is found, one that is refused, one that has to be told from honest work, and one that no policy of ours sees. */
it('plays attacks through a real round: none takes anything from the default policy, and copying pays by an older one', async () => {
  const lines: Line[] = [];
  await runSuite(stage, { attacks: ['rotated-copy', 'not-a-number', 'tiny-sybils', 'weight-copying'], policies: ['dama', 'bare-gradient-agreement'], onLine: (line) => lines.push(line) });
  expect(lines.filter(exceeds)).toEqual([]);
  expect(lines.map(({ attack, policy, verdict }) => [attack, policy, verdict])).toEqual([
    ['rotated-copy', 'dama', 'copy'],
    ['rotated-copy', 'bare-gradient-agreement', 'copy'],
    ['not-a-number', 'dama', 'rejected'],
    ['not-a-number', 'bare-gradient-agreement', 'rejected'],
    ['tiny-sybils', 'dama', 'not-accepted'],
    ['tiny-sybils', 'bare-gradient-agreement', 'not-accepted'],
    ['weight-copying', 'yuma', 'hidden weights'],
  ]);
  const copied = lines.find(({ policy }) => policy === 'bare-gradient-agreement')!;
  expect(copied.captured).toBeGreaterThan(0.05);
});
