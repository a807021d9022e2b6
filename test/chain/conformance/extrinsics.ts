import { expect, it } from 'vitest';
import type { Call } from '../../../genki/chain/chain.ts';
import { group } from './group.ts';
import type { CreateNetwork } from './network.ts';

export function extrinsicsConformance(create: CreateNetwork): void {
  group('extrinsics', { create }, (here) => {
    const commit = (data: string): Call => ({ kind: 'setCommitment', netuid: here().netuid, fields: [{ kind: 'raw', data }] });

    it('land once, however often the same bytes are sent', async () => {
      const { roles, act, chain, network } = here();
      const [miner] = roles.miners;
      const extrinsic = await act.send(commit('01'), miner);
      await chain.broadcast(extrinsic);
      expect(await chain.landing(extrinsic)).toEqual({ kind: 'pending' });
      const landing = await act.settled(extrinsic);
      expect(landing).toMatchObject({ kind: 'included' });
      await chain.broadcast(extrinsic).catch(() => undefined);
      await network.waitBlocks(4);
      expect(await chain.landing(extrinsic)).toEqual(landing);
      expect((await chain.prepare(commit('02'), miner)).nonce).toBe(extrinsic.nonce + 1);
    });

    it('follow each other by nonce, several in a block', async () => {
      const { roles, act } = here();
      const sent = [await act.send(commit('03'), roles.miners[0]), await act.send(commit('04'), roles.miners[0]), await act.send(commit('05'), roles.miners[0])];
      expect(sent.map(({ nonce }) => nonce - sent[0]!.nonce)).toEqual([0, 1, 2]);
      for (const one of sent) expect((await act.settled(one)).kind).toBe('included');
    });

    it('with a nonce that another one took never land', async () => {
      const { roles, act, chain } = here();
      const [, miner] = roles.miners;
      const [first, second] = [await chain.prepare(commit('06'), miner), await chain.prepare(commit('07'), miner)];
      expect(second.nonce).toBe(first.nonce);
      await chain.broadcast(first);
      await expect(chain.broadcast(second)).rejects.toMatchObject({ name: 'ExtrinsicRefused', code: 'TooLowPriority' });
      expect((await act.settled(first)).kind).toBe('included');
      await expect(chain.broadcast(second)).rejects.toMatchObject({ name: 'ExtrinsicRefused', code: 'Stale' });
      expect(await chain.landing(second)).toEqual({ kind: 'nonceTaken' });
    });

    it('that fail say so, with their place and the name of the error, and use up their nonce', async () => {
      const { roles, act, chain } = here();
      const extrinsic = await act.send(commit('08'), roles.stranger);
      const landing = await act.settled(extrinsic);
      expect(landing).toMatchObject({ kind: 'failed', code: 'AccountNotAllowedCommit', message: expect.any(String) as string });
      expect(landing.kind === 'failed' && (await chain.blockHash(landing.block.number))).toBe(landing.kind === 'failed' && landing.block.hash);
      expect((await chain.prepare(commit('08'), roles.stranger)).nonce).toBe(extrinsic.nonce + 1);
    });

    it('that were not sent in time can never land', async () => {
      const { roles, act, chain } = here();
      const extrinsic = await chain.prepare(commit('09'), roles.miners[0]);
      expect(extrinsic.diesAt).toBeGreaterThan(extrinsic.bornAt);
      expect(await chain.landing(extrinsic)).toEqual({ kind: 'pending' });
      await act.final(extrinsic.diesAt);
      expect(await chain.landing(extrinsic)).toEqual({ kind: 'expired' });
      const error: unknown = await chain.broadcast(extrinsic).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'ExtrinsicRefused' });
      expect(['AncientBirthBlock', 'BadProof']).toContain((error as { code: string }).code);
    });

    it('signed for somebody else, or changed on the way, are refused', async () => {
      const { roles, chain } = here();
      const [thief, victim] = roles.miners;
      const forged = await chain.prepare(commit('0a'), { hotkey: victim.hotkey, sign: (message) => thief.sign(message) });
      await expect(chain.broadcast(forged)).rejects.toMatchObject({ name: 'ExtrinsicRefused', code: 'BadProof' });
      const honest = await chain.prepare(commit('0b'), victim);
      const changed = { ...honest, hex: `${honest.hex.slice(0, -2)}0c` };
      await expect(chain.broadcast(changed)).rejects.toMatchObject({ name: 'ExtrinsicRefused', code: 'BadProof' });
      await expect(chain.broadcast({ ...honest, hex: 'ff00' })).rejects.toMatchObject({ name: 'ExtrinsicRefused', code: 'BadFormat' });
    });
  });

  group('a reorganisation', { create }, (here) => {
    it('leaves what it drops pending, until another block takes it', async ({ skip }) => {
      const { roles, act, chain, netuid, network } = here();
      if (!network.reorganise) return skip();
      await network.waitBlocks(3);
      const before = await chain.head();
      const extrinsic = await act.send({ kind: 'setCommitment', netuid, fields: [{ kind: 'raw', data: '0d' }] }, roles.miners[0]);
      await network.waitBlocks(1);
      const dropped = await network.bestHash?.();
      await network.reorganise(1);
      expect(await chain.landing(extrinsic)).toEqual({ kind: 'pending' });
      expect((await chain.head()).number).toBeGreaterThanOrEqual(before.number);
      expect(await chain.blockHash(before.number)).toBe(before.hash);
      await chain.broadcast(extrinsic);
      const landing = await act.settled(extrinsic);
      expect(landing.kind).toBe('included');
      if (dropped === undefined || landing.kind !== 'included') return;
      expect(landing.block.hash).not.toBe(dropped);
      await expect(chain.metagraph(netuid, dropped)).rejects.toMatchObject({ name: 'ChainUnavailable' });
    });
  });
}
