/** One clip as an embedder hears it. */
export type Heard = {
  /** Of the whole clip, of length 1: shape [dimensions]. */
  readonly clip: Float32Array;
  /** Of each of its windows, as the network puts them out: shape [windows][dimensions]. A Fréchet distance is taken over these. */
  readonly windows: readonly Float32Array[];
};

/**
 * Puts sound and words into one space, where what fits together lies close: contrastive language-audio pretraining.
 * The same input gives the same output, to the last bit on one machine.
 */
export interface Embedder {
  /** Kind, and the digest or revision of its files: what a report records. */
  readonly name: string;
  /** Of the samples that it wants, Hz. */
  readonly sampleRate: number;
  readonly dimensions: number;
  /**
   * @returns one row a caption, of length 1: shape [captions][dimensions]
   * @throws {InvalidInput} for no caption at all, or one that it has no word of
   */
  text(captions: readonly string[]): Promise<Float32Array[]>;
  /**
   * @param clips mono at `sampleRate`, −1 … 1, each of any length above 0
   * @param seed decides where clips longer than a window are cut
   * @throws {InvalidInput} naming the clip that is empty or has a sample that is not a number
   */
  audio(clips: readonly Float32Array[], seed: string): Promise<Heard[]>;
  dispose(): Promise<void>;
}

/** Which embedder a competition listens with; the same files for everybody. */
export type EmbedderSpec =
  /** Ours, in `dama/clap-nano`, by the content digest of its tensors. */
  | { readonly kind: 'clap-nano'; readonly digest: string }
  /** LAION-CLAP as ONNX, from the hub at a pinned revision (40 hex) or a folder with the same files; `digest` is the base64 sha256 over its files (`dirDigest`). */
  | { readonly kind: 'laion-clap'; readonly repository: string; readonly revision: string; readonly digest: string };
