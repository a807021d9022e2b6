import { describe, expect, it } from 'vitest';
import { nextEpochBlock } from '../../../../genki/chain/local/schedule.ts';
import { metagraphOf } from '../../../../genki/chain/local/views.ts';
import { miner, owner, validator, commit } from '../support.ts';
import { Subnet } from './subnet.ts';

const trigger = { kind: 'triggerEpoch', netuid: 1 } as const;

/** Blocks up to `last` in which an epoch ran. */
function epochBlocks(subnet: Subnet, last: number): number[] {
  const ran: number[] = [];
  while (subnet.state.number < last) if (subnet.block().state.lastEpochBlock === subnet.state.number) ran.push(subnet.state.number);
  return ran;
}
const viewOf = ({ state, genesis }: Subnet): { epoch: number; epochStart: number; nextEpoch: number } => {
  const { epoch, epochStart, nextEpoch } = metagraphOf(state, genesis, { number: state.number, hash: '0x' });
  return { epoch, epochStart, nextEpoch };
};

describe('the stateful schedule', () => {
  it('runs an epoch every tempo and counts them', () => {
    const subnet = new Subnet({ tempo: 10 });
    expect(epochBlocks(subnet, 35)).toEqual([10, 20, 30]);
    expect(viewOf(subnet)).toEqual({ epoch: 3, epochStart: 30, nextEpoch: 40 });
  });

  it("runs the owner's epoch after the freeze window, and the next a tempo after that", () => {
    const subnet = new Subnet({ tempo: 10, adminFreezeWindow: 3 });
    expect(subnet.block(5).call(owner, trigger)).toBeUndefined();
    expect(viewOf(subnet).nextEpoch).toBe(8);
    expect(epochBlocks(subnet, 20)).toEqual([8, 18]);
  });

  it('refuses a trigger by name', () => {
    const subnet = new Subnet({ tempo: 10, adminFreezeWindow: 3 });
    expect(subnet.block(5).call(validator, trigger)).toBe('BadOrigin');
    expect(subnet.call(owner, { ...trigger, netuid: 2 })).toBe('SubnetNotExists');
    expect(subnet.call(owner, trigger)).toBeUndefined();
    expect(subnet.call(owner, trigger)).toBe('EpochTriggerAlreadyPending');
    const late = new Subnet({ tempo: 10, adminFreezeWindow: 3 });
    expect(late.block(8).call(owner, trigger)).toBe('AutoEpochAlreadyImminent');
    expect(late.block(17).call(owner, trigger)).toBeUndefined();
    const hidden = new Subnet({ commitReveal: { enabled: true, periodEpochs: 1, version: 4 } });
    expect(hidden.block().call(owner, trigger)).toBe('DynamicTempoBlockedByCommitReveal');
  });
});

describe('the stateless schedule', () => {
  it('runs an epoch every tempo + 1, by the block and the netuid alone', () => {
    // (block + netuid + 1) mod 11 = 10
    expect(epochBlocks(new Subnet({ tempo: 10, schedule: 'stateless' }), 35)).toEqual([8, 19, 30]);
    expect(epochBlocks(new Subnet({ tempo: 10, schedule: 'stateless', netuid: 4 }), 35)).toEqual([5, 16, 27]);
  });

  it('has its index change in the block after', () => {
    const subnet = new Subnet({ tempo: 10, schedule: 'stateless' });
    expect(viewOf(subnet.block(19))).toEqual({ epoch: 1, epochStart: 9, nextEpoch: 30 });
    expect(viewOf(subnet.block())).toEqual({ epoch: 2, epochStart: 20, nextEpoch: 30 });
  });

  it('knows no trigger', () => {
    expect(new Subnet({ schedule: 'stateless' }).block().call(owner, trigger)).toBe('CallFiltered');
  });

  it("opens the budget of commitments with the index's next value", () => {
    const subnet = new Subnet({ tempo: 10, schedule: 'stateless', commitmentSpace: 100 });
    const codes = Array.from({ length: 10 }, () => subnet.block().call(miner, commit('aa')) ?? 'ok');
    expect(codes.join(' ')).toBe(`ok${' SpaceLimitExceeded'.repeat(7)} ok SpaceLimitExceeded`);
  });
});

describe.each([['stateful'], ['stateless']] as const)('nextEpochBlock, %s', (schedule) => {
  it('names the next block that runs an epoch, at every block and tempo', () => {
    for (const tempo of [1, 2, 7, 20]) {
      const subnet = new Subnet({ tempo, schedule });
      let expected = nextEpochBlock(subnet.state, subnet.genesis);
      for (let number = 1; number <= 60; number++) {
        subnet.block();
        expect(subnet.state.lastEpochBlock === number, `tempo ${tempo}, block ${number}`).toBe(number === expected);
        expected = nextEpochBlock(subnet.state, subnet.genesis);
        expect(expected).toBeGreaterThan(number);
      }
    }
  });
});
