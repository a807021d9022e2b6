import { describe, expect, it } from 'vitest';
import { ipNumber, ipText } from '../../../genki/chain/ip.ts';

describe('an IP address', () => {
  it.each<[string, 4 | 6, bigint]>([
    ['0.0.0.0', 4, 0n],
    ['203.0.113.7', 4, 0xcb007107n],
    ['255.255.255.255', 4, 0xffffffffn],
    ['::', 6, 0n],
    ['::1', 6, 1n],
    ['2001:db8::1:0:0:7', 6, 0x20010db8000000000001000000000007n],
    ['::ffff:cb00:7107', 6, 0xffffcb007107n],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 6, 2n ** 128n - 1n],
  ])('%s is a number and comes back', (text, type, value) => {
    expect(ipNumber(text)).toEqual({ type, value });
    expect(ipText({ type, value })).toBe(text);
  });

  it.each([['2001:DB8:0:0::1', '2001:db8::1'], ['::ffff:203.0.113.7', '::ffff:cb00:7107']])('%s has one canonical text', (text, canonical) => {
    expect(ipText(ipNumber(text))).toBe(canonical);
  });

  it.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', ':::', 'fe80::1%eth0', '[::1]', '1.2.3.4:80'])('is not %j', (text) => {
    expect(() => ipNumber(text)).toThrow(`Expected an IPv4 or IPv6 address, got ${text}`);
  });

  it('is not a number with more bits', () => {
    expect(() => ipText({ type: 4, value: 2n ** 32n })).toThrow('Expected an IPv4 address of 32 bits, got 4294967296');
    expect(() => ipText({ type: 6, value: -1n })).toThrow('Expected an IPv6 address');
  });
});
