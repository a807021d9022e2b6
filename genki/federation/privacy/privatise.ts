import { createHmac } from 'node:crypto';
import { endianness } from 'node:os';
import { InvalidInput } from '../../errors.ts';
import { clipToGrid } from './clip-to-grid.ts';
import { normalStream } from './normal-stream.ts';
import type { PrivacyConfig } from './privacy-config.ts';

/** The noise is at least 2^20 steps of the grid wide, so a value loses next to nothing by lying on it, and float32 holds it. */
const GRID_BITS = 20;
const LEAST_SECRET_BYTES = 32;

/**
 * The update of a window as its miner may publish it, by the Gaussian mechanism: clipped as a whole to the norm `clip`,
 * then noise of standard deviation noise · clip on every value.
 *
 * 1. The unit is all of a miner's music. Without it the update is 0, so no more than `clip` depends on it; exchanging it
 *    for other music moves up to twice as much, which is as private as half the noise.
 * 2. Floating-point numbers near x + noise differ from x to x', and give x away where real numbers would not (Mironov
 *    2012). So the values are first cut towards 0 onto a grid, which lengthens nothing, and the noise is rounded onto the
 *    same grid: what comes out is the ideal mechanism's result, rounded, and which values it can take says nothing of x.
 * 3. What is left is that the noise itself is computed: its probabilities differ from the ideal ones by some 1e-9 of
 *    themselves, and it ends at 8.6 standard deviations. No bound on ε is proved for that.
 * 4. The noise is keyed by the secret and the update. An upload that is repeated is the same bytes, and no second sample;
 *    another update never has the noise of the first, which their difference would lay bare, but it is a further upload
 *    that the accountant has to count.
 *
 * @param update trained weights − base weights, all of the window's
 * @param secret at least 32 random bytes that nobody else ever learns: with them the noise can be taken off again
 * @returns as many values; the same ones for the same arguments
 * @throws {BadSubmission} when a value is not finite
 * @throws {InvalidInput} when the secret is too short
 */
export function privatise(update: Float32Array, { clip, noise }: Pick<PrivacyConfig, 'clip' | 'noise'>, secret: Uint8Array): Float32Array {
  const deviation = noise * clip;
  if (!(noise > 0 && clip > 0 && deviation > 2 ** -100 && deviation < 2 ** 100)) throw new RangeError(`Expected a positive clip and noise, got ${clip} and ${noise}`);
  if (secret.byteLength < LEAST_SECRET_BYTES) throw new InvalidInput(`Expected a secret of at least ${LEAST_SECRET_BYTES} bytes, got ${secret.byteLength}`);
  const step = 2 ** (Math.floor(Math.log2(deviation)) - GRID_BITS);
  const steps = clipToGrid(update, clip, step);
  const normals = normalStream(noiseKey(update, { clip, noise }, secret));
  // 0 + x has no negative zero, which would tell a sign
  return Float32Array.from(steps, (count) => (0 + count + Math.round((normals.next().value * deviation) / step)) * step);
}

function noiseKey(update: Float32Array, { clip, noise }: Pick<PrivacyConfig, 'clip' | 'noise'>, secret: Uint8Array): Uint8Array {
  const bytes = Buffer.from(update.buffer, update.byteOffset, update.byteLength);
  return createHmac('sha256', secret)
    .update(`genki-privacy-v1:${clip}:${noise}:`)
    .update(endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32())
    .digest();
}
