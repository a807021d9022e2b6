import { appendFileSync, renameSync, statSync } from 'node:fs';
import { Writable } from 'node:stream';

/** Of each of a service's two files. */
export const MAX_LOG_BYTES = 16 * 2 ** 20;

/** Where a log goes when it is full; what was there is gone. */
export const olderLog = (file: string): string => `${file}.1`;

/**
 * A stream onto a file's end that keeps at most twice `maxBytes`. It takes everything and never fails: a service ends
 * neither for want of a log nor by waiting for one, so that what a full disk does not take is lost.
 */
export function rotatingLog(file: string, maxBytes = MAX_LOG_BYTES): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
        if (size > 0 && size + chunk.length > maxBytes) renameSync(file, olderLog(file));
        appendFileSync(file, chunk);
      } catch {
        // see above
      }
      done();
    },
  });
}
