import type { Engine, Tensor } from '../../engine/engine.ts';
import { InvalidInput } from '../../errors.ts';
import { type ChromaConfig, chromaConfig, type DecoderConfig } from '../config.ts';
import type { TextBatch } from '../text.ts';

/** How many positions stand before the music: a melody and the text; none of a model that is told by cross-attention. */
export function prefixLength(decoder: DecoderConfig, text: Pick<TextBatch, 'length'>): number {
  const chroma = chromaConfig(decoder);
  return chroma === undefined ? 0 : chroma.length + text.length;
}

/**
 * What a batch is told of melodies; nothing for a model that follows none.
 * @throws {InvalidInput} for a melody of another shape than the model's, or one for a model that follows none
 */
export function melodyFeeds(engine: Engine, decoder: DecoderConfig, { rows, melodies = [] }: TextBatch): Record<string, Tensor> {
  const chroma = chromaConfig(decoder);
  if (chroma === undefined) {
    if (melodies.some((melody) => melody !== undefined)) throw new InvalidInput('Expected a model that follows melodies, got one that is told by words alone');
    return {};
  }
  const size = chroma.length * chroma.bins;
  const values = new Float32Array(rows * size);
  const none = noMelody(chroma);
  for (let row = 0; row < rows; row++) {
    const melody = melodies[row] ?? none;
    if (melody.length !== size) throw new InvalidInput(`Expected a melody of ${chroma.length} frames of ${chroma.bins} pitch classes, got ${melody.length} values`);
    values.set(melody, row * size);
  }
  return { melody: engine.tensor(values, [rows, chroma.length, chroma.bins]) };
}

/** What stands for no melody: the first pitch class all the time, which is also what silence has. Shape [chroma.length, chroma.bins]. */
export const noMelody = ({ bins, length }: ChromaConfig): Float32Array => Float32Array.from({ length: length * bins }, (_, i) => (i % bins === 0 ? 1 : 0));
