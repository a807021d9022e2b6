/** T5's encoder (Raffel et al. 2020); the fields are those of Hugging Face's `T5Config`. */
export type T5Config = {
  readonly vocabSize: number;
  /** Of the states that it gives: `d_model`. */
  readonly hiddenSize: number;
  /** Of one head: `d_kv`; heads times this may be another size than `hiddenSize`. */
  readonly headSize: number;
  readonly ffnDim: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly relativeBuckets: number;
  readonly relativeMaxDistance: number;
  readonly epsilon: number;
  readonly activation: 'relu' | 'gelu' | 'gelu_new';
  /** Whether the feed-forward layer has a gate: act(x wi_0) · (x wi_1). */
  readonly isGated: boolean;
};
