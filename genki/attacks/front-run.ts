import { BadSubmission } from '../errors.ts';
import type { AdapterManifest } from '../protocol/manifest.ts';
import { manifestKeyOf } from '../protocol/commit-record.ts';
import { signed, type Ground, type HandedIn, type Miner } from './hand-in.ts';

/**
 * The victim's upload, found in its bucket before its commit, committed first, under the attacker's own signature. There
 * is nothing but ciphertext to copy; once the victim's key is out the attacker publishes that. The seal names its owner,
 * so it does not open for another hotkey, and the copy is `rejected`.
 *
 * @param secret the victim's, of which the key becomes public
 */
export function frontRun(victim: HandedIn, { by, on, secret }: { readonly by: Miner; readonly on: Ground; readonly secret: Uint8Array }): HandedIn {
  const files = filesOf(victim).map((file) => ({ ...file, ref: { ...file.ref, bucket: by.bucket } }));
  const objects = new Map([...victim.objects].filter(([key]) => key !== manifestOf(victim)));
  return signed({ files }, { by: { ...by, secret }, on, objects });
}

/**
 * A manifest of the attacker's own about the objects in the victim's bucket, named as if they were its own. Files of
 * another bucket than the record's are `rejected`.
 */
export const impersonated = (victim: HandedIn, { by, on }: { readonly by: Miner; readonly on: Ground }): HandedIn => signed({ files: filesOf(victim) }, { by, on, objects: new Map() });

const manifestOf = ({ record }: HandedIn): string => manifestKeyOf(record.commit!);

/** What the victim's manifest, which is public, says of its files. */
function filesOf(victim: HandedIn): AdapterManifest['files'] {
  const manifest = victim.objects.get(manifestOf(victim));
  if (!manifest) throw new BadSubmission(`Expected a manifest among ${[...victim.objects.keys()].join(', ')}, got none`);
  return (JSON.parse(new TextDecoder().decode(manifest)) as { body: AdapterManifest }).body.files;
}
