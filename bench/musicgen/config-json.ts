import { padCode } from '../../genki/music/config.ts';
import type { Size } from './sizes.ts';

const FRAME_RATE = 50;
const T5_KIND = { model_type: 't5', feed_forward_proj: 'relu', dropout_rate: 0, is_encoder_decoder: false, use_cache: false } as const;

/** Hugging Face's `config.json` of a model of this size, with a text encoder and a codec that are as small as can be. */
export function configJson({ decoder, textSize }: Size): object {
  const pad = padCode(decoder);
  return {
    architectures: ['MusicgenForConditionalGeneration'],
    model_type: 'musicgen',
    is_encoder_decoder: true,
    dtype: 'float32',
    text_encoder: { ...T5_KIND, vocab_size: 64, d_model: textSize, d_kv: 8, d_ff: 16, num_layers: 2, num_heads: 2, relative_attention_num_buckets: 8, relative_attention_max_distance: 16 },
    audio_encoder: codecJson(decoder),
    decoder: {
      model_type: 'musicgen_decoder',
      vocab_size: decoder.vocabSize,
      max_position_embeddings: decoder.maxPositions,
      num_hidden_layers: decoder.numLayers,
      ffn_dim: decoder.ffnDim,
      num_attention_heads: decoder.numHeads,
      hidden_size: decoder.hiddenSize,
      num_codebooks: decoder.numCodebooks,
      audio_channels: 1,
      activation_function: 'gelu',
      dropout: 0,
      attention_dropout: 0,
      activation_dropout: 0,
      layerdrop: 0,
      ...tokens(pad),
    },
  };
}

/** Hugging Face's `generation_config.json`. */
export const generationConfigJson = ({ decoder }: Size): object => tokens(padCode(decoder));

const tokens = (pad: number): object => ({ pad_token_id: pad, bos_token_id: pad, decoder_start_token_id: pad });

function codecJson({ vocabSize, numCodebooks }: Size['decoder']): object {
  const bits = Math.ceil(Math.log2(vocabSize));
  return {
    model_type: 'encodec',
    target_bandwidths: [(numCodebooks * bits * FRAME_RATE) / 1000],
    sampling_rate: 640 * FRAME_RATE,
    audio_channels: 1,
    normalize: false,
    chunk_length_s: null,
    overlap: null,
    hidden_size: 8,
    num_filters: 2,
    num_residual_layers: 1,
    upsampling_ratios: [8, 5, 4, 4],
    norm_type: 'weight_norm',
    kernel_size: 7,
    last_kernel_size: 7,
    residual_kernel_size: 3,
    dilation_growth_rate: 2,
    use_causal_conv: false,
    pad_mode: 'reflect',
    compress: 2,
    num_lstm_layers: 2,
    trim_right_ratio: 1,
    codebook_size: vocabSize,
    codebook_dim: 8,
    use_conv_shortcut: false,
  };
}
