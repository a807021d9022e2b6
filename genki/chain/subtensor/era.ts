import { InvalidInput } from '../../errors.ts';
import type { ScaleReader } from '../scale.ts';

/** Blocks that an extrinsic may enter: from `phase` of a period on, for that period. */
export type Era = { readonly period: number; readonly phase: number };

/** Powers of two; the runtime keeps the hashes of 2,400 blocks, and a longer era is cut into coarser steps. */
const MAX_PERIOD = 2048;

/**
 * The era of an extrinsic born in a block; it can enter the blocks before `bornAt + period`.
 *
 * @param period a power of two from 4 to 2048
 * @throws {InvalidInput}
 */
export function eraOf(bornAt: number, period: number): Era {
  if (!Number.isInteger(Math.log2(period)) || period < 4 || period > MAX_PERIOD) throw new InvalidInput(`Expected a period that is a power of two from 4 to ${MAX_PERIOD}, got ${period}`);
  return { period, phase: bornAt % period };
}

/** Two bytes: log2 of the period, less one, in the low four bits, and the phase above. */
export function writeEra({ period, phase }: Era): Uint8Array {
  const step = Math.max(1, period >> 12);
  const bits = (Math.log2(period) - 1) | ((phase / step) << 4);
  return Uint8Array.of(bits & 0xff, bits >> 8);
}

/** null for one that never ends. @throws {RangeError} on a phase outside of its period */
export function readEra(reader: ScaleReader): Era | null {
  const first = Number(reader.uint(1));
  if (first === 0) return null;
  const bits = first | (Number(reader.uint(1)) << 8);
  const period = 2 << (bits & 15);
  const phase = (bits >> 4) * Math.max(1, period >> 12);
  if (period < 4 || phase >= period) throw new RangeError(`Expected a phase within a period of 4 blocks or more, got ${phase} of ${period}`);
  return { period, phase };
}
