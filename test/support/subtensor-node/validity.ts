import type { Hotkey } from '../../../genki/chain/chain.ts';
import { precheck } from '../../../genki/chain/local/dispatch.ts';
import { DispatchError } from '../../../genki/chain/local/dispatch-error.ts';
import { feeOf } from '../../../genki/chain/local/fee.ts';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { accountOf, type State } from '../../../genki/chain/local/state.ts';
import { birthOf, isSignedFor } from './envelope.ts';
import type { WireExtrinsic } from './wire-block.ts';
import type { WireRuntime } from './wire-runtime.ts';

/** Blocks whose hashes the runtime remembers. */
export const BLOCK_HASH_COUNT = 2400;

/** What an extrinsic is held against: the block that would take it, by the runtime that would execute that. */
export type Setting = {
  /** `number` is that block's. */
  readonly state: State;
  readonly genesis: Genesis;
  readonly runtime: WireRuntime;
  /** Of the branch; undefined for a block that it does not have. */
  readonly hashOf: (number: number) => string | undefined;
};

/** Why the runtime calls the extrinsic invalid, in its order; undefined when it does not. A nonce to come is none of its faults. */
export function faultOf(extrinsic: WireExtrinsic, setting: Setting): string | undefined {
  const { state, genesis } = setting;
  const { signer, nonce, call } = extrinsic;
  const unsigned = signatureFault(extrinsic, setting);
  if (unsigned) return unsigned;
  const account = accountOf(state, signer);
  if (nonce < account.nonce) return 'Stale';
  if (call === undefined || call.kind === 'remark') return undefined;
  if (feeOf(call, genesis) > account.balance) return 'Payment';
  return poolFault(() => precheck(state, genesis, call, signer));
}

/** An era that is over begins elsewhere when it is looked at today, so that what was signed does not fit any more. */
function signatureFault({ envelope }: WireExtrinsic, { state, runtime, hashOf }: Setting): string | undefined {
  const { era } = envelope;
  const birth = era ? birthOf(era, state.number) : 0;
  const birthHash = birth < state.number - BLOCK_HASH_COUNT && era ? undefined : hashOf(birth);
  if (birthHash === undefined) return 'AncientBirthBlock';
  const { specVersion, transactionVersion } = runtime;
  return isSignedFor(envelope, { specVersion, transactionVersion, genesisHash: hashOf(0)!, birthHash }) ? undefined : 'BadProof';
}

function poolFault(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof DispatchError) return error.code;
    throw error;
  }
}

/** The next nonce of an account, those that wait not counted. */
export const nonceOf = (state: State, account: Hotkey): number => accountOf(state, account).nonce;
