import { expect, it } from 'vitest';
import type { Call, Hotkey } from '../../../genki/chain/chain.ts';
import { group } from './group.ts';
import { hotkeysOf, type CreateNetwork } from './network.ts';

export function registrationConformance(create: CreateNetwork): void {
  group('registration', { create }, (here) => {
    const register = (hotkey: Hotkey, change: { netuid?: number; limitPrice?: string } = {}): Call => ({ kind: 'register', netuid: here().netuid, hotkey, limitPrice: null, ...change });

    it('costs the coldkey the price of the block, and no more than it allowed', async () => {
      const { roles, act, chain, netuid } = here();
      const [newcomer] = roles.newcomers;
      const before = await chain.head();
      const burn = BigInt((await chain.hyperparameters(netuid, before.hash)).burn);
      expect(burn).toBeGreaterThan(1n);
      const refused = await act.outcome(register(newcomer.hotkey, { limitPrice: '1' }), roles.stranger);
      // a runtime that takes no limit is not asked without one
      expect(['RegistrationPriceLimitExceeded', 'InvalidInput']).toContain(refused);
      const balance = BigInt(await chain.balance(roles.stranger.hotkey, (await chain.head()).hash));

      const block = await act.landed(register(newcomer.hotkey, refused === 'InvalidInput' ? {} : { limitPrice: String(burn) }), roles.stranger);
      const paid = balance - BigInt(await chain.balance(roles.stranger.hotkey, block.hash));
      expect(paid >= burn && paid < burn * 2n).toBe(true);
      const [was, is] = [await chain.metagraph(netuid, before.hash), await chain.metagraph(netuid, block.hash)];
      expect(is.neurons.slice(was.neurons.length)).toMatchObject([{ hotkey: newcomer.hotkey, coldkey: roles.stranger.hotkey, registeredAt: block.number, stake: '0', validatorPermit: false }]);
      expect(await act.outcome({ kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: '01' }] }, newcomer)).toBe('included');
    });

    it('is refused by name', async () => {
      const { roles, act, netuid } = here();
      const [, newcomer] = roles.newcomers;
      expect(await act.outcome(register(newcomer.hotkey, { netuid: netuid + 1000 }), roles.stranger)).toBe('SubnetNotExists');
      expect(await act.outcome(register(roles.miners[0].hotkey), roles.stranger)).toBe('HotKeyAlreadyRegisteredInSubNet');
      expect(['NotEnoughBalanceToStake', 'Payment']).toContain(await act.outcome(register(newcomer.hotkey), newcomer));
      expect(hotkeysOf(roles.newcomers.slice(1)).filter((hotkey) => hotkey === newcomer.hotkey)).toHaveLength(1);
    });
  });

  group('a full subnet', { create, rules: { full: true, tempo: 50 } }, (here) => {
    it('gives the uid of the one who earned least to a newcomer, who inherits nothing', async () => {
      const { roles, act, chain, netuid } = here();
      const before = await act.subnet();
      for (const miner of roles.miners) await act.landed({ kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: 'aa' }] }, miner);
      const uids = before.neurons.map(({ uid }) => uid);
      await act.landed({ kind: 'setWeights', netuid, uids, weights: uids.map(() => 9), versionKey: 0 }, roles.validators[0]);
      const last = await chain.head();

      const block = await act.landed({ kind: 'register', netuid, hotkey: roles.newcomers[0].hotkey, limitPrice: null }, roles.stranger);
      const after = await chain.metagraph(netuid, block.hash);
      expect(after.neurons).toHaveLength(before.neurons.length);
      const changed = after.neurons.filter(({ hotkey, uid }) => before.neurons[uid]!.hotkey !== hotkey);
      expect(changed).toMatchObject([{ hotkey: roles.newcomers[0].hotkey, registeredAt: block.number, incentive: 0, emission: '0' }]);
      const { uid } = changed[0]!;
      const former = before.neurons[uid]!.hotkey;
      expect(after.neurons.map(({ hotkey }) => hotkey)).not.toContain(former);

      const commitments = (await chain.commitments(netuid, block.hash)).map(({ hotkey }) => hotkey);
      expect(commitments).not.toContain(former);
      expect(commitments).not.toContain(roles.newcomers[0].hotkey);
      const toward = (await chain.weights(netuid, block.hash)).flatMap(({ weights }) => weights).filter((cell) => cell.uid === uid && cell.weight > 0);
      expect(toward).toEqual([]);
      expect((await chain.metagraph(netuid, last.hash)).neurons[uid]!.hotkey).toBe(former);
      expect((await chain.weights(netuid, last.hash)).flatMap(({ weights }) => weights).filter((cell) => cell.uid === uid && cell.weight > 0)).toHaveLength(1);
    });
  });
}
