import { isIPv4, isIPv6 } from 'node:net';
import { InvalidInput } from '../errors.ts';

/** An address as the chain keeps it: a number, and whether it is one of IPv4 or of IPv6. */
export type IpNumber = { readonly type: 4 | 6; readonly value: bigint };

/** The number of an address. @throws {InvalidInput} unless it is one, without a port or a zone */
export function ipNumber(text: string): IpNumber {
  if (isIPv4(text)) return { type: 4, value: text.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) };
  if (!isIPv6(text) || text.includes('%')) throw new InvalidInput(`Expected an IPv4 or IPv6 address, got ${text}`);
  const [head = [], tail = []] = canonical(text).split('::').map((part) => (part === '' ? [] : part.split(':')));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return { type: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

/** The address in its canonical text (RFC 5952). @throws {InvalidInput} when the number is too large */
export function ipText({ type, value }: IpNumber): string {
  const bits = type === 4 ? 32 : 128;
  if (value < 0n || value >= 1n << BigInt(bits)) throw new InvalidInput(`Expected an IPv${type} address of ${bits} bits, got ${value}`);
  if (type === 4) return Array.from({ length: 4 }, (_, i) => (value >> BigInt(24 - 8 * i)) & 0xffn).join('.');
  return canonical(Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':'));
}

const canonical = (ip: string): string => new URL(`http://[${ip}]`).hostname.slice(1, -1);
