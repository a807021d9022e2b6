import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { Random } from '../../../genki/protocol/random.ts';

// the reference implementation by the authors of RFC 8785's test data
const reference = createRequire(import.meta.url)('canonicalize') as (value: unknown) => string;

function anyJson(random: Random, depth = 0): unknown {
  const kind = random.int(depth > 3 ? 5 : 7);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.int(2 ** 32) - 2 ** 31;
  if (kind === 3) return random.normal() * 10 ** (random.int(60) - 30);
  if (kind === 4) return random.pick(['', '\u0000', '"\\/\b', '€', '🎵', '\u2028', 'plain']);
  if (kind === 5) return Array.from({ length: random.int(4) }, () => anyJson(random, depth + 1));
  return Object.fromEntries(Array.from({ length: random.int(5) }, () => [random.pick(['b', 'a', '10', '9', '', 'é', '\ufb33', '😀', '__proto__']), anyJson(random, depth + 1)]));
}

describe('canonicalJson', () => {
  it('is the example of RFC 8785', () => {
    const value: unknown = JSON.parse('{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}');
    expect(canonicalJson(value)).toBe('{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
  });

  it('sorts keys by UTF-16 units, as the example of RFC 8785', () => {
    const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  });

  it('goes 128 lists and objects deep, and refuses what could only end in a stack that is too small', () => {
    const nested = (depth: number): unknown => JSON.parse('[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2));
    expect(canonicalJson(nested(128))).toHaveLength(128 / 2 * 8 + 1);
    expect(() => canonicalJson(nested(130))).toThrow(new InvalidInput('Expected at most 128 objects and lists in one another, got more'));
    expect(() => canonicalJson(nested(100_000))).toThrow(InvalidInput);
  });

  it('agrees with the reference implementation, and is read back as the same value', () => {
    const random = new Random('json');
    for (let i = 0; i < 500; i++) {
      const value = anyJson(random);
      expect(canonicalJson(value)).toBe(reference(value));
      expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
    }
  });

  it.each([
    ['NaN', { a: NaN }],
    ['infinity', [Infinity]],
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['a hole', Array(1)],
    ['a big integer', 1n],
    ['a function', { a: () => 1 }],
    ['a symbol', [Symbol('a')]],
    ['a date', new Date(0)],
    ['a map', new Map([['a', 1]])],
    ['bytes', Uint8Array.of(1)],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(InvalidInput);
  });
});
