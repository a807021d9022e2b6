import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { readEncodecConfig } from '../../../../genki/music/encodec/read-config.ts';
import { goldenJson } from '../support/goldens.ts';

/** What `facebook/musicgen-small` has as its `audio_encoder`, but for what any model's configuration has. */
const MUSICGEN = {
  model_type: 'encodec', target_bandwidths: [2.2], sampling_rate: 32_000, audio_channels: 1, normalize: false, chunk_length_s: null, overlap: null, hidden_size: 128,
  num_filters: 64, num_residual_layers: 1, upsampling_ratios: [8, 5, 4, 4], norm_type: 'weight_norm', kernel_size: 7, last_kernel_size: 7, residual_kernel_size: 3,
  dilation_growth_rate: 2, use_causal_conv: false, pad_mode: 'reflect', compress: 2, num_lstm_layers: 2, trim_right_ratio: 1, codebook_size: 2048, codebook_dim: 128,
  use_conv_shortcut: false,
};

const read = (changes: object, numQuantizers = 4) => readEncodecConfig({ ...MUSICGEN, ...changes }, { numQuantizers });

describe('readEncodecConfig', () => {
  it("reads MusicGen's", () => {
    expect(read({})).toEqual({
      sampleRate: 32_000, audioChannels: 1, hiddenSize: 128, numFilters: 64, numResidualLayers: 1, upsamplingRatios: [8, 5, 4, 4], kernelSize: 7, lastKernelSize: 7,
      residualKernelSize: 3, dilationGrowthRate: 2, compress: 2, numLstmLayers: 2, codebookSize: 2048, numQuantizers: 4, isCausal: false, padMode: 'reflect',
      trimRightRatio: 1, normType: 'weight_norm', useConvShortcut: false, normalize: false,
    });
  });

  it("takes absent fields as Hugging Face's defaults, those of the codec for 24 kHz", () => {
    expect(readEncodecConfig({}, { numQuantizers: 32 })).toMatchObject({ sampleRate: 24_000, numFilters: 32, upsamplingRatios: [8, 5, 4, 2], isCausal: true, useConvShortcut: true, codebookSize: 1024 });
  });

  it('lets through what any model may carry', () => {
    const harmless = { _name_or_path: 'facebook/encodec_32khz', torch_dtype: 'float32', architectures: ['EncodecModel'], id2label: { 0: 'LABEL_0' }, pruned_heads: {}, do_sample: false, max_length: 20, use_bfloat16: false };
    expect(read(harmless)).toEqual(read({}));
  });

  it('bounds the codebooks by the largest bandwidth', () => {
    // 2.2 kbit/s are 4 codebooks of 11 bits at 50 frames a second
    expect(() => read({}, 5)).toThrow(new InvalidInput('Expected 1 to 4 codebooks, as target_bandwidths allow, got 5'));
    expect(read({ target_bandwidths: [4.4, 1.1] }, 8).numQuantizers).toBe(8);
    for (const none of [0, -1, 1.5, NaN]) expect(() => read({}, none)).toThrow('Expected 1 to 4 codebooks');
  });

  it.each<[string, object, string]>([
    ['an unknown field', { use_attention: true }, 'Unrecognized key: "use_attention"'],
    ['another model', { model_type: 'dac' }, 'model_type'],
    ['a scale beside the codes', { normalize: true }, 'normalize'],
    ['chunks', { chunk_length_s: 1 }, 'chunk_length_s'],
    ['chunks that overlap', { overlap: 0.01 }, 'overlap'],
    ['another norm', { norm_type: 'layer_norm' }, 'norm_type'],
    ['another padding', { pad_mode: 'circular' }, 'pad_mode'],
    ['three channels', { audio_channels: 3 }, 'audio_channels'],
    ['no ratio', { upsampling_ratios: [] }, 'upsampling_ratios'],
    ['a ratio of 0', { upsampling_ratios: [8, 0] }, 'upsampling_ratios'],
    ['no bandwidth', { target_bandwidths: [] }, 'target_bandwidths'],
    ['a text for a number', { kernel_size: '7' }, 'kernel_size'],
    ['no LSTM', { num_lstm_layers: 0 }, 'num_lstm_layers'],
    ['vectors of another size than the latent', { codebook_dim: 64 }, 'codebook_dim to be hidden_size, 128, got 64'],
    ['codebooks of 1000', { codebook_size: 1000 }, 'codebook_size to be a power of 2, got 1000'],
    ['codebooks beyond 16 bits', { codebook_size: 2 ** 17 }, 'codebook_size'],
    ['trimming that only a causal codec has', { trim_right_ratio: 0.5 }, 'trim_right_ratio 1 without use_causal_conv, got 0.5'],
    ['group norms in a causal codec', { norm_type: 'time_group_norm', use_causal_conv: true }, 'norm_type weight_norm with use_causal_conv, got time_group_norm'],
    ['blocks narrowed to nothing', { compress: 65 }, 'compress to be at most num_filters, 64, got 65'],
    ['a hop of hours', { upsampling_ratios: [1024, 1024, 2] }, 'upsampling_ratios'],
    ['dilations of hours', { num_residual_layers: 16, dilation_growth_rate: 16 }, 'dilation'],
  ])('refuses %s by name', (_, changes, named) => {
    expect(() => read(changes)).toThrow(InvalidInput);
    expect(() => read(changes)).toThrow(named);
  });

  it('refuses what is no object', () => {
    for (const json of [null, 'encodec', [MUSICGEN], 7]) expect(() => readEncodecConfig(json, { numQuantizers: 4 })).toThrow(InvalidInput);
  });

  it('reads the golden ones', () => {
    expect(readEncodecConfig(goldenJson('encodec/grouped.json'), { numQuantizers: 3 }).normType).toBe('time_group_norm');
  });
});
