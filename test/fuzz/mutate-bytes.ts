import type { Random } from '../../genki/protocol/random.ts';

const EXTREMES = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x20000000000000n, 0x7fffffffffffffffn, 0xffffffffffffffffn];

type Change = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const CHANGES: readonly Change[] = [
  function flipBit(bytes, random) {
    const out = bytes.slice();
    if (out.length > 0) out[random.int(out.length)]! ^= 1 << random.int(8);
    return out;
  },
  function setByte(bytes, random) {
    const out = bytes.slice();
    if (out.length > 0) out[random.int(out.length)] = random.pick([0, 1, 0x0a, 0x20, 0x22, 0x2f, 0x7f, 0x80, 0xc0, 0xed, 0xff, random.int(256)]);
    return out;
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random.int(bytes.length + 1));
  },
  function dropHead(bytes, random) {
    return bytes.slice(random.int(Math.min(bytes.length, 64) + 1));
  },
  function cutOut(bytes, random) {
    const [from, to] = span(bytes, random);
    return concat(bytes.subarray(0, from), bytes.subarray(to));
  },
  function repeat(bytes, random) {
    const [from, to] = span(bytes, random);
    return concat(bytes.subarray(0, to), ...Array.from({ length: 1 + random.int(8) }, () => bytes.subarray(from, to)), bytes.subarray(to));
  },
  function splice(bytes, random, other) {
    const [from, to] = span(other, random);
    const at = random.int(bytes.length + 1);
    return concat(bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(random.chance(0.5) ? at : Math.min(bytes.length, at + to - from)));
  },
  function insertNoise(bytes, random) {
    const at = random.int(bytes.length + 1);
    return concat(bytes.subarray(0, at), Uint8Array.from({ length: 1 + random.int(32) }, () => random.int(256)), bytes.subarray(at));
  },
  function extremeInteger(bytes, random) {
    const width = random.pick([1, 2, 4, 8]);
    if (bytes.length < width) return bytes;
    const out = bytes.slice();
    // lengths lie near the beginning
    const at = random.int(1 + (random.chance(0.5) ? Math.min(64, out.length - width) : out.length - width));
    const value = random.pick(EXTREMES) - BigInt(random.int(2));
    const isLittle = random.chance(0.5);
    for (let i = 0; i < width; i++) out[at + (isLittle ? i : width - 1 - i)] = Number((value >> BigInt(8 * i)) & 0xffn);
    return out;
  },
  function fill(bytes, random) {
    const [from, to] = span(bytes, random);
    return bytes.slice().fill(random.pick([0, 0xff, 0x80]), from, to);
  },
];

/** The bytes after one to eight changes; `other` is what is spliced in. */
export function mutateBytes(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let out = bytes;
  for (let n = 1 + Math.floor(-Math.log(1 - random.float()) * 1.5); n > 0; n--) out = random.pick(CHANGES)(out, random, other);
  return out;
}

function span(bytes: Uint8Array, random: Random): [number, number] {
  const from = random.int(bytes.length + 1);
  return [from, Math.min(bytes.length, from + random.int(random.chance(0.8) ? 32 : bytes.length + 1))];
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
