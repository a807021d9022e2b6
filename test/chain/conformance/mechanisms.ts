import { expect, it } from 'vitest';
import type { Call, Signer } from '../../../genki/chain/chain.ts';
import { group } from './group.ts';
import type { CreateNetwork } from './network.ts';

export function mechanismsConformance(create: CreateNetwork): void {
  group('weights for a mechanism', { create, rules: { weightsRateLimit: 0 } }, (here) => {
    const weights = (mecid: number, uids: number[], values: number[]): Call => ({ kind: 'setMechanismWeights', netuid: here().netuid, mecid, uids, weights: values, versionKey: 0 });
    const rowOf = async ({ hotkey }: Signer) => {
      const { chain, netuid } = here();
      return (await chain.weights(netuid, (await chain.head()).hash)).find((row) => row.hotkey === hotkey)?.weights;
    };

    it('are the weights of the subnet where it is the first', async () => {
      const { roles, act } = here();
      const [validator] = roles.validators;
      await act.landed(weights(0, [1, 2], [300, 100]), validator);
      expect(await rowOf(validator)).toEqual([{ uid: 1, weight: 65_535 }, { uid: 2, weight: 21_845 }]);
    });

    it('are refused where it does not exist, after what is wrong with the weights alone', async () => {
      const { roles, act } = here();
      const [, validator] = roles.validators;
      expect(await act.outcome(weights(1, [0, 1], [1, 1]), validator)).toBe('MechanismDoesNotExist');
      expect(['WeightVecNotEqualSize', 'InvalidInput']).toContain(await act.outcome(weights(15, [0], [1, 1]), validator));
      expect(await act.outcome(weights(0, [0, 0], [1, 1]), validator)).toBe('DuplicateUids');
      expect(await act.outcome(weights(0, [0, 1], [1, 1]), roles.unpermitted)).toBe('NeuronNoValidatorPermit');
      expect(await rowOf(validator)).toBeUndefined();
    });
  });

  group('hidden weights for a mechanism', { create, rules: { commitReveal: true } }, (here) => {
    it('are not taken in the open', async () => {
      const { roles, act, netuid } = here();
      const call: Call = { kind: 'setMechanismWeights', netuid, mecid: 0, uids: [0, 1], weights: [1, 1], versionKey: 0 };
      expect(await act.outcome(call, roles.validators[0])).toBe('CommitRevealEnabled');
    });
  });
}
