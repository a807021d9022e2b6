import type { Call, Hotkey } from '../chain.ts';
import { DispatchError, dispatch } from './dispatch.ts';
import { nextEpochBlock, stepEpoch } from './epoch.ts';
import type { Genesis } from './genesis.ts';
import { accountOf, type State } from './state.ts';

/** What the runtime needs to know of a signed extrinsic. */
export type Transaction = { readonly signer: Hotkey; readonly nonce: number; readonly call: Call };

/** `null` when the call succeeded. */
export type Outcome = { readonly code: string; readonly message: string } | null;

/** The state at the start of the next block: its epoch, if one is due, runs before the extrinsics. */
export function beginBlock(parent: State, genesis: Genesis): State {
  const state = { ...parent, number: parent.number + 1 };
  return state.number >= nextEpochBlock(state, genesis) ? stepEpoch(state, genesis) : state;
}

/**
 * The state after one extrinsic of block `state.number`. A call that fails uses up the nonce and changes nothing else.
 *
 * @throws {RangeError} when the nonce is not the account's next one: such an extrinsic belongs in no block
 */
export function applyExtrinsic(state: State, genesis: Genesis, { signer, nonce, call }: Transaction, index: number): { state: State; outcome: Outcome } {
  const account = accountOf(state, signer);
  if (nonce !== account.nonce) throw new RangeError(`Expected nonce ${account.nonce} of ${signer}, got ${nonce}`);
  const paid = { ...state, accounts: state.accounts.set(signer, { ...account, nonce: nonce + 1 }) };
  try {
    return { state: dispatch(paid, genesis, call, { signer, index }), outcome: null };
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    return { state: paid, outcome: { code: error.code, message: error.message } };
  }
}
