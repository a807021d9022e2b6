/** A codec's codes: 16 bits each where a codebook has more than 256 of them. */
export type Codes = Uint8Array | Uint16Array;

/** So many codes of 0, as wide as a codebook of `vocabSize` needs. */
export const newCodes = (vocabSize: number, length: number): Codes => (vocabSize > 256 ? new Uint16Array(length) : new Uint8Array(length));

/** A piece of music as a codec's codes, with what is said of it. */
export type Clip = {
  /** Codes by codebook, then frame: shape [numCodebooks, frames], row-major. */
  readonly codes: Codes;
  readonly numCodebooks: number;
  readonly frames: number;
  readonly caption: string;
  /** The group that a held-out loss is reported under. */
  readonly style: string;
};
