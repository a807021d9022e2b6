import { createHash } from 'node:crypto';

/** 64 hex digits, as object references carry it. */
export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Base64 of a file's sha256 (protocol §1.2). */
export const fileDigest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64');

/**
 * Digest of a directory: `b64(sha256(file digests, one after the other))`, in the order of a sorted walk, in which a
 * folder's own files come before its folders.
 * @param digests path with `/` -> that file's `fileDigest`
 */
export function dirDigest(digests: ReadonlyMap<string, string>): string {
  const walked = [...digests].map(([path, digest]) => ({ at: path.split('/'), digest })).sort((a, b) => byWalk(a.at, b.at));
  return fileDigest(walked.map(({ digest }) => digest).join(''));
}

/** A directory's digest bound to who commits it, so that nobody can commit another's record as its own. */
export const boundDigest = (dir: string, hotkey: string): string => fileDigest(dir + hotkey);

function byWalk(a: readonly string[], b: readonly string[]): number {
  const [first = '', ...restA] = a;
  const [other = '', ...restB] = b;
  if (restA.length > 0 && first === other && restB.length > 0) return byWalk(restA, restB);
  const isFolder = Number(restA.length > 0) - Number(restB.length > 0);
  return isFolder || Buffer.compare(Buffer.from(first), Buffer.from(other));
}
