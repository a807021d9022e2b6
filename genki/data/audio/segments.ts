import { Random } from '../../protocol/random.ts';

export type SegmentRule = {
  /** Samples of one. */
  readonly segment: number;
  /** Of one song, at most. */
  readonly max: number;
  /** The same seed cuts the same song the same. */
  readonly seed: string;
};

/**
 * Where segments of a song begin. There are n = length / segment of them, rounded, at least one and `max` at most.
 * Where they fit side by side, each lies somewhere in its own n-th of the song, so that none overlaps another and none is
 * always the first. Where they do not (the last is half missing at most), they overlap as little as covers the song, the
 * overlap between two of them that are drawn.
 *
 * @param length of the song in samples, 1 or more
 * @returns ascending; `[0]` for a song that is no longer than a segment
 * @throws {RangeError} for a length, a segment or a number of segments below 1
 */
export function segmentBegins(length: number, { segment, max, seed }: SegmentRule): number[] {
  if (!(length >= 1 && segment >= 1 && max >= 1)) throw new RangeError(`Expected a length, a segment and a number of them of 1 or more, got ${length}, ${segment} and ${max}`);
  if (length <= segment) return [0];
  const random = new Random(`segments/${seed}`);
  const count = Math.min(Math.max(1, Math.round(length / segment)), max);
  const overlap = count * segment - length;
  if (overlap > 0) {
    const moved = 1 + random.int(count - 1);
    return Array.from({ length: count }, (_, i) => i * segment - (i >= moved ? overlap : 0));
  }
  const share = length / count;
  const room = Math.floor(share - segment);
  return Array.from({ length: count }, (_, i) => Math.floor(i * share) + random.int(room + 1));
}
