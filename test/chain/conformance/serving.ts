import { expect, it } from 'vitest';
import type { Axon, Call, Signer } from '../../../genki/chain/chain.ts';
import { group } from './group.ts';
import type { CreateNetwork } from './network.ts';

/** Blocks; the default of a new subnet. */
const SERVING_RATE_LIMIT = 50;

export function servingConformance(create: CreateNetwork): void {
  group('an axon', { create }, (here) => {
    const serve = (ip: string, change: Partial<Pick<Axon, 'port' | 'protocol' | 'version'>> = {}): Call => ({ kind: 'serveAxon', netuid: here().netuid, ip, port: 8091, protocol: 4, version: 7, ...change });
    const axonOf = async ({ hotkey }: Signer) => (await here().act.subnet()).neurons.find((neuron) => neuron.hotkey === hotkey)?.axon;

    it('is where its hotkey last said, by either version of IP', async () => {
      const { roles, act } = here();
      const [miner, other] = roles.miners;
      expect(await axonOf(miner)).toBeNull();
      const block = await act.landed(serve('203.0.113.7'), miner);
      expect(await axonOf(miner)).toEqual({ ip: '203.0.113.7', port: 8091, protocol: 4, version: 7, block: block.number });
      await act.landed(serve('2001:db8:0:0:1::7', { port: 65_535, protocol: 255, version: 0xffffffff }), other);
      expect(await axonOf(other)).toMatchObject({ ip: '2001:db8::1:0:0:7', port: 65_535, protocol: 255, version: 0xffffffff });

      expect(await act.outcome(serve('203.0.113.8'), miner)).toBe('ServingRateLimitExceeded');
      await act.final(block.number + SERVING_RATE_LIMIT);
      await act.landed(serve('203.0.113.8', { port: 1, protocol: 0, version: 0 }), miner);
      expect(await axonOf(miner)).toMatchObject({ ip: '203.0.113.8', port: 1, protocol: 0, version: 0 });
    });

    it('is refused by name', async () => {
      const { roles, act, netuid } = here();
      const [validator] = roles.validators;
      expect(await act.outcome(serve('203.0.113.7'), roles.stranger)).toBe('HotKeyNotRegisteredInNetwork');
      // the pool looks for the hotkey before the block looks for the subnet
      expect(['HotKeyNotRegisteredInNetwork', 'SubnetNotExists']).toContain(await act.outcome({ ...serve('203.0.113.7'), netuid: netuid + 1000 }, validator));
      for (const ip of ['127.0.0.1', '255.255.255.255', '::1']) expect(await act.outcome(serve(ip), validator)).toBe('InvalidIpAddress');
      expect(await act.outcome(serve('203.0.113.7', { port: 0 }), validator)).toBe('InvalidPort');
      expect(await axonOf(validator)).toBeNull();
    });
  });
}
