import { expect, it } from 'vitest';
import { group } from './group.ts';
import type { CreateNetwork } from './network.ts';

const NOWHERE = `0x${'0'.repeat(64)}`;

export function blocksConformance(create: CreateNetwork): void {
  group('blocks', { create }, (here) => {
    it('grow, become final, and keep their hashes', async () => {
      const { chain, network } = here();
      await network.waitBlocks(4);
      const before = await chain.head();
      expect(before.hash).toMatch(/^0x[0-9a-f]{64}$/);
      const hashes = await Promise.all([0, before.number - 1, before.number].map((number) => chain.blockHash(number)));
      expect(hashes[2]).toBe(before.hash);
      await network.waitBlocks(5);
      const after = await chain.head();
      expect(after.number).toBeGreaterThan(before.number);
      expect(await Promise.all([0, before.number - 1, before.number].map((number) => chain.blockHash(number)))).toEqual(hashes);
      expect(new Set([...hashes, after.hash]).size).toBe(4);
    });

    it('that are not final, or not there, are not told', async () => {
      const { chain, netuid } = here();
      await expect(chain.blockHash((await chain.head()).number + 1000)).rejects.toMatchObject({ name: 'ChainUnavailable' });
      for (const read of [chain.metagraph(netuid, NOWHERE), chain.commitments(netuid, NOWHERE), chain.weights(netuid, NOWHERE), chain.weightCommits(netuid, NOWHERE), chain.hyperparameters(netuid, NOWHERE), chain.epochInput(netuid, NOWHERE)]) {
        await expect(read).rejects.toMatchObject({ name: 'ChainUnavailable' });
      }
    });

    it('know no other subnet', async () => {
      const { chain, netuid } = here();
      const { hash } = await chain.head();
      await expect(chain.metagraph(netuid + 1000, hash)).rejects.toMatchObject({ name: 'InvalidInput' });
    });

    it('hold the subnet with everybody in it', async () => {
      const { chain, netuid, roles, act } = here();
      const subnet = await act.subnet();
      const of = ({ hotkey }: { hotkey: string }) => subnet.neurons.find((neuron) => neuron.hotkey === hotkey);
      expect(subnet).toMatchObject({ netuid, at: await chain.head(), owner: roles.owner.hotkey });
      expect(subnet.neurons.map(({ uid }) => uid)).toEqual(subnet.neurons.map((_, i) => i));
      for (const validator of roles.validators) expect(of(validator)).toMatchObject({ validatorPermit: true });
      expect(BigInt(of(roles.validators[0])!.stake)).toBeGreaterThan(0n);
      expect(of(roles.unpermitted)).toMatchObject({ validatorPermit: false });
      expect(roles.miners.map((miner) => of(miner)?.stake)).toEqual(roles.miners.map(() => '0'));
      expect([roles.stranger, ...roles.newcomers].map(of).filter(Boolean)).toEqual([]);
    });

    it('tell the rules and the balances at their time', async () => {
      const { chain, netuid, roles } = here();
      const head = await chain.head();
      expect(await chain.hyperparameters(netuid, head.hash)).toMatchObject({ netuid, at: head, tempo: 20, weightsRateLimit: 2, minAllowedWeights: 1, versionKey: 0, commitReveal: { enabled: false } });
      expect(BigInt(await chain.balance(roles.stranger.hotkey, head.hash))).toBeGreaterThan(0n);
      expect(await chain.balance(roles.newcomers[0].hotkey, head.hash)).toBe('0');
    });

    it('of the past stay as they were', async () => {
      const { chain, netuid, roles, act } = here();
      const { hash } = await chain.head();
      const read = () => Promise.all([chain.metagraph(netuid, hash), chain.commitments(netuid, hash), chain.weights(netuid, hash), chain.hyperparameters(netuid, hash), chain.balance(roles.stranger.hotkey, hash)]);
      const before = await read();
      const uid = before[0].neurons.find(({ hotkey }) => hotkey === roles.miners[0].hotkey)!.uid;
      await act.landed({ kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: '77' }] }, roles.miners[0]);
      await act.landed({ kind: 'setWeights', netuid, uids: [uid], weights: [1], versionKey: 0 }, roles.validators[0]);
      await act.landed({ kind: 'register', netuid, hotkey: roles.newcomers[0].hotkey, limitPrice: null }, roles.stranger);
      expect(await read()).toEqual(before);
      expect(await act.subnet()).not.toEqual(before[0]);
    });
  });
}
