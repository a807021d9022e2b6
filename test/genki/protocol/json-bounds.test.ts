import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../activities/parse-json.ts';
import { isWithin } from '../../../genki/protocol/json-bounds.ts';

describe('isWithin', () => {
  it.each([
    ['1', 0, 1],
    ['[]', 1, 2],
    ['[[1],{"a":[2,3]}]', 3, 7],
    ['"[[[[,,,,"', 0, 1],
    ['["\\"[[[",2]', 1, 3],
    ['["a\\\\",[0]]', 2, 4],
  ])('counts %s as %i deep with at most %i values', (text, depth, values) => {
    expect(isWithin(text, { depth, values })).toBe(true);
    expect(isWithin(text, { depth: depth - 1, values })).toBe(false);
    expect(isWithin(text, { depth, values: values - 1 })).toBe(false);
  });
});

describe('parseJson', () => {
  it('has no value for what is nested too deep or holds too much', () => {
    expect(parseJson(`${'['.repeat(128)}${']'.repeat(128)}`)).toBeDefined();
    expect(parseJson(`${'['.repeat(129)}${']'.repeat(129)}`)).toBeUndefined();
    expect(parseJson(`[${'0,'.repeat(2 ** 21)}0]`)).toBeUndefined();
  });
});
