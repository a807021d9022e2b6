import { expect, it } from 'vitest';
import type { Metagraph, Signer } from '../../../genki/chain/chain.ts';
import { simulateEpoch } from '../../../genki/chain/yuma/simulate.ts';
import { group } from './group.ts';
import type { CreateNetwork } from './network.ts';

export function epochsConformance(create: CreateNetwork): void {
  group('epochs', { create, rules: { tempo: 8 } }, (here) => {
    it('are counted, begin where they say, and come when they were foretold', async () => {
      const { act, chain, netuid } = here();
      const { number: last } = await act.final((await act.subnet()).at.number + 28);
      const subnets: Metagraph[] = [];
      for (let number = last - 26; number <= last; number++) subnets.push(await chain.metagraph(netuid, await chain.blockHash(number)));
      const begun = subnets.filter((subnet, i) => i > 0 && subnet.epoch !== subnets[i - 1]!.epoch);
      expect(begun.length).toBeGreaterThanOrEqual(2);
      begun.forEach((subnet) => expect(subnet.epochStart).toBe(subnet.at.number));
      expect(begun.map(({ epoch }) => epoch)).toEqual(begun.map((_, i) => begun[0]!.epoch + i));
      const periods = begun.slice(1).map((subnet, i) => subnet.at.number - begun[i]!.at.number);
      // with or without the one that the older schedule adds
      periods.forEach((period) => expect([8, 9]).toContain(period));
      expect(new Set(periods).size).toBe(1);
      subnets.forEach((subnet) => {
        expect(subnet.nextEpoch).toBeGreaterThan(subnet.at.number);
        const next = begun.find(({ at }) => at.number > subnet.at.number);
        // the older schedule counts it in the block after the one that it runs in
        if (next && subnet.nextEpoch < last) expect([next.epochStart, next.epochStart - 1, next.epochStart - 1 + periods[0]!]).toContain(subnet.nextEpoch);
      });
    });

    it('can be computed beforehand from what the chain then has', async () => {
      const { act, chain, netuid, roles } = here();
      const [first, second] = roles.validators;
      const uidOf = ({ hotkey }: Signer, { neurons }: Metagraph): number => neurons.find((neuron) => neuron.hotkey === hotkey)!.uid;
      const subnet = await act.subnet();
      const [one, two] = [uidOf(roles.miners[0], subnet), uidOf(roles.miners[1], subnet)];
      await act.landed({ kind: 'setWeights', netuid, uids: [one, two], weights: [300, 100], versionKey: 0 }, first);
      await act.landed({ kind: 'setWeights', netuid, uids: [one, two], weights: [100, 300], versionKey: 0 }, second);
      // twice, so that there are bonds from before
      for (let epoch = 0; epoch < 2; epoch++) {
        const { nextEpoch } = await act.subnet();
        await act.final(nextEpoch);
        const inputs = await chain.epochInput(netuid, await chain.blockHash(nextEpoch - 1));
        expect(inputs[0]).toMatchObject({ block: nextEpoch, kappa: 32767 });
        const outlook = simulateEpoch(inputs, []);
        const { neurons } = await chain.metagraph(netuid, await chain.blockHash(nextEpoch));
        const stored = neurons.map(({ consensus, incentive, dividends, emission, validatorPermit }) => ({ consensus, incentive: [incentive], dividends, emission: BigInt(emission), next: validatorPermit }));
        expect(outlook.map(({ after, permit }) => ({ ...after, next: permit.next }))).toEqual(stored);
        expect(stored[one]!.incentive[0]).toBeGreaterThan(0);
      }
    });

    it('come early when the owner asks, and for nobody else', async ({ skip }) => {
      const { act, roles, chain, netuid } = here();
      const refused = await act.outcome({ kind: 'triggerEpoch', netuid }, roles.validators[0]);
      expect(['BadOrigin', 'CallFiltered', 'InvalidInput']).toContain(refused);
      // a runtime without the call
      if (refused !== 'BadOrigin') return skip();
      const { epoch: now } = await act.subnet();
      await act.epoch(now + 1);
      const landing = await act.settled(await act.send({ kind: 'triggerEpoch', netuid }, roles.owner));
      if (landing.kind !== 'included') throw new Error(`Expected the trigger to succeed, got ${JSON.stringify(landing)}`);
      const asked = await chain.metagraph(netuid, landing.block.hash);
      expect(asked.nextEpoch).toBeLessThan(asked.epochStart + 8);
      const early = await act.epoch(asked.epoch + 1);
      expect(early.epochStart).toBe(asked.nextEpoch);
      expect(early.nextEpoch).toBe(early.epochStart + 8);
    });
  });
}
