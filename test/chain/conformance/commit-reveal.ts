import { expect, it } from 'vitest';
import type { Call, Signer } from '../../../genki/chain/chain.ts';
import { timelockedWeights, weightsCommitHash, type WeightsSecret } from '../../../genki/chain/weights-commit.ts';
import { group, type Group } from './group.ts';
import type { CreateNetwork } from './network.ts';

const row = { uids: [0, 1], weights: [1, 2], versionKey: 0 } as const;
const STORED = [{ uid: 0, weight: 32_768 }, { uid: 1, weight: 65_535 }];

export function commitRevealConformance(create: CreateNetwork): void {
  group('hidden weights', { create, rules: { commitReveal: true, tempo: 10, weightsRateLimit: 0 } }, (here) => {
    const secretOf = ({ hotkey }: Signer, salt: number): WeightsSecret => ({ ...row, hotkey, netuid: here().netuid, salt: [salt, 65_535] });
    const commit = (secret: WeightsSecret): Call => ({ kind: 'commitWeights', netuid: here().netuid, hash: weightsCommitHash(secret) });
    const reveal = ({ netuid, uids, weights, salt, versionKey }: WeightsSecret): Call => ({ kind: 'revealWeights', netuid, uids, weights, salt, versionKey });

    it('are shown in the epoch after their commit, and not before, after or twice', async () => {
      const { roles, act, chain, netuid } = here();
      const [validator] = roles.validators;
      const secret = secretOf(validator, 1);
      expect(await act.outcome({ kind: 'setWeights', netuid, ...row }, validator)).toBe('CommitRevealEnabled');
      expect(await act.outcome(reveal(secret), validator)).toBe('NoWeightsCommitFound');

      const { epoch: before } = await act.subnet();
      const start = await act.epoch(before + 1);
      const block = await act.landed(commit(secret), validator);
      const known = await chain.weightCommits(netuid, (await chain.head()).hash);
      expect(known).toEqual([{ hotkey: validator.hotkey, kind: 'hash', hash: weightsCommitHash(secret), block: block.number, epoch: start.epoch }]);
      expect(await act.outcome(reveal(secret), validator)).toBe('RevealTooEarly');
      expect(await rowOf(here(), validator)).toBeUndefined();

      await act.epoch(start.epoch + 1);
      const other = await act.outcome(reveal({ ...secret, weights: [2, 1] }), validator);
      expect(['InvalidRevealCommitHashNotMatch', 'NoWeightsCommitFound']).toContain(other);
      expect(await act.outcome(reveal(secret), validator)).toBe('included');
      expect(await rowOf(here(), validator)).toEqual(STORED);
      expect(await chain.weightCommits(netuid, (await chain.head()).hash)).toEqual([]);
      expect(await act.outcome(reveal(secret), validator)).toBe('NoWeightsCommitFound');
    });

    it('are lost when their epoch passes', async () => {
      const { roles, act, chain, netuid } = here();
      const validator = roles.validators[1];
      const secret = secretOf(validator, 2);
      await act.landed(commit(secret), validator);
      const { epoch } = (await chain.weightCommits(netuid, (await chain.head()).hash)).find(({ hotkey }) => hotkey === validator.hotkey)!;
      await act.epoch(epoch + 2);
      // a pool knows only that now is not the time
      expect(['ExpiredWeightCommit', 'RevealTooEarly']).toContain(await act.outcome(reveal(secret), validator));
      expect(await rowOf(here(), validator)).toBeUndefined();
    });

    it('wait, ten of a hotkey at most', async () => {
      const { roles, act } = here();
      const { epoch } = await act.subnet();
      await act.epoch(epoch + 1);
      const sent = [];
      for (let salt = 10; salt < 21; salt++) sent.push(await act.send(commit(secretOf(roles.validators[1], salt)), roles.validators[1]));
      const codes = [];
      for (const one of sent) {
        const landing = await act.settled(one);
        codes.push(landing.kind === 'failed' ? landing.code : landing.kind);
      }
      expect(codes).toEqual([...Array.from({ length: 10 }, () => 'included'), 'TooManyUnrevealedCommits']);
    });
  });

  group('hidden weights in the open', { create }, (here) => {
    it('are neither committed nor revealed', async () => {
      const { roles, act, netuid } = here();
      const secret: WeightsSecret = { ...row, hotkey: roles.validators[0].hotkey, netuid, salt: [1] };
      expect(await act.outcome({ kind: 'commitWeights', netuid, hash: weightsCommitHash(secret) }, roles.validators[0])).toBe('CommitRevealDisabled');
    });
  });

  group('timelocked weights', { create, rules: { commitReveal: true, beacon: true, tempo: 8, weightsRateLimit: 0 } }, (here) => {
    const SEED = new Uint8Array(32).fill(3);
    const commit = async (signer: Signer, blocks: number, change: { version?: number; round?: number } = {}): Promise<Call> => {
      const { chain, netuid, network } = here();
      const { hash } = await chain.head();
      const [beacon, { commitReveal }] = [(await chain.beacon(hash))!, await chain.hyperparameters(netuid, hash)];
      const revealRound = change.round ?? (await network.roundIn!(blocks));
      const bytes = timelockedWeights({ hotkey: signer.hotkey, ...row }, { publicKey: beacon.publicKey, round: revealRound }, SEED);
      return { kind: 'commitTimelockedWeights', netuid, commit: bytes, revealRound, version: change.version ?? commitReveal.version };
    };

    it('show themselves in their epoch, once the beacon has spoken', async ({ skip }) => {
      const { roles, act, chain, netuid, network } = here();
      if (!network.roundIn) return skip();
      const [validator] = roles.validators;
      const { epoch: before } = await act.subnet();
      const start = await act.epoch(before + 1);
      const block = await act.landed(await commit(validator, 5), validator);
      const [known, ...others] = await chain.weightCommits(netuid, (await chain.head()).hash);
      expect(others).toEqual([]);
      expect(known).toMatchObject({ hotkey: validator.hotkey, kind: 'timelocked', block: block.number, epoch: start.epoch });
      expect(await rowOf(here(), validator)).toBeUndefined();
      await act.epoch(start.epoch + 1);
      await network.waitBlocks(2);
      expect(await rowOf(here(), validator)).toEqual(STORED);
      expect(await chain.weightCommits(netuid, (await chain.head()).hash)).toEqual([]);
    });

    it('name a version and a round to come', async ({ skip }) => {
      const { roles, act, network } = here();
      if (!network.roundIn) return skip();
      const [, validator] = roles.validators;
      expect(await act.outcome(await commit(validator, 3, { version: 1 }), validator)).toBe('IncorrectCommitRevealVersion');
      expect(await act.outcome(await commit(validator, 0, { round: 1 }), validator)).toBe('InvalidRevealRound');
    });
  });
}

async function rowOf({ chain, netuid }: Group, { hotkey }: Signer): Promise<unknown> {
  return (await chain.weights(netuid, (await chain.head()).hash)).find((one) => one.hotkey === hotkey)?.weights;
}
