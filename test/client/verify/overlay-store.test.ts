import { describe, expect, it } from 'vitest';
import { createOverlayStore, OWN_BUCKET } from '../../../client/verify/overlay-store.ts';
import { ObjectMissing } from '../../../genki/errors.ts';
import { bytesOf, openShelf } from '../../activities/support/federation.ts';

describe('the overlay store', () => {
  it('writes to its own bucket alone, and reads everything', async () => {
    const [shelf, own] = [await openShelf(), await openShelf()];
    const overlay = createOverlayStore(shelf.store, own.store);
    const kept = await overlay.putOnce(OWN_BUCKET, 'x', bytesOf('mine'));
    expect(await overlay.get(kept, { maxBytes: 9 })).toEqual(bytesOf('mine'));
    await expect(shelf.store.get(kept, { maxBytes: 9 })).rejects.toThrow(ObjectMissing);
    const { weights } = shelf.deployment.genesisDama;
    expect((await overlay.get(weights, { maxBytes: weights.bytes })).byteLength).toBe(weights.bytes);
    await expect(overlay.putOnce('val', 'x', bytesOf('theirs'))).rejects.toThrow(RangeError);
    await expect(overlay.delete('val', 'x')).rejects.toThrow(RangeError);
    shelf.remove();
    own.remove();
  });
});
