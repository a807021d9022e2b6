import { InvalidInput } from '../../errors.ts';
import { sha256Hex } from '../../protocol/digests.ts';
import { Random } from '../../protocol/random.ts';
import { asBytes } from '../../protocol/tensor-values.ts';
import type { Layout } from '../layout.ts';

/**
 * Which values of the flat vector a window's slice has: of each tensor, in the model's order, max(1, floor(numel /
 * compression)) different ones, drawn by `Random('genki-slice-v1:' + block hash)`. The draw is Floyd's (Bentley and Floyd
 * 1987): for j from numel − n to numel − 1 a uniform one of 0 … j, or j itself when that one was drawn before.
 *
 * Of tensors of 1000, 250 and 50 values with a compression of 100 the hash 0x11…11 chooses 3, 196, 201, 367, 654, 822, 847,
 * 903, 910, 939, 1003, 1205 and 1266.
 * @param blockHash of block (w + 1) * L, which nobody knew while window w could be sent (protocol §2.9): 0x and 64 hex digits
 * @returns rising positions
 * @throws {InvalidInput} when it is no block hash
 */
export function sliceIndices({ places }: Layout, compression: number, blockHash: string): Uint32Array {
  if (!/^0x[0-9a-f]{64}$/i.test(blockHash)) throw new InvalidInput(`Expected a block hash of 0x and 64 hex digits, got ${blockHash.slice(0, 80)}`);
  const random = new Random(`genki-slice-v1:${blockHash.toLowerCase()}`);
  const lengths = places.map(({ size }) => sliceLength(size, compression));
  const indices = new Uint32Array(lengths.reduce((sum, n) => sum + n, 0));
  let to = 0;
  places.forEach(({ offset, size }, i) => {
    for (const index of differentOnes(random, size, lengths[i]!)) indices[to++] = offset + index;
  });
  return indices;
}

/** How many values a slice has. */
export const sliceSize = ({ places }: Layout, compression: number): number => places.reduce((sum, { size }) => sum + sliceLength(size, compression), 0);

/**
 * Which values of a slice are audited: n different ones of its positions, rising, all of them where there are no more, drawn
 * as a slice's by `Random('genki-audit-v1:' + seed + ':' + sha256 of the values, hex)`, float32 and little-endian. Nothing of
 * a slice is signed before the seed is known; but whoever makes one of its values up is asked for others. Of slices that are
 * false in a share f of their values it has to make up (1 − f)^−n until one is not found: with n = 64 for a tenth of them
 * 850, for three tenths 8 · 10⁹, for half 2 · 10¹⁹.
 *
 * Of the 450 values 0, 1, 2 … the seed 22…22 chooses these 8: 48, 53, 58, 127, 138, 217, 252 and 411.
 * @param seed of `auditSeed`, which no single author of a block chooses: 64 hex digits
 * @throws {InvalidInput} when it is no seed
 */
export function auditPositions(values: Float32Array, seed: string, n: number): Uint32Array {
  if (!/^[0-9a-f]{64}$/.test(seed)) throw new InvalidInput(`Expected a seed of 64 hex digits, got ${seed.slice(0, 80)}`);
  return differentOnes(new Random(`genki-audit-v1:${seed}:${sha256Hex(asBytes(values))}`), values.length, Math.min(n, values.length));
}

const sliceLength = (size: number, compression: number): number => Math.max(1, Math.floor(size / compression));

/** n of 0 … size − 1, rising. */
function differentOnes(random: Random, size: number, n: number): Uint32Array {
  const drawn = new Set<number>();
  for (let j = size - n; j < size; j++) {
    const one = random.int(j + 1);
    drawn.add(drawn.has(one) ? j : one);
  }
  return Uint32Array.from(drawn).sort();
}
