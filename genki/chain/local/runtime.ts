import type { Call, Hotkey } from '../chain.ts';
import { burnAfterBlock } from './burn.ts';
import { DispatchError } from './dispatch-error.ts';
import { dispatch } from './dispatch.ts';
import { stepEpoch } from './epoch.ts';
import { feeOf } from './fee.ts';
import type { Genesis } from './genesis.ts';
import { epochIndex, isEpochDue } from './schedule.ts';
import { accountOf, withAccount, type State } from './state.ts';
import { publishPulse, revealTimelocked } from './timelocked-reveals.ts';

/** What the runtime needs to know of a signed extrinsic. */
export type Transaction = { readonly signer: Hotkey; readonly nonce: number; readonly call: Call };

/** `null` when the call succeeded. */
export type Outcome = { readonly code: string; readonly message: string } | null;

/**
 * The state at the start of the next block, before its extrinsics: the registration's price falls, timelocked weights
 * whose epoch has come are revealed, and the epoch, if one is due, runs.
 *
 * @param pulse the beacon's signature of the block's number, hex; null where the chain has no beacon
 */
export function beginBlock(parent: State, genesis: Genesis, pulse: string | null = null): State {
  const started = startBlock(parent, genesis);
  const revealed = revealTimelocked(pulse === null ? started : publishPulse(started, started.number, pulse), genesis);
  return isEpochDue(revealed, genesis) ? stepEpoch(revealed, genesis) : revealed;
}

function startBlock(parent: State, genesis: Genesis): State {
  const state = { ...parent, number: parent.number + 1 };
  const burn = state.number > 1 ? burnAfterBlock(state.burn, genesis) : state.burn;
  // a stateless schedule counts by the block alone; the counter of the other moves when its epoch runs
  const epoch = genesis.schedule === 'stateless' ? epochIndex(state, genesis) : state.epoch;
  return { ...state, burn, epoch };
}

/** True when this transaction may be the next one of the block that the state is in: its nonce is the next and its fee can be paid. */
export const isValid = (state: State, genesis: Genesis, { signer, nonce, call }: Transaction): boolean => {
  const account = accountOf(state, signer);
  return nonce === account.nonce && feeOf(call, genesis) <= account.balance;
};

/**
 * The state after one extrinsic of block `state.number`. A call that fails uses up nonce and fee and changes nothing else.
 *
 * @throws {RangeError} unless `isValid`: such an extrinsic belongs in no block
 */
export function applyExtrinsic(state: State, genesis: Genesis, transaction: Transaction, index: number): { state: State; outcome: Outcome } {
  const { signer, nonce, call } = transaction;
  const account = accountOf(state, signer);
  const fee = feeOf(call, genesis);
  if (!isValid(state, genesis, transaction)) throw new RangeError(`Expected nonce ${account.nonce} of ${signer} and a balance of ${fee} rao, got ${nonce} and ${account.balance}`);
  const paid = withAccount({ ...state, recycled: state.recycled + fee }, signer, { nonce: nonce + 1, balance: account.balance - fee });
  try {
    return { state: dispatch(paid, genesis, call, { signer, index }), outcome: null };
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    return { state: paid, outcome: { code: error.code, message: error.message } };
  }
}
