import { bar } from '../first-light/screen.ts';
import type { Progress } from './import-recordings.ts';

/** How often a line is written where none can be written over, and where one can. */
const EVERY_MS = { lines: 10_000, live: 200 };

/** Shows how far an import is, on standard error: in one line that changes on a terminal, else a line now and then. */
export function importProgress(files: number, { out, clock = () => performance.now() }: { readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean }; readonly clock?: () => number }): { readonly show: (progress: Progress) => void; readonly done: () => void } {
  const began = clock();
  const every = out.isTTY === true ? EVERY_MS.live : EVERY_MS.lines;
  let shown = began;
  return {
    show(progress) {
      const now = clock();
      if (now - shown < every) return;
      shown = now;
      const line = progressLine(progress, { files, seconds: (now - began) / 1000 });
      out.write(out.isTTY === true ? `\r\u001b[K${line}` : `${line}\n`);
    },
    done() {
      if (out.isTTY === true && shown !== began) out.write('\r\u001b[K');
    },
  };
}

/** `████░░░░ 12 of 30 files, 48 segments, 3.1 s of music a second` */
export function progressLine({ files: done, segments, codedSeconds }: Progress, { files, seconds }: { readonly files: number; readonly seconds: number }): string {
  const speed = codedSeconds === 0 || seconds <= 0 ? '' : `, ${(codedSeconds / seconds).toFixed(1)} s of music a second`;
  return `${bar(done / Math.max(1, files))} ${done} of ${files} files, ${segments} segments${speed}`;
}
