import * as z from 'zod';
import type { ChromaConfig, CodecConfig, DecoderConfig, MusicConfig } from '../config.ts';
import { longestDelay } from '../delay-pattern.ts';
import type { EncodecConfig } from '../encodec/config.ts';
import { hopOf } from '../encodec/layers.ts';
import { readEncodecConfig } from '../encodec/read-config.ts';
import { readT5Config } from '../t5/read-config.ts';
import { checkedFields, unsupported } from './checked-fields.ts';
import { readDecoderConfig } from './decoder-config.ts';
import { tellingFields } from './harmless-fields.ts';

/** What MusicGen is trained on at once: the longest clip that it composes in one go. */
const CLIP_SECONDS = 30;

/** By `model_type`, that of the decoder within. */
const DECODERS = { musicgen: 'musicgen_decoder', musicgen_melody: 'musicgen_melody_decoder' } as const;

const part = z.record(z.string(), z.unknown()).describe('its configuration');
const parts = { text_encoder: part, audio_encoder: part, decoder: part };
const chroma = { num_chroma: z.int().min(1).max(128).default(12).describe('1 to 128'), chroma_length: z.int().min(1).max(2 ** 20).default(235).describe(`1 to ${2 ** 20}`) };
const Musicgen = z.strictObject(parts);
const Melody = z.strictObject({ ...parts, ...chroma });
const Chroma = z.looseObject(chroma);

/** Whether it is the configuration of a model of Hugging Face's transformers, of whatever kind. */
export const isHuggingFaceConfig = (json: unknown): json is { readonly model_type: unknown } => typeof json === 'object' && json !== null && Object.hasOwn(json, 'model_type');

/**
 * The configuration of a MusicGen, as Hugging Face's `config.json` holds it: written by transformers 4.31 or later.
 * One clip is 30 s, or what the positions hold.
 * @throws {InvalidInput} naming a field that is missing, unknown, or of a value that is not supported
 */
export function readMusicgenConfig(json: { readonly model_type: unknown }): MusicConfig {
  const { model_type: kind, tie_encoder_decoder: isTied = false } = json as { model_type: unknown; tie_encoder_decoder?: unknown };
  if (kind !== 'musicgen' && kind !== 'musicgen_melody') throw unsupported('model_type', Object.keys(DECODERS).join(', '), kind);
  if (isTied !== false) throw unsupported('tie_encoder_decoder', 'false', isTied);
  const isMelody = kind === 'musicgen_melody';
  const { text_encoder, audio_encoder, decoder: inner } = checkedFields(tellingFields(json), { schema: isMelody ? Melody : Musicgen });
  const textEncoder = readT5Config(text_encoder);
  const { hiddenSize } = textEncoder;
  const decoder: DecoderConfig = { ...readDecoderConfig(inner, DECODERS[kind]), ...(isMelody && { told: { by: 'prefix', chroma: readChroma(json) } }) };
  const { numCodebooks, channels = 1 } = decoder;
  // a file may have a codec of more codebooks than the decoder predicts
  const codec = codecOf(readEncodecConfig(audio_encoder, { numQuantizers: numCodebooks / channels }), decoder);
  return { decoder, text: { kind: 'states', hiddenSize, ...(hiddenSize === decoder.hiddenSize && { isProjected: false }) }, textEncoder, codec };
}

function readChroma(json: object): ChromaConfig {
  const { num_chroma: bins, chroma_length: length } = checkedFields(json, { schema: Chroma });
  return { bins, length };
}

function codecOf(encodec: EncodecConfig, decoder: DecoderConfig): CodecConfig {
  const { channels = 1, vocabSize, maxPositions } = decoder;
  if (encodec.codebookSize !== vocabSize) throw unsupported('audio_encoder.codebook_size', `decoder.vocab_size, ${vocabSize}`, encodec.codebookSize);
  if (channels === 2 && encodec.audioChannels !== 1) throw unsupported('audio_encoder.audio_channels', '1, as a stereo decoder has left and right apart', encodec.audioChannels);
  const frameRate = encodec.sampleRate / hopOf(encodec);
  const frames = Math.min(Math.floor(CLIP_SECONDS * frameRate), maxPositions - longestDelay(decoder));
  if (frames < 1) throw unsupported('decoder.max_position_embeddings', `more than ${longestDelay(decoder)}`, maxPositions);
  return { kind: 'encodec', frameRate, frames, ...encodec };
}
