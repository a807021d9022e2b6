import { describe, expect, it } from 'vitest';
import { entryDifferences } from '../../../genki/protocol/entry-differences.ts';
import { MAX_ENTRY_BYTES, readWindowEntry } from '../../../genki/protocol/window-log.ts';
import { isBucketName } from '../../../genki/store/object-name.ts';
import { bucketOf, closedOf, closingOf, LEADER, loggedOf, openedOf, signed, WINDOW } from '../../../bench/window-256/window.ts';

const { entry } = loggedOf(256);

describe('a window that is only as large as a real one', () => {
  it('has an entry of 256 peers that readers of the log take', () => {
    const file = new TextEncoder().encode(signed(entry));
    expect(readWindowEntry(file)).toEqual(entry);
    expect(entry.peers).toHaveLength(256);
    expect(file.byteLength).toBeLessThan(MAX_ENTRY_BYTES / 8);
  });

  it('is the same for whoever closes it and whoever checks that', () => {
    const { accepted, refused, state } = closedOf(openedOf(256, { window: WINDOW, bucket: bucketOf('follower') }), closingOf(LEADER));
    expect(entryDifferences(entry, { after: state.digest, accepted, refused: refused.map((one) => ({ ...one, registeredAt: 0 })) })).toEqual([]);
  });

  it('has the longest names of buckets there are', () => {
    const bucket = bucketOf('leader');
    expect([isBucketName(bucket), isBucketName(`${bucket}x`)]).toEqual([true, false]);
  });
});
