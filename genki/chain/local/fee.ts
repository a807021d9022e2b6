import type { Call } from '../chain.ts';
import type { Genesis } from './genesis.ts';

/** What a call costs whether or not it succeeds, in rao: coldkeys pay, hotkeys do not. */
export const feeOf = (call: Call, genesis: Genesis): bigint => (call.kind === 'register' ? BigInt(genesis.transactionFee) : 0n);
