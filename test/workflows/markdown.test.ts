import { describe, expect, it } from 'vitest';
import { factTable, grouped, literal, table } from '../../workflows/markdown.ts';

describe('literal', () => {
  it.each([
    ['march', '`march`'],
    ['a`b', "`a'b`"],
    ['``` | ```', "`'`"],
    ['a|b', '`a/b`'],
    ['two\n\n# lines', '`two # lines`'],
    ['<b>*x*</b> [y](https://z.example)', '`<b>*x*</b> [y](https://z.example)`'],
    ['', '` `'],
    [' \n', '` `'],
  ])('of %j is %s', (text, code) => expect(literal(text)).toBe(code));
});

describe('a table', () => {
  it('has a line for each row, and is not there without any', () => {
    expect(table(['a', 'b'], [['1', '2']])).toEqual(['| a | b |', '|---|---|', '| 1 | 2 |']);
    expect(table(['a', 'b'], [])).toEqual([]);
  });

  it('of facts leaves out what is not known', () => {
    expect(factTable([['a', '1'], ['b', undefined]])).toEqual(['| | |', '|---|---|', '| a | 1 |']);
    expect(factTable([['b', undefined]])).toEqual([]);
  });
});

it('groups digits by three', () => expect([0, 999, 1000, 5_812_440].map(grouped)).toEqual(['0', '999', '1 000', '5 812 440']));
