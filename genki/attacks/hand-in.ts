import type { Signer } from '../chain/chain.ts';
import type { CommitRecord } from '../protocol/commit-record.ts';
import { sha256Hex } from '../protocol/digests.ts';
import { ADAPTER_FILE, manifestCommit, manifestHash, manifestKey, signManifest, type AdapterManifest } from '../protocol/manifest.ts';
import { contentOf, keyFileOf, seal, signKeyFile } from '../protocol/sealing.ts';

/** Whose name a submission bears, where it lies, and 44 bytes that it is sealed with. */
export type Miner = { readonly signer: Signer; readonly bucket: string; readonly secret: Uint8Array };

/** What a submission is for. */
export type Ground = { readonly competition: { readonly id: string; readonly digest: string; readonly endpoint: string }; /** content digest of the Dama */ readonly base: string };

/** Everything that a miner makes public. */
export type HandedIn = {
  readonly bucket: string;
  /** Files by key, uploaded before the commit. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** What it says on the chain. */
  readonly record: CommitRecord;
  /** Uploaded once the commit is final. */
  readonly key: { readonly name: string; readonly file: Uint8Array };
};

/** What an honest miner does with an adapter's file: seal, upload, sign, commit. A signature holds randomness, so two calls differ. */
export function handIn(adapter: Uint8Array, { by, on }: { readonly by: Miner; readonly on: Ground }): HandedIn {
  const sealed = seal(adapter, by.secret, { hotkey: by.signer.hotkey, competition: on.competition.digest });
  const sha256 = sha256Hex(sealed);
  const key = `adapters/${sha256}.sealed`;
  const files = [{ name: ADAPTER_FILE, ref: { bucket: by.bucket, key, sha256, bytes: sealed.byteLength }, content: contentOf(adapter) }];
  return signed({ files }, { by, on, objects: new Map([[key, sealed]]) });
}

type About = Pick<AdapterManifest, 'files'> & Partial<Pick<AdapterManifest, 'run' | 'window'>>;

/** A signed manifest about some files, with its record and key. */
export function signed(about: About, { by, on, objects }: { readonly by: Miner; readonly on: Ground; readonly objects: ReadonlyMap<string, Uint8Array> }): HandedIn {
  const { signer, bucket, secret } = by;
  const { competition: { id, digest, endpoint }, base } = on;
  const body: AdapterManifest = { version: 1, kind: 'adapter', run: 'run', window: 0, ...about, competition: digest, hotkey: signer.hotkey, base };
  const manifest = signManifest(body, signer);
  const commit = manifestCommit(manifest);
  return {
    bucket,
    objects: new Map([...objects, [manifestKey(manifest), manifest]]),
    record: { namespace: endpoint, name: bucket, commit, hash: manifestHash(manifest, body), competition: id },
    key: { name: keyFileOf(commit), file: signKeyFile({ manifest: commit, secret }, signer) },
  };
}
