import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './system-errors.ts';

/** A name for a file that this process writes and will give another name once it is whole. */
export const draftName = (): string => `${process.pid}-${randomUUID()}`;

/** Whether the process that named a draft may still be writing it. */
export function isBeingWritten(draft: string): boolean {
  const pid = Number.parseInt(draft, 10);
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM'; // alive, and another user's
  }
}

/** Removes what writers that are no more have left. A living writer whose file is swept by mistake writes it again. */
export function sweepDrafts(folder: string): void {
  for (const name of readdirSync(folder)) if (!isBeingWritten(name)) rmSync(join(folder, name), { force: true, recursive: true });
}
