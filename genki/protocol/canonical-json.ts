import { InvalidInput } from '../errors.ts';

/**
 * Canonical JSON text of a plain value (RFC 8785): keys in UTF-16 order, no spaces, ECMAScript's numbers and strings.
 * What JSON would drop or change without a word is refused, so that equal texts mean equal values.
 * @throws {InvalidInput} on undefined, NaN, infinity, a lone surrogate, or anything but plain objects and arrays
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${Array.from(value, canonicalJson).join(',')}]`;
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
        return `{${members.map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`).join(',')}}`;
      }
  }
  throw new InvalidInput(`Expected plain JSON values, got ${typeof value === 'object' ? Object.prototype.toString.call(value) : typeof value}`);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
