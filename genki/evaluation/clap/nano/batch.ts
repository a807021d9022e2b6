import { InvalidInput } from '../../../errors.ts';
import { bagsOf, wordIds } from './bags.ts';
import { type NanoConfig, patchSize } from './config.ts';
import { type Sound, SUMMARY_SIZE } from './sound.ts';

/** A clip to learn from. */
export type Example = {
  /** All clips of a batch have as many windows. */
  readonly sound: Sound;
  /** All that can truly be said of it; nothing of what is no music. */
  readonly caption: string;
};

/** What one step learns from, B clips and S captions, as the program wants it. */
export type ContrastiveBatch = {
  readonly clips: number;
  readonly windows: number;
  readonly captions: number;
  readonly patches: Float32Array;
  readonly summaries: Float32Array;
  readonly bags: Float32Array;
  /** For each caption the clips that it should find: [S, B]. Both directions add up to 1/2. */
  readonly wantedClips: Float32Array;
  /** For each clip the captions that it should find: [B, S]. */
  readonly wantedCaptions: Float32Array;
};

/**
 * A caption fits a clip when all of its words are said of the clip, so equal captions share their clips. One that fits
 * no clip is only there to be told apart.
 *
 * @param captions what is searched for, as a rule the clips' own captions or parts of them; '' fits what is no music
 * @throws {InvalidInput} when the clips differ in length, or no caption fits any
 */
export function contrastiveBatch(config: NanoConfig, examples: readonly Example[], captions: readonly string[]): ContrastiveBatch {
  const length = examples[0]?.sound.patches.length ?? 0;
  const uneven = examples.find(({ sound }) => sound.patches.length !== length);
  if (length === 0 || uneven !== undefined) throw new InvalidInput(`Expected clips of the same number of windows, got ${length} and ${uneven?.sound.patches.length ?? 'no'} values`);
  const patches = new Float32Array(examples.length * length);
  const summaries = new Float32Array(examples.length * SUMMARY_SIZE);
  examples.forEach(({ sound }, i) => {
    patches.set(sound.patches, i * length);
    summaries.set(sound.summary, i * SUMMARY_SIZE);
  });
  const said = wordIds(config, captions);
  const truth = wordIds(config, examples.map(({ caption }) => caption));
  const fits = said.map((words) => truth.map((all) => [...words].every((id) => all.has(id))));
  const [wantedClips, wantedCaptions] = [shares(fits), shares(truth.map((_, b) => fits.map((row) => row[b]!)))];
  return {
    clips: examples.length,
    windows: length / (config.window.patches * patchSize(config)),
    captions: captions.length,
    patches,
    summaries,
    bags: bagsOf(config, said),
    wantedClips,
    wantedCaptions,
  };
}

/** Each row that has any, in equal parts of its share of 1/2. */
function shares(rows: readonly (readonly boolean[])[]): Float32Array {
  const counts = rows.map((row) => row.filter(Boolean).length);
  const found = counts.filter((count) => count > 0).length;
  if (found === 0) throw new InvalidInput('Expected a caption that fits a clip, got none');
  return Float32Array.from(rows.flatMap((row, r) => row.map((is) => (is ? 0.5 / found / counts[r]! : 0))));
}
