import type { Call, Hotkey } from '../../chain.ts';

/** Who calls, and where in which block. */
export type Origin = { readonly signer: Hotkey; readonly index: number };

/** A call of one kind. */
export type CallOf<K extends Call['kind']> = Extract<Call, { kind: K }>;
