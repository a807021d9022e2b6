import { describe, expect, it } from 'vitest';
import type { Call, CommitmentField } from '../../../../genki/chain/chain.ts';
import { encodeHotkey } from '../../../../genki/chain/keys.ts';
import type { Genesis } from '../../../../genki/chain/local/genesis.ts';
import { applyExtrinsic, beginBlock } from '../../../../genki/chain/local/runtime.ts';
import { accountOf, genesisState, type State } from '../../../../genki/chain/local/state.ts';
import { weightsCommitHash } from '../../../../genki/chain/weights-commit.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { genesis } from '../support.ts';

const KEYS = Array.from({ length: 14 }, (_, i) => encodeHotkey(new Uint8Array(32).fill(i + 1)));
const OWNER = KEYS[0]!;
const COLDKEYS = KEYS.slice(10);
const CALLS = 1000;

type Kind = { readonly schedule: Genesis['schedule']; readonly enabled: boolean };
const KINDS: readonly Kind[] = (['stateful', 'stateless'] as const).flatMap((schedule) => [false, true].map((enabled) => ({ schedule, enabled })));

const settings = (random: Random, { schedule, enabled }: Kind): Partial<Genesis> => ({
  owner: OWNER,
  tempo: 2 + random.int(8),
  schedule,
  maxNeurons: 8,
  maxValidators: 1 + random.int(4),
  immunityPeriod: random.int(20),
  minNonImmuneNeurons: random.int(4),
  weightsRateLimit: random.int(3),
  commitmentSpace: 700,
  commitReveal: { enabled, periodEpochs: 1 + random.int(2), version: 4 },
  burn: { price: '1000', min: '500', max: '100000', halfLife: 5, increasePpm: 1_260_000 },
  transactionFee: '10',
  balances: COLDKEYS.map((account) => ({ account, balance: '200000' })),
  neurons: KEYS.slice(0, 5).map((hotkey, i) => ({ hotkey, coldkey: COLDKEYS[i % 2]!, stake: String(1_000_000_000 * i), validatorPermit: i > 2 })),
});

const ROWS = [[0, 1], [2], [4, 3, 1], [0, 1, 2, 3, 4], [4, 4], [90]].map((uids) => ({ uids, weights: uids.map((uid) => uid * 5000), versionKey: 0 }));
const FIELDS: readonly CommitmentField[] = [{ kind: 'raw', data: '00'.repeat(130) }, { kind: 'raw', data: '' }, { kind: 'bigRaw', data: '00'.repeat(400) }, { kind: 'sha256', data: '00'.repeat(32) }];
/** What a hotkey commits to; hashed once, since it takes longer than all the rest. */
const SECRETS = new Map(KEYS.map((hotkey, i) => [hotkey, { netuid: 1, ...ROWS[i % 4]!, salt: [i] }]));
const HASHES = new Map([...SECRETS].map(([hotkey, secret]) => [hotkey, weightsCommitHash({ hotkey, ...secret })]));

/** A call that often makes sense. */
function randomCall(random: Random, signer: string): Call {
  const netuid = random.chance(0.98) ? 1 : random.int(3);
  const calls: (() => Call)[] = [
    () => ({ kind: 'setCommitment', netuid, fields: Array.from({ length: 1 + random.int(3) }, () => random.pick(FIELDS)) }),
    () => ({ kind: 'setWeights', netuid, ...random.pick(ROWS) }),
    () => ({ kind: 'commitWeights', netuid, hash: HASHES.get(signer)! }),
    () => ({ kind: 'revealWeights', ...SECRETS.get(signer)!, netuid }),
    () => ({ kind: 'commitTimelockedWeights', netuid, commit: '00ff', revealRound: random.int(300), version: random.chance(0.9) ? 4 : 3 }),
    () => ({ kind: 'register', netuid, hotkey: random.pick(KEYS), limitPrice: random.chance(0.5) ? null : String(random.int(3000)) }),
    () => ({ kind: 'triggerEpoch', netuid }),
  ];
  return random.pick(calls)();
}

/** Every state of a run, after each block's start and each call. */
function run(kind: Kind, visit: (before: State, after: State, rules: Genesis, failed?: { signer: string; call: Call }) => void): { state: State; codes: Map<string, number> } {
  const random = new Random(`runtime laws ${kind.schedule} ${kind.enabled}`);
  const rules = genesis(settings(random, kind));
  const codes = new Map<string, number>();
  let state = genesisState(rules);
  const advance = (next: State, failed?: { signer: string; call: Call }): void => {
    visit(state, next, rules, failed);
    state = next;
  };
  for (let i = 0, index = 0; i < CALLS; i++, index++) {
    if (random.chance(0.3)) advance(beginBlock(state, rules, state.number % 5 === 0 ? null : '00'.repeat(48)));
    const signer = random.pick(KEYS);
    const call = randomCall(random, signer);
    const transaction = { signer: call.kind === 'register' ? random.pick(COLDKEYS) : signer, nonce: 0, call };
    const { nonce, balance } = accountOf(state, transaction.signer);
    if (call.kind === 'register' && balance < 10n) continue;
    const { state: next, outcome } = applyExtrinsic(state, rules, { ...transaction, nonce }, index);
    if (accountOf(next, transaction.signer).nonce !== nonce + 1) expect.unreachable(`nonce of ${call.kind}`);
    codes.set(`${call.kind} ${outcome?.code ?? 'ok'}`, (codes.get(`${call.kind} ${outcome?.code ?? 'ok'}`) ?? 0) + 1);
    advance(next, outcome ? transaction : undefined);
  }
  return { state, codes };
}

/** The first law that a state breaks; undefined when it keeps them all. */
function brokenLaw(state: State, rules: Genesis): string | undefined {
  const { neurons, uids, number, burn } = state;
  const accounts = state.accounts.entries().map(([, account]) => account);
  const supply = rules.balances.reduce((sum, { balance }) => sum + BigInt(balance), 0n);
  const isRow = (row: readonly (readonly [number, number])[]): boolean => row.every(([j, w], at) => j < neurons.length && w >= 0 && w <= 65535 && (at === 0 || row[at - 1]![0] < j));
  const timelockedOf = (hotkey: string, epoch: number): number => state.timelocked.filter((commit) => commit.hotkey === hotkey && commit.epoch === epoch).length;
  const laws: [string, boolean][] = [
    ['each hotkey has one uid, and each uid one hotkey', uids.size === neurons.length && neurons.every(({ hotkey }, uid) => uids.get(hotkey) === uid)],
    ['no more neurons than places', neurons.length <= rules.maxNeurons],
    ['the owner keeps its uid', uids.get(OWNER) === 0],
    ['every neuron has a coldkey', neurons.every(({ hotkey }) => accountOf(state, hotkey).coldkey !== null)],
    ['nobody owes', accounts.every(({ balance }) => balance >= 0n)],
    ['what left the balances was recycled', accounts.reduce((sum, { balance }) => sum + balance, state.recycled) === supply],
    ['the price stays within its bounds', burn >= 500n && burn <= 100_000n],
    ['no budget is overdrawn', accounts.every(({ space }) => space.used <= rules.commitmentSpace && space.epoch <= state.epoch)],
    ['at most ten hashes of a hotkey are open', accounts.every(({ hashCommits }) => hashCommits.length <= 10)],
    ['at most ten timelocks of a hotkey and epoch', state.timelocked.every(({ hotkey, epoch }) => timelockedOf(hotkey, epoch) <= 10)],
    ['rows and bonds are u16 toward neurons, by ascending uid', neurons.every(({ weights, bonds }) => isRow(weights) && isRow(bonds))],
    ['nothing happened in the future', neurons.every(({ registeredAt, lastUpdate }) => registeredAt <= number && lastUpdate <= number) && state.lastEpochBlock <= number],
    ['as many permits as the subnet has, and the owner', neurons.filter(({ validatorPermit }, uid) => validatorPermit && uid !== 0).length <= Math.max(2, rules.maxValidators)],
  ];
  return laws.find(([, holds]) => !holds)?.[0];
}

/** What a failed call changed besides nonce and fee. */
function changedBy(before: State, after: State, { call }: { call: Call }): string | undefined {
  const fee = call.kind === 'register' ? 10n : 0n;
  const { accounts: _, ...kept } = before;
  const wanted = { ...kept, recycled: before.recycled + fee };
  return Object.entries(wanted).find(([key, value]) => after[key as keyof State] !== value)?.[0];
}

const textOf = ({ accounts, uids, ...rest }: State): string =>
  JSON.stringify([rest, [...uids], accounts.entries()], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));

describe('a subnet under random calls', () => {
  const seen = new Map<string, number>();

  it.each(KINDS)('keeps its laws, $schedule, commit-reveal $enabled', (kind) => {
    const { codes } = run(kind, (before, after, rules, failed) => {
      const broken = failed ? changedBy(before, after, failed) : brokenLaw(after, rules);
      if (broken) expect.unreachable(`${broken}, in block ${after.number}`);
    });
    for (const [code, times] of codes) seen.set(code, (seen.get(code) ?? 0) + times);
  });

  it('has been everywhere', () => {
    const often = ['setCommitment ok', 'setWeights ok', 'commitWeights ok', 'revealWeights ok', 'commitTimelockedWeights ok', 'register ok', 'triggerEpoch ok', 'setCommitment SpaceLimitExceeded', 'register NonAssociatedColdKey', 'register RegistrationPriceLimitExceeded', 'revealWeights RevealTooEarly', 'revealWeights ExpiredWeightCommit'];
    expect(often.filter((code) => (seen.get(code) ?? 0) < 3)).toEqual([]);
  });

  it('comes to the same state from the same calls', () => {
    const again = (): string => textOf(run(KINDS[1]!, () => undefined).state);
    expect(again()).toBe(again());
  });
});
