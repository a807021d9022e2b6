import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { askDoor, askSigned, clockFault, clockText } from '../../../client/status/hub.ts';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { openDoor, type Door } from '../../../workers/hub/door.ts';
import { SmallDesk } from '../../workers/support/small-desk.ts';

const [owner, miner, stranger] = [createSigner('//hub'), createSigner('//miner'), createSigner('//stranger')];
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A door whose clock is so far ahead, and which has been open for a minute. */
async function doorAhead(aheadMs: number): Promise<Door> {
  let opened = false;
  const now = (): number => Date.now() + aheadMs - (opened ? 0 : 60_000);
  const registry = { read: async () => new Map([[miner.hotkey, 'cold']]) };
  const door = await openDoor({ desk: new SmallDesk(now), signer: owner, verify: verifySignature, registry, blockMs: 1000, adapters: new Set(['rr']), now, say: () => undefined }, { host: '127.0.0.1', port: 0, proxies: 0 });
  opened = true;
  closing.push(() => door.close());
  return door;
}

describe('what a hub says of itself', () => {
  it('is its key, its adapters, their versions and its clock', async () => {
    const { url } = await doorAhead(20_000);
    const { hub, adapters, clock } = await askDoor(url);
    expect({ hub, adapters }).toEqual({ hub: owner.hotkey, adapters: [{ adapter: 'rr', version: 4 }] });
    expect(Math.abs(clock.aheadMs - 20_000)).toBeLessThanOrEqual(clock.withinMs + 2);
    expect(clockFault(clock)).toBeUndefined();
  });

  it('is signed, where a registered key asks, and by the hub that is meant', async () => {
    const { url } = await doorAhead(0);
    expect(await askSigned({ url, hub: owner.hotkey, adapter: 'rr', signer: miner })).toMatchObject({ state: { kind: 'none' }, version: 4 });
    await expect(askSigned({ url, hub: owner.hotkey, adapter: 'rr', signer: stranger })).rejects.toThrow('NotRegistered');
    await expect(askSigned({ url, hub: stranger.hotkey, adapter: 'rr', signer: miner })).rejects.toThrow('WrongAudience');
  });

  it('is nothing where somebody else answers, or says too much', async () => {
    for (const body of ['<html>', JSON.stringify({ hub: 'x'.repeat(2 ** 17), adapters: [], now: 1 })]) {
      const server = createServer((_, response) => void response.end(body));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closing.push(() => new Promise((resolve) => server.close(resolve)));
      await expect(askDoor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).rejects.toThrow();
    }
  });

  it('tells a clock with which nothing is answered from one that will do', () => {
    expect(clockFault({ aheadMs: 59_000, withinMs: 10 })).toBeUndefined();
    expect(clockFault({ aheadMs: -4_900, withinMs: 10 })).toBeUndefined();
    expect(clockFault({ aheadMs: -5_500, withinMs: 1000 })).toBeUndefined();
    expect(clockFault({ aheadMs: 61_000, withinMs: 10 })).toBe('this clock is 61.0 s behind the hub\'s, 60.0 s is allowed: what it signs has expired when it arrives');
    expect(clockFault({ aheadMs: -6_000, withinMs: 10 })).toBe('this clock is 6.0 s ahead of the hub\'s, 5.0 s is allowed: what it signs is from the future');
    expect(clockText({ aheadMs: -300, withinMs: 100 })).toBe('its clock is 0.3 s behind this one, ± 0.1 s');
  });
});
