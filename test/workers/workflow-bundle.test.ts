import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { workflowBundle } from '../../workers/workflow-bundle.ts';

const home = mkdtempSync(join(tmpdir(), 'genki-bundle-'));
symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(home, 'node_modules'), 'junction');
afterAll(() => rmSync(home, { recursive: true }));

const workflowsPath = join(home, 'workflows.mjs');
const constants = join(home, 'constants.mjs');
const sources = { workflowsPath, madeOf: [constants], folder: join(home, 'kept') };
const write = (answer: string): void => {
  writeFileSync(workflowsPath, 'import { answer } from "./constants.mjs";\nexport async function ask() { return answer; }\n');
  writeFileSync(constants, `export const answer = '${answer}';\n`);
};
const pathOf = async (): Promise<string> => {
  const bundle = await workflowBundle(sources);
  return 'codePath' in bundle ? bundle.codePath : expect.unreachable('it was not kept');
};

it('is made once, and anew, in place of the old one, when something that it is made of changes', async () => {
  write('the first answer');
  const first = await pathOf();
  expect(readFileSync(first, 'utf8').includes('the first answer')).toBe(true);
  const { mtimeMs } = statSync(first);
  expect(await pathOf()).toBe(first);
  expect(statSync(first).mtimeMs).toBe(mtimeMs);

  write('another answer');
  const second = await pathOf();
  expect(readFileSync(second, 'utf8').includes('another answer')).toBe(true);
  expect(readdirSync(sources.folder)).toEqual([basename(second)]);
});

it('is made where nothing can be written, too', async () => {
  writeFileSync(join(home, 'file'), '');
  const bundle = await workflowBundle({ ...sources, folder: join(home, 'file') });
  expect('code' in bundle && bundle.code.includes('another answer')).toBe(true);
});
