import type { Dim, TensorSpec } from '../engine/engine.ts';
import type { DecoderConfig, LanguageConfig } from './config.ts';
import type { Sizes } from './decoder.ts';
import { textInputs } from './text.ts';

/** What the model's programs have in common: how their inputs are called and of what shape they are. */
export type Inputs<T> = Readonly<Record<string, T>>;
export type Size = (dim: Dim) => Dim;
export type Specs = Record<string, TensorSpec>;

export const float = (...shape: Dim[]): TensorSpec => ({ shape, dtype: 'float32' });
export const int = (...shape: Dim[]): TensorSpec => ({ shape, dtype: 'int32' });
export const floats = (specs: readonly { name: string; shape: readonly number[] }[]): Specs => Object.fromEntries(specs.map(({ name, shape }) => [name, float(...shape)]));
export const sizes = (size: Size, decoder: DecoderConfig): Sizes => ({ B: size('B'), T: size('T'), S: size('S'), L: size(layerLength(decoder)) });

/** How many positions the layers see: the music's, and those of a prefix before it. */
export const layerLength = ({ told }: DecoderConfig): Dim => (told?.by === 'prefix' ? 'L' : 'T');

/** @throws {RangeError} from what it returns, naming an input that the program does not have */
export function byName<T>(inputs: Inputs<T>): (name: string) => T {
  return (name) => {
    const value = inputs[name];
    if (value === undefined) throw new RangeError(`Expected an input ${name}, got none`);
    return value;
  };
}

export const idInputs = ({ numCodebooks }: DecoderConfig): Specs => Object.fromEntries(Array.from({ length: numCodebooks }, (_, k) => [`ids.${k}`, int('B', 'T')]));
export const idsOf = <T>({ numCodebooks }: DecoderConfig, input: (name: string) => T): T[] => Array.from({ length: numCodebooks }, (_, k) => input(`ids.${k}`));

/** The inputs of a pass over whole sequences, but for the weights. */
export function sequenceInputs(config: LanguageConfig): Specs {
  const length = layerLength(config.decoder);
  return { ...idInputs(config.decoder), positions: float(length, config.decoder.hiddenSize), causal: float(length, length), ...textInputs(config) };
}

/** What a loss is taken of: see `Batch`. */
export const lossInputs = ({ decoder }: LanguageConfig): Specs => ({ labels: int('B', 'T', decoder.numCodebooks), weights: float('B', 'T', decoder.numCodebooks) });
