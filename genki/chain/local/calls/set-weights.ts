import type { Hotkey } from '../../chain.ts';
import { maxUpscale } from '../../yuma/max-upscale.ts';
import { check } from '../dispatch-error.ts';
import type { Genesis } from '../genesis.ts';
import { accountOf, type State } from '../state.ts';
import type { CallOf, Origin } from './origin.ts';

/** Weights in the open, or revealed. */
export type Row = Pick<CallOf<'setWeights'>, 'netuid' | 'uids' | 'weights' | 'versionKey'> & { readonly mecid?: number };

type WeightsCall = CallOf<'setWeights' | 'setMechanismWeights'>;

/** The state with the hotkey's row replaced, where weights are set in the open. */
export function setWeights(state: State, genesis: Genesis, call: WeightsCall, { signer }: Origin): State {
  check(!genesis.commitReveal.enabled, 'CommitRevealEnabled', 'Expected a commit: this subnet hides weights until they are revealed');
  return storeWeights(state, genesis, call, signer);
}

/** The state with the hotkey's row replaced, after the checks of the runtime's `internal_set_weights` in its order. */
export function storeWeights(state: State, genesis: Genesis, { netuid, mecid = 0, uids, weights, versionKey }: Row, signer: Hotkey): State {
  const n = state.neurons.length;
  check(netuid !== 0, 'CanNotSetRootNetworkWeights', 'The root network takes no weights');
  check(uids.length === weights.length, 'WeightVecNotEqualSize', `Expected as many weights as uids, got ${weights.length} and ${uids.length}`);
  check(netuid === genesis.netuid && mecid === 0, 'MechanismDoesNotExist', `Expected the one mechanism of subnet ${genesis.netuid}, got ${mecid} of ${netuid}`);
  check(uids.length <= n, 'UidsLengthExceedUidsInSubNet', `Expected at most ${n} uids, got ${uids.length}`);
  const uid = registeredUid(state, signer, netuid);
  checkStake(state, genesis, signer);
  check(versionKey >= genesis.versionKey, 'IncorrectWeightVersionKey', `Expected a version key from ${genesis.versionKey}, got ${versionKey}`);
  const hidden = genesis.commitReveal.enabled;
  if (!hidden) checkRateLimit(state, genesis, signer, 'SettingWeightsTooFast');
  const self = uids.length === 1 && uids[0] === uid;
  check(state.neurons[uid]!.validatorPermit || signer === genesis.owner || self, 'NeuronNoValidatorPermit', 'Expected a validator permit');
  check(new Set(uids).size === uids.length, 'DuplicateUids', 'Expected each uid once');
  check(uids.every((j) => j < n), 'UidVecContainInvalidOne', `Expected uids below ${n}`);
  const least = Math.min(genesis.minAllowedWeights, n);
  check(uids.length >= least || self, 'WeightVecLengthIsLow', `Expected at least ${least} weights, got ${uids.length}`);
  const stored = maxUpscale(weights);
  const row = uids.map((j, at) => [j, stored[at]!] as const).sort(([a], [b]) => a - b);
  // hidden weights counted as an update when they were committed
  const lastUpdate = hidden ? state.neurons[uid]!.lastUpdate : state.number;
  return { ...state, neurons: state.neurons.with(uid, { ...state.neurons[uid]!, weights: row, lastUpdate }) };
}

/** @throws {DispatchError} `HotKeyNotRegisteredInSubNet` */
export function registeredUid(state: State, signer: Hotkey, netuid: number): number {
  const uid = state.uids.get(signer);
  check(uid !== undefined, 'HotKeyNotRegisteredInSubNet', `Expected a hotkey registered in subnet ${netuid}`);
  return uid;
}

/** @throws {DispatchError} `NotEnoughStakeToSetWeights`, also for a hotkey that is not registered */
export function checkStake(state: State, genesis: Genesis, signer: Hotkey): void {
  const stake = state.uids.has(signer) ? accountOf(state, signer).stake : 0n;
  check(signer === genesis.owner || stake >= BigInt(genesis.minStake), 'NotEnoughStakeToSetWeights', `Expected ${genesis.minStake} rao of stake, got ${stake}`);
}

/** A last update in block 0 counts as none. */
export function checkRateLimit(state: State, genesis: Genesis, signer: Hotkey, code: 'SettingWeightsTooFast' | 'CommittingWeightsTooFast'): void {
  const last = state.neurons[state.uids.get(signer) ?? -1]?.lastUpdate ?? 0;
  const next = last + genesis.weightsRateLimit;
  check(last === 0 || state.number >= next, code, `Expected block ${next} or later, got ${state.number}`);
}
