import { describe, expect, it } from 'vitest';
import { maxUpscale } from '../../../../genki/chain/yuma/max-upscale.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('maxUpscale', () => {
  it.each([
    [[300, 100], [65535, 21845]],
    [[60000, 30000, 0], [65535, 32767, 0]],
    [[0, 0], [0, 0]],
    [[], []],
    [[65535, 1], [65535, 1]],
    [[32768, 16384], [65535, 32768]],
  ])('stores %j as %j', (sent, stored) => {
    expect(maxUpscale(sent)).toEqual(stored);
  });

  it('keeps what is already at full scale, and the order of any row', () => {
    const random = new Random('max-upscale');
    for (let round = 0; round < 200; round++) {
      const sent = Array.from({ length: 1 + random.int(20) }, () => random.int(1 + random.int(65536)));
      const stored = maxUpscale(sent);
      expect(Math.max(...stored)).toBe(Math.max(...sent) === 0 ? 0 : 65535);
      expect(maxUpscale(stored)).toEqual(stored);
      for (const i of sent.keys()) for (const j of sent.keys()) if (sent[i]! < sent[j]!) expect(stored[i]!).toBeLessThanOrEqual(stored[j]!);
    }
  });
});
