import { expect, it } from 'vitest';
import type { Call, Signer } from '../../../genki/chain/chain.ts';
import { group } from './group.ts';
import type { CreateNetwork } from './network.ts';

export function weightsConformance(create: CreateNetwork): void {
  group('weights', { create, rules: { versionKey: 7, minAllowedWeights: 2, tempo: 40, weightsRateLimit: 6 } }, (here) => {
    const weights = (uids: number[], values: number[], change: { netuid?: number; versionKey?: number } = {}): Call => ({ kind: 'setWeights', netuid: here().netuid, uids, weights: values, versionKey: 7, ...change });
    const rowOf = async ({ hotkey }: Signer) => {
      const { chain, netuid } = here();
      return (await chain.weights(netuid, (await chain.head()).hash)).find((row) => row.hotkey === hotkey)?.weights;
    };
    const uidOf = async ({ hotkey }: Signer): Promise<number> => (await here().act.subnet()).neurons.find((neuron) => neuron.hotkey === hotkey)!.uid;

    it('are stored with their largest at 65535, by uid', async () => {
      const { roles, act } = here();
      expect(await rowOf(roles.validators[0])).toBeUndefined();
      const block = await act.landed(weights([2, 1], [100, 300]), roles.validators[0]);
      expect(await rowOf(roles.validators[0])).toEqual([{ uid: 1, weight: 65_535 }, { uid: 2, weight: 21_845 }]);
      expect((await act.subnet()).neurons[await uidOf(roles.validators[0])]).toMatchObject({ lastUpdate: block.number });
    });

    it('come once in a while', async () => {
      const { roles, act } = here();
      const block = await act.landed(weights([0, 1, 2], [60_000, 30_000, 0]), roles.validators[1]);
      expect(await rowOf(roles.validators[1])).toEqual([{ uid: 0, weight: 65_535 }, { uid: 1, weight: 32_767 }, { uid: 2, weight: 0 }]);
      expect(await act.outcome(weights([0, 1], [1, 1]), roles.validators[1])).toBe('SettingWeightsTooFast');
      await act.final(block.number + 6);
      expect(await act.outcome(weights([0, 1], [1, 1]), roles.validators[1])).toBe('included');
      expect(await rowOf(roles.validators[1])).toEqual([{ uid: 0, weight: 65_535 }, { uid: 1, weight: 65_535 }]);
    });

    it('are refused by the name of the first check that fails', async () => {
      const { roles, act, netuid } = here();
      const count = (await act.subnet()).neurons.length;
      const all = Array.from({ length: count }, (_, uid) => uid);
      const { validators: [, validator], miners: [miner], unpermitted, stranger } = roles;
      await act.final((await act.subnet()).at.number + 8);
      const cases: [string, Signer, Call][] = [
        ['CanNotSetRootNetworkWeights', validator, weights([0, 1], [1, 1], { netuid: 0 })],
        ['WeightVecNotEqualSize', validator, weights([0, 1], [1])],
        ['MechanismDoesNotExist', validator, weights([0, 1], [1, 1], { netuid: netuid + 1000 })],
        ['UidsLengthExceedUidsInSubNet', validator, weights([...all, 0], [...all, 0].map(() => 1))],
        ['NotEnoughStakeToSetWeights', miner, weights([0, 1], [1, 1])],
        ['IncorrectWeightVersionKey', validator, weights([0, 1], [1, 1], { versionKey: 6 })],
        ['NeuronNoValidatorPermit', unpermitted, weights([0, 1], [1, 1])],
        ['DuplicateUids', validator, weights([0, 0], [1, 1])],
        ['UidVecContainInvalidOne', validator, weights([0, count], [1, 1])],
        ['WeightVecLengthIsLow', validator, weights([0], [1])],
        // each of these fails a later check, too
        ['WeightVecNotEqualSize', validator, weights([0, 0], [1], { netuid: netuid + 1000, versionKey: 6 })],
        ['IncorrectWeightVersionKey', validator, weights([0, 0], [1, 1], { versionKey: 6 })],
        ['DuplicateUids', validator, weights([count, count], [1, 1])],
      ];
      const found: string[] = [];
      for (const [, signer, call] of cases) found.push(await act.outcome(call, signer));
      // lists of different lengths can be seen before anything is signed
      expect(found).toEqual(cases.map(([code]) => (code === 'WeightVecNotEqualSize' ? (expect.toBeOneOf([code, 'InvalidInput']) as string) : code)));
      // whether the pool looks at stake before the block looks for the hotkey is the runtime's own affair
      expect(['HotKeyNotRegisteredInSubNet', 'NotEnoughStakeToSetWeights']).toContain(await act.outcome(weights([0, 1], [1, 1]), stranger));
    });

    it('for oneself alone need no permit and no company', async () => {
      const { roles, act } = here();
      expect(await act.outcome(weights([await uidOf(roles.unpermitted)], [5]), roles.unpermitted)).toBe('included');
    });
  });

  group('weights that count', { create, rules: { tempo: 8 } }, (here) => {
    it('do so from the next epoch on, where most of the stake agrees', async () => {
      const { roles, act, netuid } = here();
      const { neurons } = await act.subnet();
      const uid = neurons.find(({ hotkey }) => hotkey === roles.miners[1].hotkey)!.uid;
      const call: Call = { kind: 'setWeights', netuid, uids: [uid], weights: [1], versionKey: 0 };
      for (const validator of roles.validators) await act.landed(call, validator);
      const { epoch, nextEpoch } = await act.subnet();
      await act.epoch(epoch + 1);
      await act.final(nextEpoch + 1);
      const after = (await act.subnet()).neurons;
      expect(after[uid]).toMatchObject({ incentive: 65_535, consensus: 65_535 });
      expect(BigInt(after[uid]!.emission)).toBeGreaterThan(0n);
      expect(after.filter(({ incentive }) => incentive > 0)).toHaveLength(1);
      const dividends = roles.validators.map(({ hotkey }) => after.find((neuron) => neuron.hotkey === hotkey)!.dividends);
      expect(dividends.every((share) => share > 0)).toBe(true);
    });
  });
}
