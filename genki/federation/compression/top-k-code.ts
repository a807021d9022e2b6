import { BadSubmission } from '../../errors.ts';
import { ArithmeticDecoder, ArithmeticEncoder } from './arithmetic-coder.ts';
import { GROUP, type TopK } from './four-levels.ts';

/**
 * A vector of four levels in bytes.
 *
 * 1. Levels: of each group its two magnitudes, the smaller first, 0 for one that it does not have.
 * 2. Code: for each chunk of a group that has any, and each value kept there: `more` = 1; how many values are left out since
 *    the one before, as a number of log2(chunk) bits from the highest; its sign, 1 for minus; and where the group has two
 *    magnitudes, 1 for the larger. Then `more` = 0, unless the chunk is full or at its end.
 * 3. Contexts: `more` by whether it is the chunk's first; each node of the tree of a number's bits; the sign; the magnitude
 *    by the one before it.
 */
export type TopKCode = { /** [groups * 2] */ readonly levels: Float32Array; readonly code: Uint8Array };

const MORE = 0;
const SIGN = 2;
const MAGNITUDE = 3;
/** Its nodes are 1 … chunk − 1. */
const TREE = 4;
const contextsOf = (chunk: number): number => TREE + chunk;

export const levelsOf = (size: number): number => 2 * Math.ceil(size / GROUP);

/** More bytes than the code of any vector of so many values has: two bits for each one written, and as many as it takes to learn. */
export function maxCodeBytes(size: number, { chunk, keep }: TopK): number {
  const written = Math.ceil(size / chunk) * Math.min(keep, chunk) * (Math.log2(chunk) + 3);
  return Math.ceil((2 * written + 32 * contextsOf(chunk)) / 8);
}

/** @throws {RangeError} when a group has more than two magnitudes, or a chunk more values than it keeps */
export function writeTopK(vector: Float32Array, { chunk, keep }: TopK): TopKCode {
  const writer = new TopKWriter(chunk, keep);
  const levels = new Float32Array(levelsOf(vector.length));
  for (let g = 0; g < levels.length / 2; g++) {
    const group = vector.subarray(g * GROUP, (g + 1) * GROUP);
    const [small, large] = magnitudesOf(group);
    levels.set([small, large], 2 * g);
    for (let from = 0; from < group.length && small > 0; from += chunk) writer.write(group.subarray(from, from + chunk), large);
  }
  return { levels, code: writer.finish() };
}

/**
 * The vector of so many values that some bytes stand for; also bytes that no vector is written in may stand for one.
 * @throws {BadSubmission} when levels are not finite or do not rise, or a value lies outside its chunk
 */
export function readTopK({ levels, code }: TopKCode, { size, chunk, keep }: TopK & { readonly size: number }): Float32Array {
  if (levels.length !== levelsOf(size)) throw new BadSubmission(`Expected ${levelsOf(size)} levels of ${size} values, got ${levels.length}`);
  const reader = new TopKReader({ chunk, keep }, code);
  const vector = new Float32Array(size);
  for (let g = 0; g < levels.length / 2; g++) {
    const [small, large] = [levels[2 * g]!, levels[2 * g + 1]!];
    const rise = small >= 0 && (large === 0 || (small > 0 && large > small && large < Infinity));
    if (!rise || !(small < Infinity)) throw new BadSubmission(`Expected two finite levels that rise in group ${g}, got ${small} and ${large}`);
    const group = vector.subarray(g * GROUP, (g + 1) * GROUP);
    for (let from = 0; from < group.length && small > 0; from += chunk) reader.read(group.subarray(from, from + chunk), [small, large]);
  }
  return vector;
}

class TopKWriter {
  readonly #encoder: ArithmeticEncoder;
  readonly #chunk: number;
  readonly #keep: number;
  #before = 0;

  constructor(chunk: number, keep: number) {
    this.#encoder = new ArithmeticEncoder(contextsOf(chunk));
    this.#chunk = chunk;
    this.#keep = keep;
  }

  /** @param large the larger magnitude of two, 0 where there is one */
  write(values: Float32Array, large: number): void {
    let [at, kept] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) continue;
      if (kept === this.#keep) throw new RangeError(`Expected at most ${this.#keep} values in a chunk, got more`);
      this.#encoder.write(MORE + Math.min(kept, 1), 1);
      this.#writeNumber(i - at);
      this.#encoder.write(SIGN, value < 0 ? 1 : 0);
      if (large > 0) this.#writeMagnitude(Math.abs(value) === large ? 1 : 0);
      at = i + 1;
      kept++;
    }
    if (kept < this.#keep && at < values.length) this.#encoder.write(MORE + Math.min(kept, 1), 0);
  }

  finish(): Uint8Array {
    return this.#encoder.finish();
  }

  #writeNumber(number: number): void {
    let node = 1;
    for (let half = this.#chunk / 2; half >= 1; half /= 2) {
      const bit = (number & half) === 0 ? 0 : 1;
      this.#encoder.write(TREE + node, bit);
      node = 2 * node + bit;
    }
  }

  #writeMagnitude(bit: number): void {
    this.#encoder.write(MAGNITUDE + this.#before, bit);
    this.#before = bit;
  }
}

class TopKReader {
  readonly #decoder: ArithmeticDecoder;
  readonly #chunk: number;
  readonly #keep: number;
  #before = 0;

  constructor({ chunk, keep }: TopK, code: Uint8Array) {
    this.#decoder = new ArithmeticDecoder(contextsOf(chunk), code);
    this.#chunk = chunk;
    this.#keep = keep;
  }

  /** @param values zeros, which it fills in */
  read(values: Float32Array, [small, large]: readonly [number, number]): void {
    let at = 0;
    for (let kept = 0; kept < this.#keep && at < values.length; kept++) {
      if (this.#decoder.read(MORE + Math.min(kept, 1)) === 0) return;
      at += this.#readNumber();
      if (at >= values.length) throw new BadSubmission(`Expected a value within a chunk of ${values.length}, got one at ${at}`);
      const sign = this.#decoder.read(SIGN) === 0 ? 1 : -1;
      values[at++] = sign * (large > 0 && this.#readMagnitude() === 1 ? large : small);
    }
  }

  #readNumber(): number {
    let node = 1;
    while (node < this.#chunk) node = 2 * node + this.#decoder.read(TREE + node);
    return node - this.#chunk;
  }

  #readMagnitude(): number {
    return (this.#before = this.#decoder.read(MAGNITUDE + this.#before));
  }
}

/** @returns the smaller first, 0 for one that there is not */
function magnitudesOf(group: Float32Array): readonly [number, number] {
  let [small, large] = [0, 0];
  for (const value of group) {
    const magnitude = Math.abs(value);
    if (magnitude === 0 || magnitude === small || magnitude === large) continue;
    if (large !== 0) throw new RangeError(`Expected two magnitudes in a group, ${small} and ${large}, got ${magnitude} too`);
    [small, large] = small === 0 ? [magnitude, 0] : [Math.min(small, magnitude), Math.max(small, magnitude)];
  }
  return [small, large];
}
