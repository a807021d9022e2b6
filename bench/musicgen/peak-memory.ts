import { readFile } from 'node:fs/promises';

/**
 * The most memory that this process ever had, in bytes. What Linux tells of a process's usage begins with that of its
 * parent, so there it is read elsewhere.
 */
export async function peakBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return 1024 * (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes));
}
