import type { Engine } from '../../engine/engine.ts';
import { InvalidInput } from '../../errors.ts';
import type { TensorSource } from '../../protocol/tensor-source.ts';
import { Turns } from '../../store/turns.ts';
import { type Codes, newCodes } from '../clip.ts';
import { type Audio, checkCodes, checkSound, type Codec } from '../codec.ts';
import type { EncodecConfig } from './config.ts';
import { hopOf, widestOf } from './layers.ts';
import { columnsOf, keepPiece, type PieceSize, piecesOf } from './pieces.ts';
import { StageRunner, type Values } from './stage-runner.ts';
import { codeNames, codesToFeatures, featuresToCodes, featuresToSound, pieceSizes, soundToFeatures } from './stages.ts';

/** Of the largest value of a piece: 16 MiB. At MusicGen's size that is 2 s of sound, and 5 minutes in one span. */
const PIECE_VALUES = 2 ** 22;
/** Where norms look at all of a sound, so that it cannot be cut: 256 MiB. */
const WHOLE_VALUES = 2 ** 26;

/**
 * EnCodec, with the weights of a model in Hugging Face's layout, read when they are first needed.
 *
 * Sound is computed in pieces with as much around them as the convolutions look at, so what comes out is what one pass
 * would give, but for rounding. Only the LSTM looks back further: where a sound has more frames than one run of it holds
 * (5 minutes of MusicGen's), it starts anew 512 frames early, which one pass would not. Sound is coded as it is: samples
 * beyond ±1 are not clipped, and no more are those that come out.
 *
 * @param from the model's tensors, and what their names begin with, such as `audio_encoder.`; it stays the caller's
 * @param pieceValues about how many values the largest tensor of a run has, which bounds the memory
 * @throws {InvalidInput} for a codec that keeps a scale beside its codes (`normalize`)
 */
export function encodecCodec(engine: Engine, from: { readonly config: EncodecConfig; readonly weights: TensorSource; readonly prefix: string }, pieceValues = PIECE_VALUES): Codec {
  return new EncodecCodec(engine, from, pieceValues);
}

/** A sound that is not cut. */
const WHOLE: PieceSize = { size: Infinity, context: 0 };

class EncodecCodec implements Codec {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly frameRate: number;
  readonly numCodebooks: number;
  readonly vocabSize: number;
  readonly #config: EncodecConfig;
  readonly #hop: number;
  readonly #sizes: { readonly spans: PieceSize; readonly pieces: PieceSize };
  readonly #stages: { readonly [Name in keyof typeof STAGES]: StageRunner };
  readonly #turns = new Turns();

  constructor(engine: Engine, { config, ...from }: { config: EncodecConfig; weights: TensorSource; prefix: string }, pieceValues: number) {
    if (config.normalize) throw new InvalidInput('Expected an audio codec with normalize false, got true');
    const runner = (name: keyof typeof STAGES): StageRunner => new StageRunner(engine, STAGES[name](config), from);
    this.#config = config;
    this.#hop = hopOf(config);
    this.sampleRate = config.sampleRate;
    this.channels = config.audioChannels;
    this.frameRate = config.sampleRate / this.#hop;
    this.numCodebooks = config.numQuantizers;
    this.vocabSize = config.codebookSize;
    this.#sizes = isCut(config) ? pieceSizes(config, pieceValues) : { spans: WHOLE, pieces: WHOLE };
    this.#stages = { codesToFeatures: runner('codesToFeatures'), featuresToSound: runner('featuresToSound'), soundToFeatures: runner('soundToFeatures'), featuresToCodes: runner('featuresToCodes') };
  }

  async decode(codes: Codes, frames: number): Promise<Audio> {
    this.#checkLength(frames);
    checkCodes(this, codes, frames);
    const sound = await this.#turns.take('run', undefined, () => this.#soundOf(codes, frames));
    return { channels: rowsOf(sound, this.channels), sampleRate: this.sampleRate };
  }

  async encode(channels: readonly Float32Array[]): Promise<{ codes: Codes; frames: number }> {
    const frames = Math.ceil(checkSound(this, channels) / this.#hop);
    this.#checkLength(frames);
    return { codes: await this.#turns.take('run', undefined, () => this.#codesOf(channels, frames)), frames };
  }

  async dispose(): Promise<void> {
    await this.#turns.take('run', undefined, async () => {
      for (const stage of Object.values(this.#stages)) await stage.dispose();
    });
  }

  /** [numCodebooks, frames] -> [channels, frames · hop]. */
  async #soundOf(codes: Codes, frames: number): Promise<Float32Array> {
    const out = { out: new Float32Array(this.channels * frames * this.#hop), rows: this.channels, scale: this.#hop };
    for (const span of piecesOf(frames, this.#sizes.spans)) {
      const width = span.to - span.from;
      const ids = rowsOf(codes, this.numCodebooks).map((row): Values => ({ values: Int32Array.from(row.subarray(span.from, span.to)), shape: [1, width] }));
      const { features } = await this.#stages.codesToFeatures.run(width, Object.fromEntries(codeNames(this.#config).map((name, k) => [name, ids[k]!])));
      keepPiece(await this.#soundOfFeatures(features as Float32Array, width), span, out);
    }
    return out.out;
  }

  /** [widest, frames] -> [channels, frames · hop]. */
  async #soundOfFeatures(features: Float32Array, frames: number): Promise<Float32Array> {
    const out = { out: new Float32Array(this.channels * frames * this.#hop), rows: this.channels, scale: this.#hop };
    for (const piece of piecesOf(frames, this.#sizes.pieces)) {
      const width = piece.to - piece.from;
      const { sound } = await this.#stages.featuresToSound.run(width, { features: { values: columnsOf(features, frames, piece), shape: [1, widestOf(this.#config), width] } });
      keepPiece(sound as Float32Array, piece, out);
    }
    return out.out;
  }

  /** [channels][samples] -> [numCodebooks, frames]. */
  async #codesOf(channels: readonly Float32Array[], frames: number): Promise<Codes> {
    const codes = newCodes(this.vocabSize, this.numCodebooks * frames);
    for (const span of piecesOf(frames, this.#sizes.spans)) {
      const width = span.to - span.from;
      const features = await this.#featuresOf(channels.map((samples) => samples.subarray(span.from * this.#hop, span.to * this.#hop)), width);
      const ids = await this.#stages.featuresToCodes.run(width, { features: { values: features, shape: [1, widestOf(this.#config), width] } });
      codeNames(this.#config).forEach((name, k) => keepPiece(ids[name]!, span, { out: rowsOf(codes, this.numCodebooks)[k]!, rows: 1, scale: 1 }));
    }
    return codes;
  }

  /** [channels][samples] -> [widest, frames]. */
  async #featuresOf(channels: readonly Float32Array[], frames: number): Promise<Float32Array> {
    const out = { out: new Float32Array(widestOf(this.#config) * frames), rows: widestOf(this.#config), scale: 1 };
    for (const piece of piecesOf(frames, this.#sizes.pieces)) {
      const sound = joined(channels.map((samples) => samples.subarray(piece.from * this.#hop, piece.to * this.#hop)));
      const samples = sound.length / channels.length;
      const { features } = await this.#stages.soundToFeatures.run(samples, { sound: { values: sound, shape: [1, channels.length, samples] } });
      keepPiece(features as Float32Array, piece, out);
    }
    return out.out;
  }

  #checkLength(frames: number): void {
    const most = Math.floor(WHOLE_VALUES / (this.#config.numFilters * this.#hop));
    if (!isCut(this.#config) && frames > most) throw new InvalidInput(`Expected at most ${most} frames for a codec with time_group_norm, got ${frames}`);
  }
}

const STAGES = { codesToFeatures, featuresToSound, soundToFeatures, featuresToCodes } as const;

/** Whether a part of a sound tells all that a part of the result depends on. */
const isCut = ({ normType }: EncodecConfig): boolean => normType === 'weight_norm';

/** The rows of a matrix, as views. */
function rowsOf<T extends Codes | Float32Array>(values: T, rows: number): T[] {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width) as T);
}

function joined(channels: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(channels.reduce((total, { length }) => total + length, 0));
  channels.forEach((samples, c) => out.set(samples, c * samples.length));
  return out;
}
