/** What a measure reads at its worst and at its best: each competition measures and pins its own. */
export type Anchors = { readonly floor: number; readonly ceiling: number };

/**
 * Where a measured value lies between its anchors: (value − floor) / (ceiling − floor), cut to [0, 1].
 *
 * @param value in the unit of the anchors
 * @param anchors `floor` earns 0, `ceiling` earns 1; a measure that is better when lower is negated by its caller, anchors too
 * @returns 0 … 1; 0 for a value that is not finite
 * @throws {RangeError} for anchors that are not finite, or a ceiling not above its floor
 */
export function anchored(value: number, { floor, ceiling }: Anchors): number {
  const apart = Number.isFinite(floor) && Number.isFinite(ceiling) && ceiling > floor;
  if (!apart) throw new RangeError(`Expected a finite ceiling above a finite floor, got ${ceiling} above ${floor}`);
  if (!Number.isFinite(value)) return 0;
  const height = ceiling / 2 - floor / 2; // halves: the difference of two large anchors has to stay finite
  return Math.min(Math.max((value / 2 - floor / 2) / height, 0), 1);
}
