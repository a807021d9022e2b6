import { InvalidInput } from '../errors.ts';
import { JSON_BOUNDS } from './json-bounds.ts';

/**
 * Canonical JSON text of a plain value (RFC 8785): keys in UTF-16 order, no spaces, ECMAScript's numbers and strings.
 * What JSON would drop or change without a word is refused, so that equal texts mean equal values.
 * @throws {InvalidInput} on undefined, NaN, infinity, a lone surrogate, anything but plain objects and arrays, or more
 *   than 128 of them in one another
 */
export const canonicalJson = (value: unknown): string => written(value, 0);

function written(value: unknown, depth: number): string {
  if (depth > JSON_BOUNDS.depth) throw new InvalidInput(`Expected at most ${JSON_BOUNDS.depth} objects and lists in one another, got more`);
  if (Array.isArray(value)) return `[${Array.from(value, (item) => written(item, depth + 1)).join(',')}]`;
  switch (typeof value) {
    case 'string':
      if (LONE_SURROGATE.test(value)) throw new InvalidInput('Expected well-formed text in canonical JSON, got a lone surrogate');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new InvalidInput(`Expected finite numbers in canonical JSON, got ${value}`);
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (isPlain(value)) {
        const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
        return `{${members.map(([key, member]) => `${written(key, depth)}:${written(member, depth + 1)}`).join(',')}}`;
      }
  }
  throw new InvalidInput(`Expected plain JSON values, got ${typeof value === 'object' ? Object.prototype.toString.call(value) : typeof value}`);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
