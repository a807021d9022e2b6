import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { type MusicConfig, readMusicConfig } from '../../../../genki/music/config.ts';
import { decoderLinears, size, weightSpecs } from '../../../../genki/music/weights.ts';
import { goldenJson } from '../support/goldens.ts';

type Json = Record<string, unknown>;
type Whole = Json & { text_encoder: Json; audio_encoder: Json; decoder: Json };

/** As transformers writes the published models' configurations: with all defaults, and without. */
const PUBLISHED = goldenJson('published-configs.json') as Record<string, { full?: Whole; diff: Whole }>;
const SMALL = PUBLISHED['small']!.diff;
const FULL = PUBLISHED['small']!.full!;

const T5_BASE = { vocabSize: 32128, hiddenSize: 768, headSize: 64, ffnDim: 3072, numLayers: 12, numHeads: 12, relativeBuckets: 32, relativeMaxDistance: 128, epsilon: 1e-6, activation: 'relu', isGated: false } as const;
const DECODER = { vocabSize: 2048, hiddenSize: 1024, numLayers: 24, numHeads: 16, ffnDim: 4096, numCodebooks: 4, maxPositions: 2048 };

const within = (part: 'decoder' | 'text_encoder' | 'audio_encoder', changes: Json, whole = SMALL): Whole => ({ ...whole, [part]: { ...whole[part], ...changes } });
const melody = (changes: Json): Whole => ({ ...PUBLISHED['melody']!.diff, ...changes });

describe('readMusicConfig of a MusicGen', () => {
  it('reads what the published small model is', () => {
    expect(readMusicConfig(SMALL)).toEqual({
      decoder: DECODER,
      text: { kind: 'states', hiddenSize: 768 },
      textEncoder: T5_BASE,
      codec: {
        kind: 'encodec', frameRate: 50, frames: 1500, sampleRate: 32000, audioChannels: 1, hiddenSize: 128, numFilters: 64, numResidualLayers: 1, upsamplingRatios: [8, 5, 4, 4],
        kernelSize: 7, lastKernelSize: 7, residualKernelSize: 3, dilationGrowthRate: 2, compress: 2, numLstmLayers: 2, codebookSize: 2048, numQuantizers: 4, isCausal: false,
        padMode: 'reflect', trimRightRatio: 1, normType: 'weight_norm', useConvShortcut: false, normalize: false,
      },
    } satisfies MusicConfig);
  });

  it.each<[string, Json]>([
    ['medium', { hiddenSize: 1536, numLayers: 48, numHeads: 24, ffnDim: 6144 }],
    ['large', { hiddenSize: 2048, numLayers: 48, numHeads: 32, ffnDim: 8192 }],
    ['stereo-small', { numCodebooks: 8, channels: 2 }],
    ['stereo-medium', { hiddenSize: 1536, numLayers: 48, numHeads: 24, ffnDim: 6144, numCodebooks: 8, channels: 2 }],
    ['stereo-large', { hiddenSize: 2048, numLayers: 48, numHeads: 32, ffnDim: 8192, numCodebooks: 8, channels: 2 }],
  ])('reads the shape of %s', (name, decoder) => {
    const { diff, full } = PUBLISHED[name]!;
    for (const json of full === undefined ? [diff] : [diff, full]) {
      expect(readMusicConfig(json)).toEqual({ ...readMusicConfig(SMALL), decoder: { ...DECODER, ...decoder } });
    }
  });

  it('counts the 420 million parameters of the small language model', () => {
    const specs = weightSpecs(readMusicConfig(SMALL));
    expect(specs.reduce((sum, { shape }) => sum + size(shape), 0)).toBe(420_371_456);
  });

  it('reads what melody is, and counts the 1386 million parameters of its language model', () => {
    const music = readMusicConfig(PUBLISHED['melody']!.diff);
    expect(readMusicConfig(PUBLISHED['melody']!.full)).toEqual(music);
    expect(music.decoder.told).toEqual({ by: 'prefix', chroma: { bins: 12, length: 235 } });
    expect(weightSpecs(music).reduce((sum, { shape }) => sum + size(shape), 0)).toBe(1_385_625_600);
    expect(weightSpecs(music).length).toBe(494);
    expect(decoderLinears(music).length).toBe(48 * 6);
  });

  it('lets through what changes nothing: old fields, training, text generation', () => {
    const old: Whole = {
      ...FULL,
      _commit_hash: null,
      torch_dtype: 'float32',
      text_encoder: { ...FULL.text_encoder, _name_or_path: 't5-base', architectures: ['T5ForConditionalGeneration'], n_positions: 512, output_past: true, task_specific_params: { summarization: { num_beams: 4 } }, torch_dtype: null, torchscript: false },
      audio_encoder: { ...FULL.audio_encoder, _name_or_path: 'facebook/encodec_32khz', architectures: ['EncodecModel'], torch_dtype: 'float32', transformers_version: '4.31.0.dev0' },
      decoder: { ...FULL.decoder, classifier_dropout: 0, layerdrop: 0.1, dropout: 0.3, scale_embedding: true, torch_dtype: 'float16', is_decoder: true, add_cross_attention: true, decoder_start_token_id: 2048 },
    };
    expect(readMusicConfig(old)).toEqual(readMusicConfig(SMALL));
  });

  it('has no projection where the states are as wide as the decoder', () => {
    const music = readMusicConfig(within('decoder', { hidden_size: 768, num_attention_heads: 12 }));
    expect(music.text).toEqual({ kind: 'states', hiddenSize: 768, isProjected: false });
    expect(weightSpecs(music).some(({ name }) => name.startsWith('enc_to_dec_proj'))).toBe(false);
  });

  it('has clips of 30 s, or of what the positions hold', () => {
    const frames = (changes: Json): number => readMusicConfig(within('decoder', changes)).codec.frames;
    expect(frames({ max_position_embeddings: 1503 })).toBe(1500);
    expect(frames({ max_position_embeddings: 1502 })).toBe(1499);
    expect(frames({ max_position_embeddings: 1502, num_codebooks: 8, audio_channels: 2 })).toBe(1499);
  });

  it('takes as many of the codec’s codebooks as the decoder predicts', () => {
    const codec = readMusicConfig(within('decoder', { num_codebooks: 3 })).codec;
    expect(codec).toMatchObject({ numQuantizers: 3 });
  });

  it.each<[Json, string]>([
    [within('decoder', { activation_function: 'silu' }), 'Expected decoder.activation_function of gelu, gelu_new, relu, got "silu"'],
    [within('decoder', { audio_channels: 3 }), 'Expected decoder.audio_channels of 1, 2, got 3'],
    [within('decoder', { hidden_size: 1023 }), 'Expected decoder.hidden_size of an even size of 2 to 1048576, got 1023'],
    [within('decoder', { num_attention_heads: 15 }), 'Expected decoder.hidden_size of a multiple of 15 heads, got 1024'],
    [within('decoder', { num_codebooks: 33 }), 'Expected decoder.num_codebooks of 1 to 32, got 33'],
    [within('decoder', { num_codebooks: 3, audio_channels: 2 }), 'Expected decoder.num_codebooks of a multiple of 2 channels, got 3'],
    [within('decoder', { num_codebooks: 5 }), '1 to 4 codebooks'],
    [within('decoder', { num_codebooks: 10, audio_channels: 2 }), '1 to 4 codebooks'],
    [within('decoder', { num_hidden_layers: 0 }), 'Expected decoder.num_hidden_layers of 1 to 256, got 0'],
    [within('decoder', { ffn_dim: '4096' }), 'Expected decoder.ffn_dim of 1 to 1048576, got "4096"'],
    [within('decoder', { vocab_size: 65536 }), 'Expected decoder.vocab_size of 1 to 65535, got 65536'],
    [within('decoder', { vocab_size: 1024 }), 'Expected decoder.pad_token_id of vocab_size, 1024, got 2048'],
    [within('decoder', { pad_token_id: null }), 'Expected decoder.pad_token_id of vocab_size, 2048, got null'],
    [within('decoder', { bos_token_id: 0 }), 'Expected decoder.bos_token_id of vocab_size, 2048, got 0'],
    [within('decoder', { decoder_start_token_id: 0 }), 'Expected decoder.decoder_start_token_id of vocab_size, 2048, got 0'],
    [within('decoder', { max_position_embeddings: 3 }), 'Expected decoder.max_position_embeddings of more than 3, got 3'],
    [within('decoder', { tie_word_embeddings: true }), 'Expected decoder.tie_word_embeddings of false, got true'],
    [within('decoder', { cross_attention_hidden_size: 768 }), 'Expected decoder.cross_attention_hidden_size of none, got 768'],
    [within('decoder', { pruned_heads: { 1: [0] } }), 'Expected decoder to have known fields, got pruned_heads of {"1":[0]}'],
    [within('decoder', { rope_theta: 1e4 }), 'Expected decoder to have known fields, got rope_theta of 10000'],
    [within('decoder', { model_type: 'musicgen_melody_decoder' }), 'Expected decoder.model_type of musicgen_decoder, got "musicgen_melody_decoder"'],
    [within('text_encoder', { model_type: 'umt5' }), 'Expected text_encoder.model_type of t5, got "umt5"'],
    [within('text_encoder', { feed_forward_proj: 'gated-silu' }), 'Expected text_encoder.feed_forward_proj of'],
    [within('audio_encoder', { model_type: 'dac' }), 'model_type'],
    [within('audio_encoder', { codebook_size: 1024 }), 'Expected audio_encoder.codebook_size of decoder.vocab_size, 2048, got 1024'],
    [within('audio_encoder', { target_bandwidths: [1.1] }), '1 to 2 codebooks'],
    [within('audio_encoder', { normalize: true }), 'normalize'],
    [within('audio_encoder', { audio_channels: 2 }, PUBLISHED['stereo-small']!.diff), 'Expected audio_encoder.audio_channels of 1, as a stereo decoder has left and right apart, got 2'],
    [{ ...SMALL, quantization_config: { bits: 4 } }, 'Expected config.json to have known fields, got quantization_config of {"bits":4}'],
    [{ ...SMALL, tie_encoder_decoder: true }, 'Expected tie_encoder_decoder of false, got true'],
    [{ ...SMALL, decoder: undefined }, 'Expected decoder of its configuration, got none'],
    [{ ...SMALL, text_encoder: [] }, 'Expected text_encoder of its configuration, got []'],
    [{ ...SMALL, num_chroma: 12 }, 'Expected config.json to have known fields, got num_chroma of 12'],
    [melody({ num_chroma: 0 }), 'Expected num_chroma of 1 to 128, got 0'],
    [melody({ chroma_length: 1.5 }), 'Expected chroma_length of 1 to 1048576, got 1.5'],
    [{ ...SMALL, model_type: 'bark' }, 'Expected model_type of musicgen, musicgen_melody, got "bark"'],
    [{ model_type: { a: 1 } }, 'Expected model_type of musicgen, musicgen_melody, got {"a":1}'],
  ])('refuses, case %#: $1', (json, reason) => {
    expect(() => readMusicConfig(json)).toThrow(InvalidInput);
    expect(() => readMusicConfig(json)).toThrow(reason);
  });
});
