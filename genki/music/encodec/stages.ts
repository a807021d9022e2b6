import type { Ops, Program, TensorSpec } from '../../engine/engine.ts';
import type { EncodecConfig } from './config.ts';
import { contextOf } from './context.ts';
import { decoderLayers, encoderLayers, hopOf, type Layer, splitAtLstm, widestOf } from './layers.ts';
import { type EncodecNet, runLayers } from './net.ts';
import type { PieceSize } from './pieces.ts';
import { dequantize, quantize } from './quantizer.ts';
import { type CodecWeight, layerWeights, quantizerWeights } from './weights.ts';

/**
 * A part of the codec, as a program for each length. Coding and decoding take two each, parted at the LSTM: on the side
 * of the waveform a result depends only on what lies near, so that it can be computed piece by piece in little memory.
 */
export type Stage = {
  readonly weights: readonly CodecWeight[];
  /** @param length frames; of sound, samples */
  program(length: number): Program;
};

/** int32 `codes.<k>` [B, T] -> `features` [B, widest, T]. */
export function codesToFeatures(config: EncodecConfig): Stage {
  const { before, lstm } = splitAtLstm(decoderLayers(config));
  const layers = [...before, ...lstm];
  const weights = [...quantizerWeights(config).filter(({ name }) => name.endsWith('embed')), ...layerWeights(config, layers)];
  return stage(config, weights, (length) => ({
    name: 'decode-codes',
    inputs: Object.fromEntries(codeNames(config).map((name) => [name, { shape: ['B', length], dtype: 'int32' }])),
    build: (net, input) => ({ features: last(net, layers, { x: dequantize(net, codeNames(config).map(input)), length }) }),
  }));
}

/** `features` [B, widest, T] -> `sound` [B, audioChannels, T · hop]. */
export function featuresToSound(config: EncodecConfig): Stage {
  const { after } = splitAtLstm(decoderLayers(config));
  return stage(config, layerWeights(config, after), (length) => ({
    name: 'decode-features',
    inputs: { features: { shape: ['B', widestOf(config), length], dtype: 'float32' } },
    build: (net, input) => ({ sound: last(net, after, { x: input('features'), length }) }),
  }));
}

/** `sound` [B, audioChannels, samples] -> `features` [B, widest, ⌈samples / hop⌉]. */
export function soundToFeatures(config: EncodecConfig): Stage {
  const { before } = splitAtLstm(encoderLayers(config));
  return stage(config, layerWeights(config, before), (length) => ({
    name: 'encode-sound',
    inputs: { sound: { shape: ['B', config.audioChannels, length], dtype: 'float32' } },
    build: (net, input) => ({ features: last(net, before, { x: input('sound'), length }) }),
  }));
}

/** `features` [B, widest, T] -> int32 `codes.<k>` [B, T]. */
export function featuresToCodes(config: EncodecConfig): Stage {
  const { lstm, after } = splitAtLstm(encoderLayers(config));
  const layers = [...lstm, ...after];
  return stage(config, [...layerWeights(config, layers), ...quantizerWeights(config)], (length) => ({
    name: 'encode-features',
    inputs: { features: { shape: ['B', widestOf(config), length], dtype: 'float32' } },
    build(net, input) {
      const codes = quantize(net, last(net, layers, { x: input('features'), length }));
      return Object.fromEntries(codes.map((ids, k) => [codeNames(config)[k]!, ids]));
    },
  }));
}

export const codeNames = ({ numQuantizers }: EncodecConfig): string[] => Array.from({ length: numQuantizers }, (_, k) => `codes.${k}`);

/** What an LSTM is given to forget where it began. */
const RUN_UP = 512;

/**
 * How a long sound is cut, in frames: into `spans` for the LSTM, which sees all that was before and has to start anew,
 * and each of them into `pieces` for the side of the waveform.
 * @param values about as many as the largest value of a piece has; of a span it is four times as many
 */
export function pieceSizes(config: EncodecConfig, values: number): { readonly spans: PieceSize; readonly pieces: PieceSize } {
  const near = Math.max(
    Math.ceil(contextOf(splitAtLstm(encoderLayers(config)).before) / hopOf(config)),
    contextOf(splitAtLstm(decoderLayers(config)).after),
  );
  const sized = (context: number, perFrame: number): PieceSize => ({ size: Math.max(4 * context, Math.floor(values / perFrame)), context });
  return { spans: sized(RUN_UP, widestOf(config) / 4), pieces: sized(near, config.numFilters * hopOf(config)) };
}

type Computation = {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  build<T>(net: EncodecNet<T>, input: (name: string) => T): Record<string, T>;
};

function stage(config: EncodecConfig, weights: readonly CodecWeight[], computation: (length: number) => Computation): Stage {
  const weightInputs = Object.fromEntries(weights.map(({ name, shape }): [string, TensorSpec] => [name, { shape, dtype: 'float32' }]));
  return {
    weights,
    program(length) {
      const { name, inputs, build } = computation(length);
      return {
        name,
        inputs: { ...weightInputs, ...inputs },
        build: <T>(ops: Ops<T>, values: Readonly<Record<string, T>>) => {
          const input = (of: string): T => values[of]!;
          return build({ ops, config, weight: input }, input);
        },
      };
    },
  };
}

const last = <T>(net: EncodecNet<T>, layers: readonly Layer[], signal: { x: T; length: number }): T => runLayers(net, layers, signal).at(-1)!.x;
