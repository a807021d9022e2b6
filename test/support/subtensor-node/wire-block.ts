import type { Call, SignedExtrinsic } from '../../../genki/chain/chain.ts';
import type { State } from '../../../genki/chain/local/state.ts';
import type { Envelope } from './envelope.ts';
import type { Header } from './header.ts';
import type { Remark } from './wire-calls.ts';
import type { WireRuntime } from './wire-runtime.ts';

/** From one block to the next. */
export const SLOT_MS = 12_000;

/** A signed extrinsic with its call read; `diesAt` is the last block that may take it. */
export type WireExtrinsic = SignedExtrinsic & { readonly envelope: Envelope; /** undefined for one that the chain here filters */ readonly call: Call | Remark | undefined };

export type WireBlock = {
  readonly hash: string;
  readonly header: Header;
  /** All in hex: the inherent that sets the time, then the signed ones. */
  readonly extrinsics: readonly string[];
  readonly signed: readonly WireExtrinsic[];
  /** What `System.Events` holds. */
  readonly events: Uint8Array;
  readonly state: State;
  readonly timeMs: number;
  /** That executed it. */
  readonly runtime: WireRuntime;
  /** Whose code its state holds, and which the next one is executed by. */
  readonly code: WireRuntime;
};
