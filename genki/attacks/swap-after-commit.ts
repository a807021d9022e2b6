import { manifestKeyOf } from '../protocol/commit-record.ts';
import type { HandedIn } from './hand-in.ts';

// Something else under the same names once the commit is on the chain: what was learned since, or from others. The record
// binds the manifest and the manifest its files, by digest, so what is found is not what was committed: `rejected`.

/** Other bytes where the sealed file lay. */
export const swappedFile = (committed: HandedIn, instead: HandedIn): HandedIn => ({ ...committed, objects: new Map([...committed.objects].map(([key, bytes]) => [key, key === manifestKeyOf(committed.record.commit!) ? bytes : sealedOf(instead)])) });

/** Another submission's manifest, rightly signed, where the committed one lay, and its files beside it. */
export const swappedManifest = (committed: HandedIn, instead: HandedIn): HandedIn => ({
  ...committed,
  objects: new Map([...instead.objects, [manifestKeyOf(committed.record.commit!), instead.objects.get(manifestKeyOf(instead.record.commit!))!]]),
});

const sealedOf = ({ objects, record }: HandedIn): Uint8Array => [...objects].find(([key]) => key !== manifestKeyOf(record.commit!))![1];
