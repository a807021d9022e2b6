import { InvalidInput } from '../../errors.ts';

/** Of every `chunk` values the `keep` largest: the terms of a top-k codec. */
export type TopK = { readonly chunk: number; readonly keep: number };

/**
 * Values that share two magnitudes, whatever the chunk, which divides it. In measured windows of `ruby-nano` rounding to them
 * takes .4 to 1.2 % from the energy of what is kept; one pair for all takes .5 to 1.6 %, one for each tensor .3 to 1 %, and
 * a chunk that ends with its tensor keeps nothing more.
 */
export const GROUP = 2 ** 16;

/**
 * What a top-k codec sends of an update: in each chunk of the flat vector the `keep` values of largest magnitude, of equal
 * ones the first, all others 0; each as plus or minus one of its group's two magnitudes, which are the best two in the
 * least squares. Tensors do not bound chunks; the last chunk may be shorter.
 * @throws {InvalidInput} when a value is not finite
 */
export function toFourLevels(update: Float32Array, { chunk, keep }: TopK): Float32Array {
  const sent = new Float32Array(update.length);
  for (let from = 0; from < update.length; from += chunk) keepLargest(update, sent, { from, to: Math.min(from + chunk, update.length), keep });
  for (let from = 0; from < sent.length; from += GROUP) roundToLevels(sent.subarray(from, from + GROUP));
  return sent;
}

function keepLargest(update: Float32Array, sent: Float32Array, { from, to, keep }: { from: number; to: number; keep: number }): void {
  const magnitudes = update.slice(from, to);
  for (let i = 0; i < magnitudes.length; i++) magnitudes[i] = Math.abs(magnitudes[i]!);
  const least = leastKept(magnitudes, keep);
  let left = keep;
  for (let i = from; i < to; i++) {
    if (Math.abs(update[i]!) <= least) continue;
    sent[i] = update[i]!;
    left--;
  }
  for (let i = from; i < to && left > 0 && least > 0; i++) {
    if (Math.abs(update[i]!) !== least) continue;
    sent[i] = update[i]!;
    left--;
  }
}

/** The `keep`-th largest magnitude, 0 where there are fewer. */
function leastKept(magnitudes: Float32Array, keep: number): number {
  let largest = 0;
  for (const magnitude of magnitudes) {
    if (!(magnitude < Infinity)) throw new InvalidInput('Expected an update of finite values, got one that is not');
    if (magnitude > largest) largest = magnitude;
  }
  if (keep === 1) return largest;
  return magnitudes.sort()[magnitudes.length - keep] ?? 0;
}

function roundToLevels(group: Float32Array): void {
  const { threshold, levels } = bestLevels(group);
  for (let i = 0; i < group.length; i++) {
    const value = group[i]!;
    if (value !== 0) group[i] = Math.sign(value) * (Math.abs(value) < threshold ? levels[0] : levels[1]);
  }
}

/**
 * The two magnitudes with the least squared error, and from which one on values are rounded to the larger. The sums that
 * decide are of rising magnitudes in float64, the same on every machine.
 */
function bestLevels(group: Float32Array): { threshold: number; levels: readonly [number, number] } {
  const rising = group.filter((value) => value !== 0).map(Math.abs).sort();
  const n = rising.length;
  let total = 0;
  for (const magnitude of rising) total += magnitude;
  let best = { gain: n === 0 ? 0 : (total * total) / n, split: 0, sum: 0 };
  let sum = 0;
  for (let split = 1; split < n; split++) {
    sum += rising[split - 1]!;
    const gain = (sum * sum) / split + ((total - sum) * (total - sum)) / (n - split);
    if (gain > best.gain) best = { gain, split, sum };
  }
  return { threshold: rising[best.split] ?? 0, levels: [best.sum / best.split, (total - best.sum) / (n - best.split)] };
}
