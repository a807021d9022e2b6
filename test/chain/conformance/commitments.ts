import { expect, it } from 'vitest';
import type { Call, CommitmentField, Signer } from '../../../genki/chain/chain.ts';
import { group } from './group.ts';
import type { CreateNetwork } from './network.ts';

export function commitmentsConformance(create: CreateNetwork): void {
  group('commitments', { create }, (here) => {
    const commit = (...fields: CommitmentField[]): Call => ({ kind: 'setCommitment', netuid: here().netuid, fields });
    const raw = (data: string): CommitmentField => ({ kind: 'raw', data });
    const newest = async () => {
      const { chain, netuid } = here();
      return chain.commitments(netuid, (await chain.head()).hash);
    };
    const of = async ({ hotkey }: Signer) => (await newest()).find((commitment) => commitment.hotkey === hotkey);

    it('come in the order of block and place in it, the newest of each hotkey', async () => {
      const { roles, act } = here();
      const [a, b] = roles.miners;
      const first = await act.landed(commit(raw('0a')), a);
      const together = [await act.send(commit(raw('0b')), b), await act.send(commit(raw('0c')), roles.validators[0])];
      const places = [await act.settled(together[0]!), await act.settled(together[1]!)];
      const later = await act.landed(commit(raw('0d')), a);
      expect(later.number).toBeGreaterThan(first.number);
      const order = (await newest()).map(({ block, indexInBlock, hotkey }) => ({ block, indexInBlock, hotkey }));
      expect(order).toEqual([
        ...places.map((place, i) => ({ block: place.kind === 'included' ? place.block.number : -1, indexInBlock: place.kind === 'included' ? place.index : -1, hotkey: [b, roles.validators[0]][i]!.hotkey })),
        { block: later.number, indexInBlock: expect.any(Number) as number, hotkey: a.hotkey },
      ]);
      expect(await of(a)).toMatchObject({ data: '0d' });
    });

    it('keep one to three fields of every kind, byte for byte', async () => {
      const { roles, act } = here();
      const hash = (byte: string): string => byte.repeat(32);
      const records: CommitmentField[][] = [
        [raw('')],
        [raw('ab'.repeat(128))],
        [{ kind: 'bigRaw', data: 'cd'.repeat(512) }],
        [{ kind: 'blake2b256', data: hash('01') }, { kind: 'sha256', data: hash('02') }, raw('03')],
        [{ kind: 'keccak256', data: hash('04') }, { kind: 'sha3-256', data: hash('05') }],
      ];
      for (const fields of records) {
        await act.landed(commit(...fields), roles.miners[1]);
        expect(await of(roles.miners[1])).toMatchObject({ fields, data: fields.find(({ kind }) => kind === 'raw')?.data ?? '' });
      }
    });

    it.each<[string, CommitmentField[]]>([
      ['raw field of 129 bytes', [{ kind: 'raw', data: '00'.repeat(129) }]],
      ['big field of 513 bytes', [{ kind: 'bigRaw', data: '00'.repeat(513) }]],
      ['hash of 31 bytes', [{ kind: 'sha256', data: '00'.repeat(31) }]],
      ['hash of 33 bytes', [{ kind: 'blake2b256', data: '00'.repeat(33) }]],
      ['fourth field', Array.from({ length: 4 }, () => ({ kind: 'raw', data: '00' }) as const)],
      ['record without fields', []],
      ['byte that is no hex', [{ kind: 'raw', data: 'zz' }]],
    ])('refuse a %s before any block', async (_, fields) => {
      const { roles, act } = here();
      const before = await act.subnet();
      const error: unknown = await act.send(commit(...fields), roles.miners[0]).then(() => undefined, (reason: unknown) => reason);
      expect(['InvalidInput', 'ExtrinsicRefused']).toContain((error as Error | undefined)?.name);
      expect((await act.subnet()).epoch).toBe(before.epoch);
    });

    it('are for the registered only', async () => {
      const { roles, act } = here();
      expect(await act.outcome(commit(raw('01')), roles.stranger)).toBe('AccountNotAllowedCommit');
    });

    it('have a budget for each epoch', async () => {
      const { roles, act } = here();
      const { epoch } = await act.subnet();
      await act.epoch(epoch + 1);
      const big = commit({ kind: 'bigRaw', data: 'ee'.repeat(512) }, { kind: 'bigRaw', data: 'ee'.repeat(512) }, { kind: 'bigRaw', data: 'ee'.repeat(512) });
      // 2 · 1536 of 3100 bytes; the least that a commitment costs is 100
      const sent = [await act.send(big, roles.validators[1]), await act.send(big, roles.validators[1]), await act.send(commit(raw('00')), roles.validators[1])];
      const landings = [];
      for (const one of sent) landings.push(await act.settled(one));
      expect(landings).toMatchObject([{ kind: 'included' }, { kind: 'included' }, { kind: 'failed', code: 'SpaceLimitExceeded' }]);
      expect((await act.subnet()).epoch).toBe(epoch + 1);
      await act.epoch(epoch + 2);
      expect(await act.outcome(commit(raw('00')), roles.validators[1])).toBe('included');
    });
  });
}
