import { InvalidInput } from '../errors.ts';
import type { Clip } from '../music/clip.ts';
import { Random } from '../protocol/random.ts';
import { composeDataset, type Dataset } from './dataset.ts';

/** Public music of the composer that everybody repeats while learning their own: so many clips of each style. */
export type ReplayCorpus = { readonly styles: readonly string[]; readonly clips: number; readonly seed: string };

/**
 * The batch of every step, first the private rows, then the replayed ones. It depends on the seed and the step alone,
 * so training that was interrupted goes on with what it would have had. Every clip comes once before any comes twice.
 * @param rows how many rows come from the dataset, and how many from the replayed corpus
 * @throws {InvalidInput} when rows are asked for of what has no clips
 */
export function batchSampler(dataset: Dataset, replay: ReplayCorpus, rows: { privateRows: number; replayRows: number; seed: string }): (step: number) => Clip[] {
  const { privateRows, replayRows, seed } = rows;
  const repeated = replayRows === 0 ? [] : composeDataset({ ...replay, name: 'replay', licence: 'CC0-1.0', sharing: 'shared' }).clips;
  const own = rounds(dataset.clips, privateRows, `${seed}/private`);
  const known = rounds(repeated, replayRows, `${seed}/replay`);
  return (step) => [...own(step), ...known(step)];
}

/** Goes through the clips in a new order every time round. */
function rounds(clips: readonly Clip[], rows: number, seed: string): (step: number) => Clip[] {
  if (rows > 0 && clips.length === 0) throw new InvalidInput(`Expected clips for ${rows} rows of a batch, got none`);
  let shuffled: { round: number; clips: readonly Clip[] } | undefined;
  const order = (round: number): readonly Clip[] => {
    if (shuffled?.round !== round) shuffled = { round, clips: new Random(`${seed}/${round}`).shuffle(clips) };
    return shuffled.clips;
  };
  return (step) => Array.from({ length: rows }, (_, row) => {
    const n = step * rows + row;
    return order(Math.floor(n / clips.length))[n % clips.length]!;
  });
}
