import type { BlockRef, Chain, Hotkey } from '../genki/chain/chain.ts';
import { commitLocation, decodeCommitRecord, type CommitRecord } from '../genki/protocol/commit-record.ts';
import type { Deployment } from './deployment.ts';

/** Where a hotkey publishes, by its newest commitment. */
export type Publisher = { readonly hotkey: Hotkey; readonly bucket: string; readonly manifestKey: string; readonly record: CommitRecord; readonly commitBlock: number; readonly commitIndex: number };

/**
 * Who has committed to the competition, and in which bucket each publishes, in commit order. That it is theirs only what is
 * signed in it says.
 */
export async function publishersAt(chain: Chain, { competition: { netuid, id, endpoints } }: Deployment, at: BlockRef): Promise<Publisher[]> {
  const aliases = new Set(Object.keys(endpoints));
  return (await chain.commitments(netuid, at.hash)).flatMap(({ hotkey, block, indexInBlock, data }) => {
    const record = decodeCommitRecord(data);
    if (!record.ok || record.value.competition !== id) return [];
    const location = commitLocation(record.value, aliases);
    if (!location.ok || location.value.kind !== 'bucket') return [];
    const { bucket, manifestKey } = location.value;
    return [{ hotkey, bucket, manifestKey, record: record.value, commitBlock: block, commitIndex: indexInBlock }];
  });
}
