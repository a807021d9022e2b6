import type { Call, Hotkey } from '../chain.ts';
import { maxUpscale } from '../yuma/max-upscale.ts';
import type { Genesis } from './genesis.ts';
import { accountOf, freshNeuron, type State } from './state.ts';

/** The runtime refuses a call; `code` is its own error name. */
export class DispatchError extends Error {
  override readonly name = 'DispatchError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Who calls, and where in which block. */
export type Origin = { readonly signer: Hotkey; readonly index: number };

type SetCommitment = Extract<Call, { kind: 'setCommitment' }>;
type SetWeights = Extract<Call, { kind: 'setWeights' }>;

/**
 * The state after a call, within block `state.number`.
 *
 * @throws {DispatchError} the runtime's first failing check, by its name
 */
export function dispatch(state: State, genesis: Genesis, call: Call, origin: Origin): State {
  switch (call.kind) {
    case 'setCommitment':
      return setCommitment(state, genesis, call, origin);
    case 'setWeights':
      return setWeights(state, genesis, call, origin);
    case 'register':
      return register(state, genesis, call.netuid, origin);
    case 'triggerEpoch':
      return triggerEpoch(state, genesis, call.netuid, origin);
  }
}

/**
 * What the runtime refuses before the pool takes it, for a call in block `state.number`.
 *
 * @throws {DispatchError}
 */
export function precheck(state: State, genesis: Genesis, call: Call, signer: Hotkey): void {
  if (call.kind === 'setCommitment') checkLength(genesis, call);
  if (call.kind === 'setWeights') {
    checkStake(state, genesis, signer);
    checkRateLimit(state, genesis, signer);
  }
}

function setCommitment(state: State, genesis: Genesis, call: SetCommitment, { signer, index }: Origin): State {
  checkLength(genesis, call);
  check(call.netuid === genesis.netuid && state.uids.has(signer), 'AccountNotAllowedCommit', `Expected a hotkey registered in subnet ${call.netuid}`);
  const account = accountOf(state, signer);
  const before = account.space.epoch === state.epoch ? account.space.used : 0;
  const used = before + Math.max(100, call.data.length / 2);
  check(used <= genesis.commitmentSpace, 'SpaceLimitExceeded', `Expected at most ${genesis.commitmentSpace} bytes in an epoch, got ${used}`);
  const commitment = { block: state.number, index, data: call.data };
  return { ...state, accounts: state.accounts.set(signer, { ...account, commitment, space: { epoch: state.epoch, used } }) };
}

/** Checks in the order of the runtime's `do_set_weights`. */
function setWeights(state: State, genesis: Genesis, call: SetWeights, { signer }: Origin): State {
  const { uids, weights } = call;
  const n = state.neurons.length;
  check(call.netuid !== 0, 'CanNotSetRootNetworkWeights', 'The root network takes no weights');
  check(uids.length === weights.length, 'WeightVecNotEqualSize', `Expected as many weights as uids, got ${weights.length} and ${uids.length}`);
  check(call.netuid === genesis.netuid, 'MechanismDoesNotExist', `Expected subnet ${genesis.netuid}, got ${call.netuid}`);
  check(uids.length <= n, 'UidsLengthExceedUidsInSubNet', `Expected at most ${n} uids, got ${uids.length}`);
  const uid = state.uids.get(signer);
  if (uid === undefined) throw new DispatchError('HotKeyNotRegisteredInSubNet', `Expected a hotkey registered in subnet ${call.netuid}`);
  checkStake(state, genesis, signer);
  check(call.versionKey >= genesis.versionKey, 'IncorrectWeightVersionKey', `Expected a version key from ${genesis.versionKey}, got ${call.versionKey}`);
  checkRateLimit(state, genesis, signer);
  const self = uids.length === 1 && uids[0] === uid;
  check(state.neurons[uid]!.validatorPermit || signer === genesis.owner || self, 'NeuronNoValidatorPermit', 'Expected a validator permit');
  check(new Set(uids).size === uids.length, 'DuplicateUids', 'Expected each uid once');
  check(uids.every((j) => j < n), 'UidVecContainInvalidOne', `Expected uids below ${n}`);
  const least = Math.min(genesis.minAllowedWeights, n);
  check(uids.length >= least || self, 'WeightVecLengthIsLow', `Expected at least ${least} weights, got ${uids.length}`);
  const stored = maxUpscale(weights);
  const row = uids.map((j, at) => [j, stored[at]!] as const).sort(([a], [b]) => a - b);
  return { ...state, neurons: state.neurons.with(uid, { ...state.neurons[uid]!, weights: row, lastUpdate: state.number }) };
}

/** On a real chain a longer raw field cannot even be encoded. */
function checkLength(genesis: Genesis, { data }: SetCommitment): void {
  check(data.length / 2 <= genesis.commitmentBytes, 'CommitmentTooLong', `Expected at most ${genesis.commitmentBytes} bytes, got ${data.length / 2}`);
}

function checkStake(state: State, genesis: Genesis, signer: Hotkey): void {
  const stake = state.neurons[state.uids.get(signer) ?? -1]?.stake ?? 0n;
  check(signer === genesis.owner || stake >= BigInt(genesis.minStake), 'NotEnoughStakeToSetWeights', `Expected ${genesis.minStake} rao of stake, got ${stake}`);
}

/** A last update in block 0 counts as none. */
function checkRateLimit(state: State, genesis: Genesis, signer: Hotkey): void {
  const last = state.neurons[state.uids.get(signer) ?? -1]?.lastUpdate ?? 0;
  const next = last + genesis.weightsRateLimit;
  check(last === 0 || state.number >= next, 'SettingWeightsTooFast', `Expected block ${next} or later, got ${state.number}`);
}

/** The signer becomes its own coldkey, without stake. */
function register(state: State, genesis: Genesis, netuid: number, { signer }: Origin): State {
  check(netuid === genesis.netuid, 'SubnetNotExists', `Expected subnet ${genesis.netuid}, got ${netuid}`);
  check(!state.uids.has(signer), 'HotKeyAlreadyRegisteredInSubNet', `Already registered in subnet ${netuid}`);
  const uid = state.neurons.length;
  check(uid < genesis.maxNeurons, 'NoNeuronIdAvailable', `All ${genesis.maxNeurons} uids are taken`);
  return {
    ...state,
    neurons: [...state.neurons, freshNeuron(signer, signer, state.number)],
    uids: new Map(state.uids).set(signer, uid),
  };
}

function triggerEpoch(state: State, genesis: Genesis, netuid: number, { signer }: Origin): State {
  check(netuid === genesis.netuid, 'SubnetNotExists', `Expected subnet ${genesis.netuid}, got ${netuid}`);
  check(signer === genesis.owner, 'BadOrigin', "Expected the subnet's owner");
  return { ...state, pendingEpochAt: state.number + 1 };
}

function check(holds: boolean, code: string, message: string): void {
  if (!holds) throw new DispatchError(code, message);
}
