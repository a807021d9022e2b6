import { readFile, writeFile } from 'node:fs/promises';
import { peakBytes } from '../musicgen/peak-memory.ts';

/** By how many bytes some work makes this process larger at most. Linux only: NaN elsewhere. */
export async function grownBy(work: () => void): Promise<number> {
  try {
    // from here on the peak is that of what follows
    await writeFile('/proc/self/clear_refs', '5');
  } catch {
    work();
    return NaN;
  }
  const before = await residentBytes();
  work();
  return (await peakBytes()) - before;
}

async function residentBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]);
}
