import { InvalidInput } from '../errors.ts';

/**
 * A tensor's values, once none of them is NaN or infinite.
 * @throws {InvalidInput} naming the first that is
 */
export function finite(name: string, values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw new InvalidInput(`Expected finite values of ${name}, got ${values[i]} at ${i}`);
  }
  return values;
}
