import { blake2b } from '@noble/hashes/blake2.js';
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import type { Call, Hotkey } from '../../../genki/chain/chain.ts';
import { blake2Hash } from '../../../genki/chain/keys.ts';
import { ByteWriter } from '../../../genki/chain/local/byte-codec.ts';
import type { Outcome } from '../../../genki/chain/local/runtime.ts';
import type { State } from '../../../genki/chain/local/state.ts';
import { weightsCommitHash } from '../../../genki/chain/weights-commit.ts';
import { compact } from './scale-bytes.ts';
import type { Remark } from './wire-calls.ts';
import type { WireRuntime } from './wire-runtime.ts';

/** An event and where it happened: the extrinsic's index, or before all of them. */
export type WireEvent = { readonly extrinsic: number | null; readonly event: Uint8Array };

/** What `System.Events` holds: each record is its phase, the event and no topics. */
export const encodeEvents = (events: readonly WireEvent[]): Uint8Array =>
  concatBytes(compact(events.length), ...events.flatMap(({ extrinsic, event }) => [phaseOf(extrinsic), event, compact(0)]));

const phaseOf = (extrinsic: number | null): Uint8Array => (extrinsic === null ? Uint8Array.of(2) : new ByteWriter().uint(0, 1).uint(extrinsic, 4).done());

/** What a call tells in block `state.number` of its own, once it has succeeded. */
export function eventsOfCall(runtime: WireRuntime, state: State, call: Call | Remark, signer: Hotkey): Uint8Array[] {
  const subtensor = (name: string, ...fields: unknown[]): Uint8Array => runtime.event('SubtensorModule', name, fields);
  const uid = state.uids.get(signer);
  switch (call.kind) {
    case 'remark':
      return [];
    case 'setCommitment':
      return [runtime.event('Commitments', 'Commitment', [call.netuid, signer])];
    case 'setWeights':
    case 'setMechanismWeights':
      return [subtensor('WeightsSet', call.netuid, uid)];
    case 'commitWeights':
      return [subtensor('WeightsCommitted', signer, call.netuid, call.hash)];
    case 'revealWeights':
      return [subtensor('WeightsSet', call.netuid, uid), subtensor('WeightsRevealed', signer, call.netuid, weightsCommitHash({ hotkey: signer, ...call }))];
    case 'commitTimelockedWeights':
      return [subtensor('TimelockedWeightsCommitted', signer, call.netuid, blake2Hash(hexToBytes(call.commit)), call.revealRound)];
    case 'register':
      return [subtensor('NeuronRegistered', call.netuid, state.uids.get(call.hotkey), call.hotkey)];
    case 'triggerEpoch':
      return [subtensor('EpochTriggered', call.netuid, signer, state.pendingEpochAt)];
    case 'serveAxon':
      return [subtensor('AxonServed', call.netuid, signer)];
  }
}

/** What the fee moved. */
export const feeEvents = (runtime: WireRuntime, signer: Hotkey, fee: bigint): { before: Uint8Array[]; after: Uint8Array[] } =>
  fee === 0n ? { before: [], after: [] } : { before: [runtime.event('Balances', 'Withdraw', [signer, fee])], after: [runtime.event('TransactionPayment', 'TransactionFeePaid', [signer, fee, 0])] };

/** The last event of an extrinsic. */
export function outcomeEvent(runtime: WireRuntime, outcome: Outcome, { pays, mandatory = false }: { readonly pays: boolean; readonly mandatory?: boolean }): Uint8Array {
  const info = { weight: { refTime: 250_000_000, proofSize: 0 }, class: mandatory ? 'Mandatory' : 'Normal', paysFee: pays ? 'Yes' : 'No' };
  return outcome === null ? runtime.event('System', 'ExtrinsicSuccess', [info]) : runtime.event('System', 'ExtrinsicFailed', [dispatchError(runtime, outcome.code), info]);
}

/** A hotkey's timelocked weights that the chain has shown since the block before. */
export function revealEvents(runtime: WireRuntime, before: State, after: State, netuid: number): Uint8Array[] {
  const open = new Set(after.timelocked);
  const row = (state: State, hotkey: Hotkey) => state.neurons[state.uids.get(hotkey) ?? -1]?.weights;
  return before.timelocked
    .filter((commit) => !open.has(commit) && row(before, commit.hotkey) !== row(after, commit.hotkey))
    .map(({ hotkey }) => runtime.event('SubtensorModule', 'TimelockedWeightsRevealed', [netuid, hotkey]));
}

/** Errors that are no module's. */
const PLAIN = ['BadOrigin'];
const ORDER = ['SubtensorModule', 'Commitments', 'System', 'Balances'];

/** The runtime's error of that name, where its metadata has it. @throws {RangeError} for a name that no runtime of the chain has */
function dispatchError(runtime: WireRuntime, code: string): unknown {
  if (PLAIN.includes(code)) return { [code]: null };
  const known = runtime.moduleError(code, ORDER);
  if (!known) throw new RangeError(`Expected an error of the runtime, got ${code}`);
  return { Module: { index: known.index, error: `0x${known.error.toString(16).padStart(2, '0')}000000` } };
}

/** blake2b-256 of all hashes: no trie, but as sure to change with any of them. */
export const rootOf = (hashes: readonly string[]): string => blake2Hash(concatBytes(...hashes.map((hash) => blake2b(hexToBytes(hash.slice(2)), { dkLen: 32 }))));
