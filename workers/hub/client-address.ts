import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv6 } from 'node:net';

/**
 * Who asks, for limits: of IPv6 addresses the network, since anybody has as many as wanted.
 * @param proxies how many of our own stand before us; each has added to `X-Forwarded-For` whom it was asked by. With none
 *   that header is anybody's invention
 */
export function clientAddress(remoteAddress: string, headers: IncomingHttpHeaders, proxies: number): string {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').map((part) => part.trim()).filter((part) => part !== '');
  const named = proxies > 0 ? forwarded.at(-proxies) : undefined;
  return networkOf(named !== undefined && isIP(named) !== 0 ? named : remoteAddress);
}

/** An IPv4 address, also where it is written as an IPv6 one, or the /64 network of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  return isIPv6(address) ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : address;
}

/** The eight groups of an IPv6 address, each without leading zeros. */
function groupsOf(address: string): string[] {
  const [before, after] = address.replace(/%.*$/, '').split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = new Array<string>(Math.max(0, 8 - (before?.length ?? 0) - (after?.length ?? 0))).fill('0');
  const groups = after === undefined ? before! : [...before!, ...zeros, ...after];
  return groups.map((group) => Number.parseInt(group, 16).toString(16));
}
