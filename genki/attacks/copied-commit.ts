import type { HandedIn, Miner } from './hand-in.ts';

// Somebody else's commitment as one's own, seen before it is in a block and put before it in that block. The record's
// digest and the manifest's signature are bound to the hotkey, so it is `rejected`, and the original stays one.

/** The record on the chain, word for word: it points into the victim's bucket. */
export const copiedRecord = (victim: HandedIn): HandedIn => ({ ...victim, objects: new Map() });

/** All that the victim has uploaded, in a bucket of one's own, and a record that names this bucket. */
export const copiedObjects = (victim: HandedIn, { bucket }: Pick<Miner, 'bucket'>): HandedIn => ({ ...victim, bucket, record: { ...victim.record, name: bucket } });
