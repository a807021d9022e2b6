import { concatBytes } from '@noble/hashes/utils.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { feeOf } from '../../../genki/chain/local/fee.ts';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { applyExtrinsic, beginBlock, type Outcome } from '../../../genki/chain/local/runtime.ts';
import { withAccount, type State } from '../../../genki/chain/local/state.ts';
import { encodeEvents, eventsOfCall, feeEvents, outcomeEvent, revealEvents, rootOf, type WireEvent } from './events.ts';
import { auraDigest, headerHash, type Header } from './header.ts';
import { compact } from './scale-bytes.ts';
import { faultOf, nonceOf, type Setting } from './validity.ts';
import { SLOT_MS, type WireBlock, type WireExtrinsic } from './wire-block.ts';
import { fromHex, toHex, type WireRuntime } from './wire-runtime.ts';

/** Bare, version 5, as runtimes of today write inherents. */
const BARE_V5 = 5;

export type DraftOptions = {
  readonly parent: WireBlock;
  readonly genesis: Genesis;
  /** Of the beacon for this block, hex. */
  readonly pulse: string | null;
  /** Of blocks before it. */
  readonly hashOf: Setting['hashOf'];
  /** That the block puts into the place of the present one. */
  readonly upgrade: WireRuntime | undefined;
};

/** A block being made on top of another one. */
export class WireDraft {
  readonly #options: DraftOptions;
  readonly #runtime: WireRuntime;
  readonly #events: WireEvent[];
  readonly #extrinsics: string[];
  readonly #signed: WireExtrinsic[] = [];
  readonly #timeMs: number;
  #state: State;

  constructor(options: DraftOptions) {
    const { parent, genesis, pulse } = options;
    this.#options = options;
    this.#runtime = parent.code;
    this.#timeMs = parent.timeMs + SLOT_MS;
    this.#state = beginBlock(parent.state, genesis, pulse);
    const revealed = revealEvents(this.#runtime, parent.state, this.#state, genesis.netuid).map((event) => ({ extrinsic: null, event }));
    this.#events = [...revealed, { extrinsic: 0, event: outcomeEvent(this.#runtime, null, { pays: false, mandatory: true }) }];
    this.#extrinsics = [inherent(this.#runtime, this.#timeMs)];
  }

  /** `waits` for another one's nonce; what is `invalid` belongs into no block after this one. */
  include(extrinsic: WireExtrinsic): 'included' | 'waits' | 'invalid' {
    const { genesis, hashOf } = this.#options;
    if (extrinsic.nonce > nonceOf(this.#state, extrinsic.signer)) return 'waits';
    if (faultOf(extrinsic, { state: this.#state, genesis, runtime: this.#runtime, hashOf })) return 'invalid';
    const index = this.#extrinsics.push(extrinsic.hex) - 1;
    this.#signed.push(extrinsic);
    const events = this.#execute(extrinsic, index);
    this.#events.push(...events.map((event) => ({ extrinsic: index, event })));
    return 'included';
  }

  /** @param salt of the author, so that two blocks with the same parent and extrinsics differ */
  done(salt: Uint8Array): WireBlock {
    const { parent, upgrade } = this.#options;
    if (upgrade) this.#events.push({ extrinsic: 0, event: this.#runtime.event('System', 'CodeUpdated', []) });
    const header: Header = {
      parentHash: parent.hash,
      number: parent.header.number + 1,
      stateRoot: rootOf([parent.header.stateRoot, ...this.#extrinsics]),
      extrinsicsRoot: rootOf(this.#extrinsics),
      logs: auraDigest(this.#timeMs / SLOT_MS, blake2b(fromHex(parent.hash), { key: salt, dkLen: 64 })),
    };
    const kept = { extrinsics: this.#extrinsics, signed: this.#signed, events: encodeEvents(this.#events) };
    return { hash: headerHash(header), header, ...kept, state: this.#state, timeMs: this.#timeMs, runtime: this.#runtime, code: upgrade ?? this.#runtime };
  }

  #execute({ signer, nonce, call }: WireExtrinsic, index: number): Uint8Array[] {
    const { genesis } = this.#options;
    if (call === undefined || call.kind === 'remark') {
      this.#state = withAccount(this.#state, signer, { nonce: nonce + 1 });
      return [outcomeEvent(this.#runtime, call ? null : CALL_FILTERED, { pays: false })];
    }
    const { state, outcome } = applyExtrinsic(this.#state, genesis, { signer, nonce, call }, index);
    this.#state = state;
    const fee = feeEvents(this.#runtime, signer, feeOf(call, genesis));
    const own = outcome === null ? eventsOfCall(this.#runtime, state, call, signer) : [];
    return [...fee.before, ...own, ...fee.after, outcomeEvent(this.#runtime, outcome, { pays: fee.before.length > 0 })];
  }
}

const CALL_FILTERED: Outcome = { code: 'CallFiltered', message: 'Expected a call that this chain knows' };

/** `timestamp.set(now)`. */
function inherent(runtime: WireRuntime, now: number): string {
  const body = concatBytes(Uint8Array.of(BARE_V5, runtime.palletIndex('Timestamp'), 0), compact(now));
  return toHex(concatBytes(compact(body.length), body));
}
