import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { provision } from '../../client/embedded/provision.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { leftOver, PATIENCE_MS, resultOf, start } from './support/genki-start.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-interrupted-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Those whom others copy: a coalition more or less is the same to an interruption. */
const competition = { ...RUBY, styles: { ...RUBY.styles, private: RUBY.styles.private.filter((style) => style !== 'ambient') } };

it('stops cleanly at Ctrl-C and carries on where it stopped, while training and while validating', async () => {
  await provision({ home, blockMs: 250, competition });
  const inTraining = start(home, '--resume');
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
  expect(resultOf(stdout).miners.filter((m) => m.weight > 0).map((m) => m.name).sort()).toEqual([...competition.styles.private].sort());
  expect(existsSync(join(home, 'network.json'))).toBe(false);
}, PATIENCE_MS);
