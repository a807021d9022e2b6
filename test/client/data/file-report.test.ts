import { expect, it } from 'vitest';
import { lineOf } from '../../../client/data/file-report.ts';

it('repeats no name that moves a terminal\'s cursor', () => {
  const evil = 'evil\u001B[2J\n.wav';
  const line = lineOf({ file: evil, clips: 0, dropped: [`everything: the same bytes as ${evil}`], unknownWords: [], notes: [evil] });
  expect(line).toMatch(/^\P{C}*$/u);
});
