import { describe, expect, it } from 'vitest';
import type { Call } from '../../../../genki/chain/chain.ts';
import { authorBeacon } from '../../../../genki/chain/local/block.ts';
import type { Genesis } from '../../../../genki/chain/local/genesis.ts';
import { publishPulse } from '../../../../genki/chain/local/timelocked-reveals.ts';
import { beaconOf, weightCommitsOf } from '../../../../genki/chain/local/views.ts';
import { timelockedWeights, weightsCommitHash } from '../../../../genki/chain/weights-commit.ts';
import { miner, registration, secret, setWeights, stranger, validator } from '../support.ts';
import { Subnet } from './subnet.ts';

const hidden = (settings: Partial<Genesis> = {}): Subnet =>
  new Subnet({ commitReveal: { enabled: true, periodEpochs: 1, version: 4 }, weightsRateLimit: 0, ...settings });

const row = { uids: [0, 1], weights: [300, 100], versionKey: 0 };
const hashed = (salt: number, { hotkey } = validator as { hotkey: string }): Call => ({ kind: 'commitWeights', netuid: 1, hash: weightsCommitHash({ hotkey, netuid: 1, ...row, salt: [salt] }) });
const reveal = (salt: number): Call => ({ kind: 'revealWeights', netuid: 1, ...row, salt: [salt] });

describe('under commit-reveal', () => {
  it('no weights are set in the open, whatever else is wrong with them', () => {
    expect(hidden().block().call(stranger, setWeights([1], [1, 2], { netuid: 0 }))).toBe('CommitRevealEnabled');
  });
});

describe('a hash commit', () => {
  it('is revealed in the epoch after its own, and counts as an update when it was made', () => {
    const subnet = hidden({ weightsRateLimit: 20 });
    expect(subnet.block(3).call(validator, hashed(7))).toBeUndefined();
    expect(subnet.neuron(validator)).toMatchObject({ lastUpdate: 3, weights: [] });
    expect(weightCommitsOf(subnet.state)).toMatchObject([{ hotkey: validator.hotkey, kind: 'hash', block: 3, epoch: 0 }]);
    expect(subnet.block(9).call(validator, reveal(7))).toBe('RevealTooEarly');
    expect(subnet.block(10).call(validator, reveal(7))).toBeUndefined();
    expect(subnet.neuron(validator)).toMatchObject({ lastUpdate: 3, weights: [[0, 65535], [1, 21845]] });
    expect(subnet.call(validator, reveal(7))).toBe('NoWeightsCommitFound');
  });

  it('takes the older ones with it when revealed', () => {
    const subnet = hidden().block();
    for (const salt of [1, 2, 3]) subnet.call(validator, hashed(salt));
    subnet.block(10).call(validator, reveal(2));
    expect(subnet.call(validator, reveal(1))).toBe('InvalidRevealCommitHashNotMatch');
    expect(subnet.call(validator, reveal(3))).toBeUndefined();
  });

  it('expires with the epoch after its own', () => {
    const subnet = hidden();
    subnet.block().call(validator, hashed(7));
    expect(subnet.block(20).call(validator, reveal(7))).toBe('ExpiredWeightCommit');
    subnet.call(validator, hashed(8));
    expect(subnet.call(validator, reveal(7))).toBe('InvalidRevealCommitHashNotMatch');
    expect(subnet.account(validator).hashCommits).toHaveLength(1);
  });

  it('waits as many epochs as the subnet says', () => {
    const subnet = hidden({ commitReveal: { enabled: true, periodEpochs: 3, version: 4 } });
    subnet.block().call(validator, hashed(7));
    expect(subnet.block(29).call(validator, reveal(7))).toBe('RevealTooEarly');
    expect(subnet.block(39).call(validator, reveal(7))).toBeUndefined();
  });

  it('goes by the index where the schedule is stateless', () => {
    const subnet = hidden({ schedule: 'stateless' });
    subnet.block(3).call(validator, hashed(7));
    expect(subnet.block(8).state.lastEpochBlock).toBe(8);
    expect(subnet.call(validator, reveal(7))).toBe('RevealTooEarly');
    expect(subnet.block(19).precheck(validator, reveal(7))).toBe('RevealTooEarly');
    expect(subnet.call(validator, reveal(7))).toBeUndefined();
  });

  it('stays when its weights are refused', () => {
    const subnet = hidden({ versionKey: 5 });
    subnet.block().call(validator, hashed(7));
    expect(subnet.block(10).call(validator, reveal(7))).toBe('IncorrectWeightVersionKey');
    expect(subnet.account(validator).hashCommits).toHaveLength(1);
  });

  it('fails by name', () => {
    const subnet = hidden({ weightsRateLimit: 3 });
    subnet.block();
    expect(subnet.call(stranger, { kind: 'commitWeights', netuid: 2, hash: `0x${'0'.repeat(64)}` })).toBe('MechanismDoesNotExist');
    expect(subnet.call(stranger, hashed(1))).toBe('HotKeyNotRegisteredInSubNet');
    expect(subnet.call(validator, hashed(1))).toBeUndefined();
    expect(subnet.block(3).call(validator, hashed(2))).toBe('CommittingWeightsTooFast');
    expect(subnet.call(stranger, reveal(1))).toBe('NoWeightsCommitFound');
    expect(subnet.call(validator, reveal(2))).toBe('InvalidRevealCommitHashNotMatch');
    const open = new Subnet().block();
    expect([open.call(stranger, hashed(1)), open.call(stranger, reveal(1))]).toEqual(['CommitRevealDisabled', 'CommitRevealDisabled']);
  });

  it('is one of ten at most', () => {
    const subnet = hidden().block();
    const codes = Array.from({ length: 11 }, (_, salt) => subnet.call(validator, hashed(salt)));
    expect(codes).toEqual([...Array.from({ length: 10 }, () => undefined), 'TooManyUnrevealedCommits']);
    expect(subnet.block(20).call(validator, hashed(11))).toBeUndefined();
  });

  it('is refused by the pool without stake, too soon, or without its commit', () => {
    const subnet = hidden({ weightsRateLimit: 3 });
    subnet.block().call(validator, hashed(1));
    expect(subnet.precheck(miner, hashed(1, miner))).toBe('NotEnoughStakeToSetWeights');
    expect(subnet.precheck(validator, hashed(2))).toBe('CommittingWeightsTooFast');
    expect(subnet.precheck(validator, reveal(2))).toBe('NoWeightsCommitFound');
    expect(subnet.precheck(validator, reveal(1))).toBe('RevealTooEarly');
    // the next block begins with the epoch
    expect(subnet.block(9).precheck(validator, reveal(1))).toBeUndefined();
    expect(subnet.block(19).precheck(validator, reveal(1))).toBe('RevealTooEarly');
  });
});

describe('a timelocked commit', () => {
  const beacon = authorBeacon(secret);
  const seed = new Uint8Array(32).fill(1);
  const locked = (round: number, change: { hotkey?: string; uids?: number[] } = {}): Extract<Call, { kind: 'commitTimelockedWeights' }> => ({
    kind: 'commitTimelockedWeights',
    netuid: 1,
    commit: timelockedWeights({ hotkey: validator.hotkey, ...row, ...change }, { ...beacon, round }, seed),
    revealRound: round,
    version: 4,
  });

  /** Where nobody will open it. */
  const noise = (round: number): ReturnType<typeof locked> => ({ kind: 'commitTimelockedWeights', netuid: 1, commit: '00ff', revealRound: round, version: 4 });

  it('is revealed by the chain before the epoch that ends its own', () => {
    const subnet = hidden({ beacon, tempo: 4 }).block();
    expect(subnet.call(validator, locked(4))).toBeUndefined();
    expect(weightCommitsOf(subnet.block(3).state)).toMatchObject([{ kind: 'timelocked', hotkey: validator.hotkey, block: 1, epoch: 0 }]);
    expect(subnet.neuron(validator).weights).toEqual([]);
    subnet.block();
    expect(subnet.neuron(validator)).toMatchObject({ weights: [[0, 65535], [1, 21845]], lastUpdate: 1 });
    expect(subnet.neuron(miner).incentive).toBe(65535);
    expect(weightCommitsOf(subnet.state)).toEqual([]);
    expect(beaconOf(subnet.state, subnet.genesis)).toEqual({ ...beacon, round: 4 });
  });

  it('is tried again while its pulse is missing, until its epoch is over', () => {
    const subnet = hidden({ beacon, tempo: 4 }).block();
    subnet.call(validator, locked(6));
    subnet.call(miner, noise(8));
    expect(subnet.block(5).neuron(validator).weights).toEqual([]);
    expect(subnet.block().neuron(validator).weights).toHaveLength(2);
    expect(subnet.block().state.timelocked).toHaveLength(1);
    expect(subnet.block().state.timelocked).toHaveLength(0);
    expect(subnet.neuron(miner).weights).toEqual([]);
  });

  it('may name a round that is out when it is included', () => {
    const subnet = hidden({ beacon, tempo: 4 }).block(3);
    expect(subnet.call(validator, locked(2))).toBeUndefined();
    expect(subnet.block().neuron(validator).weights).toHaveLength(2);
  });

  it("is dropped without harm when it is noise, another hotkey's, or refused by the runtime", () => {
    const subnet = hidden({ beacon, tempo: 4 }).block();
    for (const call of [noise(4), { ...noise(4), commit: '' }, locked(4, miner), { ...locked(3), revealRound: 4 }, locked(4, { uids: [0, 9] })]) {
      expect(subnet.call(validator, call)).toBeUndefined();
    }
    subnet.block(4);
    expect(subnet.neuron(validator).weights).toEqual([]);
    expect(subnet.state).toMatchObject({ timelocked: [], epoch: 1 });
  });

  it('finds its pulse however long ago it was published', () => {
    const subnet = hidden();
    subnet.block().call(validator, noise(3));
    let { state } = subnet;
    for (let round = 1; round <= 200; round++) state = publishPulse(state, round, '00');
    const rounds = state.pulses.map((pulse) => pulse.round);
    expect([rounds[0], rounds[1], rounds.at(-1), rounds.length]).toEqual([3, 137, 200, 65]);
  });

  it('fails by name', () => {
    const call = noise(9);
    expect(new Subnet().block().call(stranger, { ...call, version: 3 })).toBe('CommitRevealDisabled');
    const subnet = hidden({ weightsRateLimit: 3 }).block();
    expect(subnet.call(stranger, { ...call, netuid: 2, version: 3 })).toBe('MechanismDoesNotExist');
    expect(subnet.call(stranger, { ...call, version: 3 })).toBe('IncorrectCommitRevealVersion');
    expect(subnet.call(stranger, call)).toBe('HotKeyNotRegisteredInSubNet');
    expect(subnet.call(validator, call)).toBeUndefined();
    expect(subnet.call(validator, call)).toBe('CommittingWeightsTooFast');
    const free = hidden().block();
    expect(Array.from({ length: 11 }, () => free.call(validator, call)).at(-1)).toBe('TooManyUnrevealedCommits');
    expect(free.block(10).call(validator, call)).toBeUndefined();
  });

  it('is refused by the pool for a round that was published before the newest', () => {
    const subnet = hidden({ beacon }).block(3);
    expect(subnet.precheck(validator, noise(2))).toBe('InvalidRevealRound');
    expect(subnet.precheck(validator, noise(3))).toBeUndefined();
    expect(subnet.precheck(miner, noise(2))).toBe('NotEnoughStakeToSetWeights');
  });
});

describe('the epoch under commit-reveal', () => {
  /** Weights of epoch 0 name a uid that is taken only later, and are revealed in epoch 2. */
  const newcomersIncentive = (hidesSince?: number): number => {
    const subnet = hidden({ commitReveal: { enabled: true, periodEpochs: 2, version: 4 } });
    const guess = { ...row, uids: [0, 2] };
    subnet.block(3).call(validator, { kind: 'commitWeights', netuid: 1, hash: weightsCommitHash({ hotkey: validator.hotkey, netuid: 1, ...guess, salt: [1] }) });
    if (hidesSince) subnet.block(hidesSince).call(validator, hashed(2));
    subnet.block(14).call(stranger, registration(stranger.hotkey));
    subnet.block(16).call(validator, hashed(3));
    expect(subnet.block(25).call(validator, { kind: 'revealWeights', netuid: 1, ...guess, salt: [1] })).toBeUndefined();
    return subnet.block(30).neuron(stranger).incentive;
  };

  it('leaves out what a row says of neurons newer than the oldest commit its hotkey still hides', () => {
    expect(newcomersIncentive()).toBe(65535);
    expect(newcomersIncentive(14)).toBe(65535);
    expect(newcomersIncentive(13)).toBe(0);
  });
});
