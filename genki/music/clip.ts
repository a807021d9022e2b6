/** A piece of music as a codec's codes, with what is said of it. */
export type Clip = {
  /** Codes by codebook, then frame: shape [numCodebooks, frames], row-major. */
  readonly codes: Uint8Array;
  readonly numCodebooks: number;
  readonly frames: number;
  readonly caption: string;
  /** The group that a held-out loss is reported under. */
  readonly style: string;
};
