import { InvalidInput } from '../errors.ts';

const BUCKET = /^[a-z0-9-]{3,63}$/;
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const MAX_KEY = 512;

/** Whether this may name a bucket: 3 to 63 of a–z, 0–9 and the hyphen. */
export const isBucketName = (name: string): boolean => BUCKET.test(name);

/** Whether this may be one segment of a key: no separator, no leading dot, hence neither `.` nor `..`. */
export const isKeySegment = (segment: string): boolean => SEGMENT.test(segment);

/** Whether this may be a key: segments with `/` between them, at most 512 characters. Names like these cannot leave a folder. */
export const isObjectKey = (key: string): boolean => key.length <= MAX_KEY && key.split('/').every(isKeySegment);

/** @throws {InvalidInput} */
export function checkBucket(bucket: string): void {
  if (!isBucketName(bucket)) throw new InvalidInput(`Expected a bucket of 3 to 63 characters a-z 0-9 -, got ${shown(bucket)}`);
}

/** @throws {InvalidInput} */
export function checkObjectName(bucket: string, key: string): void {
  checkBucket(bucket);
  if (!isObjectKey(key)) throw new InvalidInput(`Expected a key of segments A-Z a-z 0-9 . _ - without a leading dot, got ${shown(key)}`);
}

/** A prefix is the beginning of a key, or empty. @throws {InvalidInput} */
export function checkPrefix(bucket: string, prefix: string): void {
  checkBucket(bucket);
  if (prefix !== '' && !isObjectKey(`${prefix}x`)) throw new InvalidInput(`Expected the beginning of a key, got ${shown(prefix)}`);
}

const shown = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
