import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { peakBytes } from '../../../bench/musicgen/peak-memory.ts';

describe('the peak of memory', () => {
  it('is at least what the process has now, and no more than the machine has', async () => {
    const now = process.memoryUsage().rss;
    const peak = await peakBytes();
    expect(peak).toBeGreaterThanOrEqual(now);
    expect(peak).toBeLessThan(totalmem());
  });

  it('holds what has been let go', async () => {
    const before = await peakBytes();
    const more = 2 ** 26;
    let held: Uint8Array | undefined = new Uint8Array(before - process.memoryUsage().rss + more).fill(1);
    expect(held.at(-1)).toBe(1);
    held = undefined;
    expect(await peakBytes()).toBeGreaterThan(before + more / 2);
  });
});
