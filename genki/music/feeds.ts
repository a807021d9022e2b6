import type { Engine, Tensor } from '../engine/engine.ts';
import type { Parameter } from './adamw.ts';
import type { Batch } from './batch.ts';
import type { DecoderConfig, LanguageConfig } from './config.ts';
import { MASKED } from './decoder.ts';
import { melodyFeeds, prefixLength } from './melody/melody-feeds.ts';
import { sinusoidalPositions } from './positions.ts';
import type { TextBatch } from './text.ts';

export type Feeds = Record<string, Tensor>;

/**
 * All that a pass over a batch is fed, but for its loss and the weights.
 * @throws {InvalidInput} for melodies that the model cannot follow
 */
export function batchFeeds(engine: Engine, { decoder }: LanguageConfig, batch: Batch): Feeds {
  const told = toldFeeds(engine, decoder, batch.text);
  return { ...sequenceFeeds(engine, decoder, prefixLength(decoder, batch.text) + batch.positions), ...idFeeds(engine, batch), ...told };
}

/**
 * The text and, where the model follows one, a melody.
 * @throws {InvalidInput} for melodies that the model cannot follow
 */
export const toldFeeds = (engine: Engine, decoder: DecoderConfig, text: TextBatch): Feeds => ({ ...melodyFeeds(engine, decoder, text), ...textFeeds(engine, text) });

/** Positions and causal mask of sequences of one length. */
export function sequenceFeeds(engine: Engine, { hiddenSize }: DecoderConfig, length: number): Feeds {
  const causal = new Float32Array(length * length);
  for (let row = 0; row < length; row++) causal.fill(MASKED, row * length + row + 1, (row + 1) * length);
  return {
    positions: engine.tensor(sinusoidalPositions(0, length, hiddenSize), [length, hiddenSize]),
    causal: engine.tensor(causal, [length, length]),
  };
}

/** The codes that the decoder sees. */
export const idFeeds = (engine: Engine, { ids, rows, positions }: Pick<Batch, 'ids' | 'rows' | 'positions'>): Feeds =>
  Object.fromEntries(ids.map((codes, k) => [`ids.${k}`, engine.tensor(codes, [rows, positions])]));

export const labelFeeds = (engine: Engine, { labels, rows, positions, ids }: Batch): Feeds => ({ labels: engine.tensor(labels, [rows, positions, ids.length]) });

export const weightFeeds = (engine: Engine, { weights, rows, positions, ids }: Batch): Feeds => ({ weights: engine.tensor(weights, [rows, positions, ids.length]) });

export const lossFeeds = (engine: Engine, batch: Batch): Feeds => ({ ...labelFeeds(engine, batch), ...weightFeeds(engine, batch) });

export const parameterFeeds = (engine: Engine, parameters: readonly Parameter[]): Feeds => Object.fromEntries(parameters.map(({ name, value, shape }) => [name, engine.tensor(value, shape)]));

export function textFeeds(engine: Engine, { rows, length, mask, content }: TextBatch): Feeds {
  const said: Feeds = content.kind === 'words'
    ? { 'text.ids': engine.tensor(content.ids, [rows, length]) }
    : { 'text.states': engine.tensor(content.states, [rows, length, content.states.length / (rows * length)]) };
  return { ...said, 'text.mask': engine.tensor(mask, [rows, length]) };
}

export function disposeAll(tensors: Feeds): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
