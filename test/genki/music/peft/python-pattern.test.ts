import { describe, expect, it } from 'vitest';
import { BadSubmission } from '../../../../genki/errors.ts';
import { PythonPattern } from '../../../../genki/music/peft/python-pattern.ts';
import { goldenJson } from '../support/goldens.ts';

type Golden = { readonly texts: readonly string[]; readonly table: readonly [pattern: string, whole: string | null, start: string | null][] };

const compiled = (pattern: string, left = Infinity): PythonPattern => new PythonPattern(pattern, { left });
const bits = (texts: readonly string[], matches: (text: string) => boolean): string => texts.map((text) => Number(matches(text))).join('');

describe('PythonPattern', () => {
  it("matches what Python's re matches, and refuses what it refuses", () => {
    const { texts, table } = goldenJson('peft/patterns.json') as Golden;
    for (const [text, whole, start] of table) {
      if (whole === null) {
        expect(() => compiled(text), text).toThrow(BadSubmission);
        continue;
      }
      const pattern = compiled(text);
      expect(bits(texts, (name) => pattern.matchesAll(name)), text).toBe(whole);
      expect(bits(texts, (name) => pattern.matchesStart(name)), text).toBe(start);
    }
  });

  it.each([
    ['(?=a)a', '(?=a'],
    ['(?<!a)b', '(?<!'],
    ['(?i)a', '(?i)'],
    ['(?>a)', '(?>a'],
    ['(a)\\1', '\\1'],
    ['(?P<x>a)(?P=x)', '(?P='],
    ['a++', 'a repetition of a repetition'],
    ['\\p', '\\p'],
    ['a{1001}', 'the counts {1001}'],
  ])('refuses %s by name', (pattern, name) => {
    expect(() => compiled(pattern)).toThrow(`got ${name}`);
  });

  it('takes the time of its length, whatever the pattern', () => {
    const name = `${'a'.repeat(60)}.b`;
    for (const pattern of ['(a*)*', '(a|a)*', '(a|aa)+', '(.*.*.*.*.*.*)*x', '((((((a?)*)*)*)*)*)*x']) expect(compiled(pattern).matchesAll(name)).toBe(false);
  });

  it.each([
    ['a'.repeat(1001), '1000 characters, got 1001'],
    ['(a{1000}){1000}', '4000 states'],
    ['((){1000}){1000}', '4000 states'],
  ])('refuses what is too much: %.20s', (pattern, message) => {
    expect(() => compiled(pattern)).toThrow(BadSubmission);
    expect(() => compiled(pattern)).toThrow(message);
  });

  it('gives up where no steps are left, of one text or of many', () => {
    const pattern = compiled(`(${'.?'.repeat(300)})*x`, 100_000);
    expect(() => pattern.matchesAll('a'.repeat(60))).not.toThrow();
    expect(() => { for (let i = 0; i < 3; i++) pattern.matchesAll('a'.repeat(60)); }).toThrow('matched in fewer steps');
  });
});
