import { describe, expect, it } from 'vitest';
import { authorBeacon, authorPulse, blockHash, hasItsPulse } from '../../../../genki/chain/local/block.ts';
import { genesis, secret } from '../support.ts';

const block = { number: 3, parent: `0x${'1'.repeat(64)}`, randomness: '2'.repeat(64), pulse: null, extrinsics: ['00'] };
const withBeacon = genesis({ beacon: authorBeacon(secret) });

describe('a block', () => {
  it("carries the author's pulse of its number where the chain has a beacon, and none elsewhere", () => {
    const pulse = authorPulse(secret, withBeacon, 3)!;
    expect(hasItsPulse({ ...block, pulse }, withBeacon)).toBe(true);
    expect(hasItsPulse({ ...block, pulse, number: 4 }, withBeacon)).toBe(false);
    expect(hasItsPulse({ ...block, pulse: authorPulse(new Uint8Array(32), withBeacon, 3) }, withBeacon)).toBe(false);
    expect(hasItsPulse(block, withBeacon)).toBe(false);
    expect(authorPulse(secret, genesis(), 3)).toBeNull();
    expect(hasItsPulse(block, genesis())).toBe(true);
    expect(hasItsPulse({ ...block, pulse }, genesis())).toBe(false);
  });

  it('has another hash with any other part', () => {
    const others = [{ number: 4 }, { parent: `0x${'3'.repeat(64)}` }, { randomness: '4'.repeat(64) }, { pulse: '5'.repeat(96) }, { extrinsics: ['01'] }, { extrinsics: [] }];
    expect(new Set([{}, ...others].map((change) => blockHash({ ...block, ...change }))).size).toBe(others.length + 1);
  });
});
