/** EnCodec (Défossez et al. 2022); the fields are those of Hugging Face's `EncodecConfig`. */
export type EncodecConfig = {
  readonly sampleRate: number;
  /** Channels of one stream. A stereo MusicGen codes left and right as two mono streams. */
  readonly audioChannels: 1 | 2;
  /** Of the latent, and of the codebooks' vectors. */
  readonly hiddenSize: number;
  readonly numFilters: number;
  readonly numResidualLayers: number;
  /** From the latent to the waveform; the encoder has them the other way round. Their product is the hop. */
  readonly upsamplingRatios: readonly number[];
  readonly kernelSize: number;
  readonly lastKernelSize: number;
  readonly residualKernelSize: number;
  readonly dilationGrowthRate: number;
  /** By what a residual block is narrowed inside. */
  readonly compress: number;
  readonly numLstmLayers: number;
  readonly codebookSize: number;
  /** Codebooks that the model uses. */
  readonly numQuantizers: number;
  readonly isCausal: boolean;
  readonly padMode: 'reflect' | 'constant' | 'replicate';
  /** Of a causal decoder: the part of the padding that is cut off at the right. */
  readonly trimRightRatio: number;
  readonly normType: 'weight_norm' | 'time_group_norm';
  readonly useConvShortcut: boolean;
  /** Whether each clip is brought to an RMS of 1 before it is coded. */
  readonly normalize: boolean;
};
