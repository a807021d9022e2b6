import { gaussianDistance } from './frechet-distance.ts';
import type { Gaussian } from './gaussian.ts';

/** Between every two of some sets: shape [n][n], both triangles the same to the last bit, 0 from each to itself. */
export type Distances = readonly (readonly number[])[];

/** Of Tr(Σi) + Tr(Σj): a copy stays below with every window moved by a thousandth of their spread; 100 windows drawn anew do not. */
export const SAME_OUTPUT = 1e-6;

/**
 * The Fréchet distances of every two sets, each fitted once.
 * @throws {InvalidInput} when their widths differ
 */
export function frechetDistances(sets: readonly Gaussian[]): Distances {
  const steps = frechetDistancesInSteps(sets);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * The same, with a breath after each pair, about 10 ms for 100 windows of 512 dimensions: leases and heartbeats go on.
 * @param breathe lets others go on and may report; a rejection ends the work
 */
export async function frechetDistancesBetweenBreaths(sets: readonly Gaussian[], breathe: (pairsDone: number) => Promise<void>): Promise<Distances> {
  const steps = frechetDistancesInSteps(sets);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await breathe(value);
  }
}

/** @yields how many pairs are done, after each of the n(n − 1)/2 */
export function* frechetDistancesInSteps(sets: readonly Gaussian[]): Generator<number, Distances, void> {
  const distances = sets.map(() => sets.map(() => 0));
  let done = 0;
  for (const [i, x] of sets.entries()) {
    for (let j = 0; j < i; j++) {
      distances[i]![j] = distances[j]![i] = gaussianDistance(sets[j]!, x);
      yield ++done;
    }
  }
  return distances;
}

/**
 * The pairs whose outputs are one and the same: distance ≤ 1e-6 (Tr(Σi) + Tr(Σj)). An exact copy comes out
 * at 1e-15, in whatever order its clips.
 * @returns [earlier, later] by index, ascending
 */
export function identicalOutputs(sets: readonly Gaussian[], distances: Distances): [number, number][] {
  return sets.flatMap((x, i) => sets.slice(i + 1).flatMap((y, after): [number, number][] => {
    const j = i + 1 + after;
    return distances[i]![j]! <= SAME_OUTPUT * (x.trace + y.trace) ? [[i, j]] : [];
  }));
}
