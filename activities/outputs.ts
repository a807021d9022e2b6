import { setImmediate } from 'node:timers/promises';
import { decodeHeard } from '../genki/evaluation/clap/heard-file.ts';
import { gaussiansOf } from '../genki/evaluation/diversity.ts';
import { gaussianDistance } from '../genki/evaluation/frechet-distance.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';

/** Fréchet distances between the accepted, row by row below the diagonal; and of every miner the mean to the accepted other than itself, null without such. */
export type ComparedOutputs = { readonly distances: readonly number[]; readonly diversity: readonly (number | null)[] };
export type OutputActivities = ReturnType<typeof createOutputActivities>;

export const createOutputActivities = ({ store }: { store: ObjectStore }) => ({
  /** How far apart the miners' clips sound. Only the accepted are company, so that what others hand in moves nobody. */
  async compareOutputs({ heard, accepted }: { heard: readonly ObjectRef[]; accepted: readonly number[] }): Promise<ComparedOutputs> {
    const windows = [];
    for (const ref of heard) windows.push(decodeHeard(await store.get(ref, { maxBytes: ref.bytes })).flatMap((clip) => clip.windows));
    const sets = gaussiansOf(windows);
    const rows: number[][] = [];
    for (const [index, set] of sets.entries()) {
      rows.push(accepted.map((other) => (other === index ? 0 : gaussianDistance(set, sets[other]!))));
      // a pair takes milliseconds: in between the worker has other things to do
      await setImmediate();
    }
    return {
      distances: accepted.flatMap((index, i) => rows[index]!.slice(0, i)),
      diversity: rows.map((row, index) => {
        const others = row.filter((_, i) => accepted[i] !== index);
        return others.length === 0 ? null : others.reduce((sum, distance) => sum + distance, 0) / others.length;
      }),
    };
  },
});
