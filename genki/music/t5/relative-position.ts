import type { T5Config } from './config.ts';

/**
 * Buckets of the distances from each position to each other, which are the rows of the bias table (Raffel et al. 2020,
 * section 2.1; `T5Attention._relative_position_bucket` of transformers 4.57, both directions). A direction has half of
 * the buckets; half of those stand for one distance each, the others widen as the logarithm up to `relativeMaxDistance`.
 * Rounded to float32 at each step as there, since a boundary may lie on a whole distance.
 *
 * @param length positions of the text
 * @returns row-major, of query and key: shape [length, length], each 0 … relativeBuckets − 1
 */
export function relativeBuckets(config: T5Config, length: number): Int32Array {
  const later = Math.floor(config.relativeBuckets / 2);
  const byDistance = Int32Array.from({ length }, (_, distance) => bucketOf(distance, config));
  const buckets = new Int32Array(length * length);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) buckets[query * length + key] = key > query ? later + byDistance[key - query]! : byDistance[query - key]!;
  }
  return buckets;
}

/** The bucket of a distance within its direction. */
function bucketOf(distance: number, { relativeBuckets: buckets, relativeMaxDistance: farthest }: T5Config): number {
  const perDirection = Math.floor(buckets / 2);
  const exact = exactDistances(buckets);
  if (distance < exact) return distance;
  const share = fround(fround(Math.log(fround(distance / exact))) / fround(Math.log(farthest / exact)));
  return Math.min(exact + Math.trunc(fround(share * (perDirection - exact))), perDirection - 1);
}

const { fround } = Math;

/** How many distances of one direction have a bucket of their own. */
export const exactDistances = (buckets: number): number => Math.floor(Math.floor(buckets / 2) / 2);
