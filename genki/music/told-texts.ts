import { InvalidInput } from '../errors.ts';
import type { Conditioner } from './conditioner.ts';
import type { TextBatch } from './text.ts';

/** Texts told once and kept, so that what tells them need not stay in memory. */
export class ToldTexts {
  readonly #told = new Map<string, TextBatch>();

  /**
   * @param onTold hears after each text how many are told; false: it is enough
   * @returns undefined when it was enough
   * @throws {InvalidInput} for a text that cannot be told
   */
  static async tell(conditioner: Conditioner, texts: ReadonlySet<string>, onTold: (told: number) => Promise<boolean>): Promise<ToldTexts | undefined> {
    const all = new ToldTexts();
    for (const text of texts) {
      all.#told.set(text, await conditioner.tell([text]));
      if (!(await onTold(all.#told.size))) return undefined;
    }
    return all;
  }

  /**
   * A row a text, padded to the longest of these.
   * @throws {InvalidInput} naming a text that was never told
   */
  batch(texts: readonly string[]): TextBatch {
    return joinTexts(texts.map((text) => {
      const told = this.#told.get(text);
      if (told === undefined) throw new InvalidInput(`Expected a text that was told before, got ${JSON.stringify(text)}`);
      return told;
    }));
  }
}

/** The rows of several texts in one, each padded to the longest. */
export function joinTexts(texts: readonly TextBatch[]): TextBatch {
  const rows = texts.reduce((sum, text) => sum + text.rows, 0);
  const length = Math.max(...texts.map((text) => text.length));
  const [first] = texts;
  if (first === undefined || texts.some(({ content }) => content.kind !== first.content.kind)) throw new RangeError('Expected texts of one kind, got others');
  const mask = new Float32Array(rows * length);
  const size = valuesPerPlace(first);
  const content = first.content.kind === 'words'
    ? { kind: 'words' as const, ids: new Int32Array(rows * length * size) }
    : { kind: 'states' as const, states: new Float32Array(rows * length * size) };
  let at = 0;
  for (const text of texts) {
    for (let row = 0; row < text.rows; row++, at++) {
      mask.set(text.mask.subarray(row * text.length, (row + 1) * text.length), at * length);
      valuesOf(content).set(valuesOf(text.content).subarray(row * text.length * size, (row + 1) * text.length * size), at * length * size);
    }
  }
  const melodies = texts.flatMap((text) => text.melodies ?? Array.from({ length: text.rows }, () => undefined));
  return { rows, length, mask, content, ...(texts.some((text) => text.melodies) && { melodies }) };
}

const valuesOf = (content: TextBatch['content']): Int32Array | Float32Array => (content.kind === 'words' ? content.ids : content.states);
const valuesPerPlace = ({ rows, length, content }: TextBatch): number => valuesOf(content).length / (rows * length);
