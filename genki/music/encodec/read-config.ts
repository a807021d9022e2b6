import * as z from 'zod';
import { InvalidInput } from '../../errors.ts';
import { tellingFields } from '../musicgen/harmless-fields.ts';
import type { EncodecConfig } from './config.ts';
import { hopOf } from './layers.ts';

const count = z.int().positive().max(2 ** 20);
const few = z.int().positive().max(16);

/** Absent fields have the values that Hugging Face's `EncodecConfig` gives them. */
const Fields = z.strictObject({
  model_type: z.literal('encodec').optional(),
  target_bandwidths: z.array(z.number().positive()).min(1).default([1.5, 3, 6, 12, 24]),
  sampling_rate: count.default(24_000),
  audio_channels: z.union([z.literal(1), z.literal(2)]).default(1),
  normalize: z.literal(false, 'expected false: the codes of such a codec come with a scale, which MusicGen has no place for').default(false),
  chunk_length_s: z.null('expected null: only sound in one frame of codes can be coded').default(null),
  overlap: z.null('expected null: only sound in one frame of codes can be coded').default(null),
  hidden_size: count.default(128),
  num_filters: count.default(32),
  num_residual_layers: few.default(1),
  upsampling_ratios: z.array(count).min(1).max(8).default([8, 5, 4, 2]),
  norm_type: z.enum(['weight_norm', 'time_group_norm']).default('weight_norm'),
  kernel_size: count.default(7),
  last_kernel_size: count.default(7),
  residual_kernel_size: count.default(3),
  dilation_growth_rate: few.default(2),
  use_causal_conv: z.boolean().default(true),
  pad_mode: z.enum(['reflect', 'constant', 'replicate']).default('reflect'),
  compress: count.default(2),
  num_lstm_layers: few.default(2),
  trim_right_ratio: z.number().min(0).max(1).default(1),
  codebook_size: z.int().min(2).max(2 ** 16).default(1024),
  codebook_dim: count.nullish(),
  use_conv_shortcut: z.boolean().default(true),
});

/**
 * The configuration of an audio codec out of Hugging Face's, as `audio_encoder` of a MusicGen's `config.json` holds it.
 * @param numQuantizers codebooks that the model uses; the largest of `target_bandwidths` bounds them
 * @throws {InvalidInput} naming each field that is unknown, out of range or of a kind that is not supported
 */
export function readEncodecConfig(json: unknown, { numQuantizers }: { readonly numQuantizers: number }): EncodecConfig {
  const parsed = Fields.safeParse(telling(json));
  if (!parsed.success) throw new InvalidInput(`Expected an EnCodec config, got one with\n${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  const config: EncodecConfig = {
    sampleRate: data.sampling_rate,
    audioChannels: data.audio_channels,
    hiddenSize: data.hidden_size,
    numFilters: data.num_filters,
    numResidualLayers: data.num_residual_layers,
    upsamplingRatios: data.upsampling_ratios,
    kernelSize: data.kernel_size,
    lastKernelSize: data.last_kernel_size,
    residualKernelSize: data.residual_kernel_size,
    dilationGrowthRate: data.dilation_growth_rate,
    compress: data.compress,
    numLstmLayers: data.num_lstm_layers,
    codebookSize: data.codebook_size,
    numQuantizers,
    isCausal: data.use_causal_conv,
    padMode: data.pad_mode,
    trimRightRatio: data.trim_right_ratio,
    normType: data.norm_type,
    useConvShortcut: data.use_conv_shortcut,
    normalize: data.normalize,
  };
  checkTogether(config, data.codebook_dim ?? data.hidden_size);
  const most = quantizersFor(config, Math.max(...data.target_bandwidths));
  if (!Number.isInteger(numQuantizers) || numQuantizers < 1 || numQuantizers > most) throw new InvalidInput(`Expected 1 to ${most} codebooks, as target_bandwidths allow, got ${numQuantizers}`);
  return config;
}

/** @param bandwidth in kbit/s */
const quantizersFor = (config: EncodecConfig, bandwidth: number): number =>
  Math.floor((bandwidth * 1000) / (Math.ceil(config.sampleRate / hopOf(config)) * Math.ceil(Math.log2(config.codebookSize))));

const telling = (json: unknown): unknown => {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return { ...tellingFields(json), ...('model_type' in json ? { model_type: json.model_type } : {}) };
};

/** What no field tells alone. */
function checkTogether(config: EncodecConfig, codebookDim: number): void {
  const { hiddenSize, codebookSize, isCausal, trimRightRatio, normType, numFilters, compress, upsamplingRatios, dilationGrowthRate, numResidualLayers } = config;
  if (codebookDim !== hiddenSize) throw new InvalidInput(`Expected codebook_dim to be hidden_size, ${hiddenSize}, got ${codebookDim}`);
  if (!Number.isInteger(Math.log2(codebookSize))) throw new InvalidInput(`Expected codebook_size to be a power of 2, got ${codebookSize}`);
  if (!isCausal && trimRightRatio !== 1) throw new InvalidInput(`Expected trim_right_ratio 1 without use_causal_conv, got ${trimRightRatio}`);
  if (isCausal && normType === 'time_group_norm') throw new InvalidInput('Expected norm_type weight_norm with use_causal_conv, got time_group_norm');
  if (compress > numFilters) throw new InvalidInput(`Expected compress to be at most num_filters, ${numFilters}, got ${compress}`);
  if (hopOf(config) > 2 ** 20) throw new InvalidInput(`Expected upsampling_ratios with a product of at most ${2 ** 20}, got ${upsamplingRatios.join(', ')}`);
  if (dilationGrowthRate ** (numResidualLayers - 1) > 2 ** 20) throw new InvalidInput(`Expected dilations of at most ${2 ** 20}, got dilation_growth_rate ${dilationGrowthRate} and num_residual_layers ${numResidualLayers}`);
}
