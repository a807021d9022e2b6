/** Below the least likely piece, in nats. */
const UNKNOWN_PENALTY = 10;

/**
 * Cuts words into the pieces that are most likely together (Kudo 2018, by Viterbi 1967). Scores are summed in float64; of
 * equal sums the one with the longest last piece stands, and neighbours that are unknown are one token, as in `tokenizers`
 * 0.22.
 */
export class Unigram {
  readonly #pieces: ReadonlyMap<string, { readonly id: number; readonly score: number }>;
  readonly #longest: number;
  readonly #unknown: { readonly id: number; readonly score: number };

  /** @param pieces with their log probabilities, by id */
  constructor(pieces: readonly (readonly [string, number])[], unknownId: number) {
    this.#pieces = new Map(pieces.map(([piece, score], id) => [piece, { id, score }]));
    this.#longest = pieces.reduce((longest, [piece]) => Math.max(longest, piece.length), 1);
    this.#unknown = { id: unknownId, score: pieces.reduce((least, [, score]) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY };
  }

  id(piece: string): number | undefined {
    return this.#pieces.get(piece)?.id;
  }

  /** The ids of the word's pieces. */
  encode(word: string): number[] {
    const scores = new Float64Array(word.length + 1).fill(-Infinity);
    const ids = new Int32Array(word.length + 1);
    const begins = new Int32Array(word.length + 1);
    scores[0] = 0;
    const consider = (from: number, to: number, { id, score }: { readonly id: number; readonly score: number }): void => {
      const sum = scores[from]! + score;
      if (sum > scores[to]!) [scores[to], ids[to], begins[to]] = [sum, id, from];
    };
    for (let from = 0; from < word.length; ) {
      const next = from + (word.codePointAt(from)! > 0xffff ? 2 : 1);
      for (let to = next; to <= Math.min(word.length, from + this.#longest); to++) {
        const piece = this.#pieces.get(word.slice(from, to));
        if (piece !== undefined) consider(from, to, piece);
      }
      if (!this.#pieces.has(word.slice(from, next))) consider(from, next, this.#unknown);
      from = next;
    }
    return this.#backtrack(ids, begins);
  }

  #backtrack(ids: Int32Array, begins: Int32Array): number[] {
    const found: number[] = [];
    for (let to = ids.length - 1; to > 0; to = begins[to]!) {
      const isFused = ids[to] === this.#unknown.id && found.at(-1) === this.#unknown.id;
      if (!isFused) found.push(ids[to]!);
    }
    return found.reverse();
  }
}
