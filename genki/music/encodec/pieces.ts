/** A part of a sequence to be computed, `from` … `to`, and what of its result is kept. */
export type Piece = { readonly from: number; readonly to: number; readonly keepFrom: number; readonly keepTo: number };

/** How long a piece is, and how far from its ends, where it was cut out, its result is no more the whole's. */
export type PieceSize = { readonly size: number; readonly context: number };

/**
 * Cuts a sequence into pieces of one size, the last one moved back to end with it; what they keep covers each element
 * once. A sequence that is no longer than a piece is one.
 * @throws {RangeError} when a piece would keep nothing
 */
export function piecesOf(length: number, { size, context }: PieceSize): Piece[] {
  if (size <= 2 * context) throw new RangeError(`Expected pieces longer than 2 · ${context}, got ${size}`);
  const pieces: Piece[] = [];
  for (let keepFrom = 0; keepFrom < length; keepFrom = pieces.at(-1)!.keepTo) {
    const from = Math.max(0, Math.min(keepFrom - context, length - size));
    const to = Math.min(length, from + size);
    pieces.push({ from, to, keepFrom, keepTo: to === length ? length : to - context });
  }
  return pieces;
}

type Values = Float32Array | Int32Array | Uint8Array | Uint16Array;

/** Columns of a matrix: [rows, width] -> [rows, to − from]. */
export function columnsOf(values: Float32Array, width: number, { from, to }: { readonly from: number; readonly to: number }): Float32Array {
  if (from === 0 && to === width) return values;
  const rows = values.length / width;
  const out = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++) out.set(values.subarray(row * width + from, row * width + to), row * (to - from));
  return out;
}

/**
 * Puts what a piece keeps into the whole.
 * @param values of the piece, [rows, (to − from) · scale]
 * @param out of the whole, [rows, length · scale]
 * @param scale how many columns an element makes
 */
export function keepPiece(values: Values, piece: Piece, { out, rows, scale }: { readonly out: Values; readonly rows: number; readonly scale: number }): void {
  const width = values.length / rows;
  const wholeWidth = out.length / rows;
  const [from, to] = [(piece.keepFrom - piece.from) * scale, (piece.keepTo - piece.from) * scale];
  for (let row = 0; row < rows; row++) out.set(values.subarray(row * width + from, row * width + to), row * wholeWidth + piece.keepFrom * scale);
}
