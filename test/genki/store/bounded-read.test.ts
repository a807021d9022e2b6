import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { TooLarge } from '../../../genki/errors.ts';
import { boundedRead } from '../../../genki/store/bounded-read.ts';

describe('boundedRead', () => {
  it('cuts off what never ends', async () => {
    const endless = await open('/dev/zero');
    await expect(boundedRead(endless, 'zeros', { maxBytes: 1 << 20 })).rejects.toThrow(TooLarge);
    await endless.close();
  });

  it('stops between two reads', async () => {
    const endless = await open('/dev/zero');
    const signal = AbortSignal.timeout(20);
    await expect(boundedRead(endless, 'zeros', { maxBytes: Infinity, signal })).rejects.toThrow('timeout');
    await endless.close();
  });
});
