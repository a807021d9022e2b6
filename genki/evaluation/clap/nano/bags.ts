import { wordsOf } from '../../../music/text.ts';
import type { NanoConfig } from './config.ts';
import { nothingId } from './weights.ts';

/** So long is no caption: of a longer text the first words count. */
const MAX_WORDS = 64;

/** The different known words of each caption, as rows of the table; of a caption without any, the row that says nothing. */
export function wordIds(config: NanoConfig, captions: readonly string[]): ReadonlySet<number>[] {
  const { length, mask, content } = wordsOf({ kind: 'words', words: config.text.words, hiddenSize: config.text.hiddenSize, maxWords: MAX_WORDS }, captions);
  if (content.kind !== 'words') throw new RangeError('Expected words, got states');
  return captions.map((_, row) => {
    const ids = new Set<number>();
    for (let i = row * length; i < (row + 1) * length; i++) if (mask[i] === 1) ids.add(content.ids[i]!);
    return ids.size === 0 ? ids.add(nothingId(config)) : ids;
  });
}

/** Each row's words in equal parts: shape [rows, words + 1]. */
export function bagsOf(config: NanoConfig, rows: readonly ReadonlySet<number>[]): Float32Array {
  const width = nothingId(config) + 1;
  const bags = new Float32Array(rows.length * width);
  rows.forEach((ids, row) => ids.forEach((id) => (bags[row * width + id] = 1 / ids.size)));
  return bags;
}
