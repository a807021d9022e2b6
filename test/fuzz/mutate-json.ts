import type { Random } from '../../genki/protocol/random.ts';

/** JSON as it is written: keys may come twice, numbers be of any size, texts be no JSON at all. */
type Node = { kind: 'object'; members: [string, Node][] } | { kind: 'array'; items: Node[] } | { kind: 'text'; text: string };

const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', '', ' ', '\u0000', '\ud800', 'ключ', '😀', 'version', 'kind', 'body', '__metadata__', '0', '-1', '10'];
const VALUES = [
  'null', 'true', 'false', '0', '-0', '-1', '1', '2', '0.1', '1.0', '1e0', '1E+2', '1e308', '1e309', '-1e400', '5e-324', '9007199254740991', '9007199254740993', '4294967296', '65536', '2147483648', '-2147483649', '18446744073709551616',
  '123456789012345678901234567890', 'NaN', 'Infinity', '-Infinity', 'undefined', '01', '+1', '.5', '0x10', '""', '"__proto__"', '"None"', '"NaN"', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\ufeff"', '"\u202eabc"', '"é"', '"e\u0301"', '"../../etc/passwd"',
  '"a/../b"', '"C:\\\\x"', '"\\u0061"', '"\\/"', '{}', '[]', '[[]]', '{"__proto__":{"x":1}}', '{"toJSON":1}', '[null]', '"%00"', '"file:///etc/passwd"', '"5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM"',
];
const DEEP = 20_000;
/** Characters of what is not copied into itself again. */
const LARGE = 20_000;

/** The text of a JSON value after one to six changes to what it says or how it is written. */
export function mutateJson(value: unknown, random: Random, maxBytes: number): string {
  const root: Node = { kind: 'array', items: [nodeOf(value)] };
  for (let n = 1 + Math.floor(-Math.log(1 - random.float())); n > 0; n--) change(root, random, maxBytes);
  return textOf(root.items[0] ?? { kind: 'text', text: '' }, random.chance(0.1) ? ' ' : '');
}

function change(root: Node, random: Random, maxBytes: number): void {
  const places = containers(root);
  const place = random.pick(places);
  if (place.kind === 'text') return;
  const slots: { get(): Node; set(node: Node): void }[] =
    place.kind === 'array'
      ? place.items.map((_, i) => ({ get: () => place.items[i]!, set: (node) => void (place.items[i] = node) }))
      : place.members.map((member) => ({ get: () => member[1], set: (node) => void (member[1] = node) }));
  const slot = slots.length === 0 ? undefined : random.pick(slots);
  const any = (): Node => {
    const copied = random.chance(0.3) ? random.pick(places) : undefined;
    return copied !== undefined && textOf(copied, '').length < LARGE ? structuredClone(copied) : { kind: 'text', text: random.pick(VALUES) };
  };
  switch (random.int(11)) {
    case 0:
    case 1:
    case 2:
      return slot?.set(any());
    case 3: // an element or member goes
      if (place !== root) (place.kind === 'array' ? place.items : place.members).splice(random.int(slots.length + 1), 1);
      return;
    case 4: // a member comes, or comes twice
      if (place.kind === 'object') place.members.splice(random.int(place.members.length + 1), 0, [random.chance(0.4) && slots.length > 0 ? random.pick(place.members)[0] : random.pick(KEYS), any()]);
      else if (place !== root) place.items.splice(random.int(place.items.length + 1), 0, any());
      return;
    case 5: // a key changes
      if (place.kind === 'object' && place.members.length > 0) random.pick(place.members)[0] = random.pick(KEYS);
      return;
    case 6: // an element comes again and again; now and then until the file is as large as may be
      if (slot && place !== root && place.kind === 'array') {
        const size = textOf(slot.get(), '').length + 1;
        const most = Math.max(1, Math.floor(maxBytes / size) - 1);
        place.items.push(...Array.from({ length: Math.min(most, random.chance(0.05) ? 100_000 : 1 + random.int(40)) }, () => slot.get()));
      }
      return;
    case 7: // a tower of brackets
      return slot?.set({ kind: 'text', text: tower(random, Math.min(Math.floor(maxBytes / 16), random.chance(0.3) ? DEEP : 1 + random.int(200))) });
    case 8: // a long text
      return slot?.set({ kind: 'text', text: JSON.stringify(random.pick(['a', '0', '\u0000', 'é', '😀', '\\', '"', '/..']).repeat(Math.min(Math.floor(maxBytes / 8), random.chance(0.1) ? 100_000 : 1 + random.int(300)))) });
    case 9: // a text loses or gains a character
      if (slot?.get().kind === 'text') slot.set({ kind: 'text', text: respelled((slot.get() as { text: string }).text, random) });
      return;
    case 10: // order
      if (place !== root) (place.kind === 'array' ? place.items : place.members).reverse();
  }
}

function respelled(text: string, random: Random): string {
  const at = random.int(text.length + 1);
  switch (random.int(5)) {
    case 0: return text.slice(0, at) + text.slice(at + 1);
    case 1: return `${text.slice(0, at)}${random.pick(['0', 'a', 'A', '.', '-', '\u200b', '\u0000', '\\n', '\\u0041', ':', '/'])}${text.slice(at)}`;
    case 2: return random.chance(0.5) ? text.toUpperCase() : text.toLowerCase();
    case 3: return text.slice(0, at) + swapped(text.slice(at, at + 1)) + text.slice(at + 1);
    default: return ` ${text}\t`;
  }
}

const swapped = (character: string): string => (character === character.toUpperCase() ? character.toLowerCase() : character.toUpperCase());

function tower(random: Random, height: number): string {
  const [open, close] = random.pick([['[', ']'], ['{"a":', '}'], ['[{"__proto__":', '}]']] as const);
  return open.repeat(height) + (open === '[' ? '' : '1') + (random.chance(0.9) ? close.repeat(height) : '');
}

function containers(node: Node): Node[] {
  if (node.kind === 'text') return [];
  const inner = node.kind === 'array' ? node.items : node.members.map(([, member]) => member);
  // a long list's elements are alike
  return [node, ...inner.slice(0, 50).flatMap(containers)];
}

function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return { kind: 'array', items: value.map(nodeOf) };
  if (typeof value === 'object' && value !== null) return { kind: 'object', members: Object.entries(value).map(([key, member]) => [key, nodeOf(member)]) };
  return { kind: 'text', text: JSON.stringify(value) };
}

function textOf(node: Node, space: string): string {
  if (node.kind === 'text') return node.text;
  if (node.kind === 'array') return `[${space}${node.items.map((item) => textOf(item, space)).join(`,${space}`)}]`;
  return `{${node.members.map(([key, member]) => `${JSON.stringify(key)}:${space}${textOf(member, space)}`).join(',')}${space}}`;
}
