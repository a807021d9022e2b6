import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import type { Hotkey } from './chain.ts';
import { blake2Hash, decodeHotkey } from './keys.ts';
import { ScaleReader, scaleBytes, scaleU16, scaleU16s, scaleU64 } from './scale.ts';
import { timelock } from './timelock.ts';

/** A row of weights as its hotkey hands it in. */
export type WeightsPayload = {
  readonly hotkey: Hotkey;
  readonly uids: readonly number[];
  /** u16, as many as uids */
  readonly weights: readonly number[];
  readonly versionKey: number;
};

/** What a reveal must repeat; losing the salt loses the weights. */
export type WeightsSecret = WeightsPayload & { readonly netuid: number; /** u16 each */ readonly salt: readonly number[] };

/**
 * The hash to commit to, 0x + 64 hex: blake2b-256 over the SCALE encoding of
 * (hotkey, netuid u16, uids, weights, salt, versionKey u64), as the runtime's `get_commit_hash` computes it.
 */
export const weightsCommitHash = ({ hotkey, netuid, uids, weights, salt, versionKey }: WeightsSecret): string =>
  blake2Hash(concatBytes(decodeHotkey(hotkey), scaleU16(netuid), scaleU16s(uids), scaleU16s(weights), scaleU16s(salt), scaleU64(versionKey)));

/**
 * The `commit` of `commitTimelockedWeights`, hex: weights that nobody reads before the beacon's round.
 *
 * @param seed random and secret, 32 bytes or more
 */
export const timelockedWeights = (payload: WeightsPayload, lock: { readonly publicKey: string; readonly round: number }, seed: Uint8Array): string =>
  bytesToHex(timelock(encodeWeights(payload), lock, seed));

const encodeWeights = ({ hotkey, uids, weights, versionKey }: WeightsPayload): Uint8Array =>
  concatBytes(scaleBytes(decodeHotkey(hotkey)), scaleU16s(uids), scaleU16s(weights), scaleU64(versionKey));

type Row = Omit<WeightsPayload, 'hotkey'>;

/**
 * The weights in an opened commit of `hotkey`; undefined when it is no such payload, or somebody else's. The form
 * without a hotkey, of runtimes before 425, is read where the newer one is not found.
 */
export function decodeWeights(payload: Uint8Array, hotkey: Hotkey): Row | undefined {
  const named = attempt(() => {
    const reader = new ScaleReader(payload);
    return { owner: reader.bytes(), ...readRow(reader) };
  });
  if (!named || named.owner.length < 32) return attempt(() => readRow(new ScaleReader(payload)));
  const { owner, ...row } = named;
  return bytesToHex(owner.slice(0, 32)) === bytesToHex(decodeHotkey(hotkey)) ? row : undefined;
}

const readRow = (reader: ScaleReader): Row => ({ uids: reader.u16s(), weights: reader.u16s(), versionKey: reader.u64() });

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
