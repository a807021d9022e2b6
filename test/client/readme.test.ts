import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commandTable } from '../../client/command-table.ts';
import { createProgram } from '../../client/program.ts';

it('has every command and option in the README, with its default', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(commandTable(createProgram({})));
});
