import type { Signer } from '../../../genki/chain/chain.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { encodeCommitRecord } from '../../../genki/protocol/commit-record.ts';
import type { Dama } from '../../../genki/protocol/dama.ts';
import { sha256Hex } from '../../../genki/protocol/digests.ts';
import { manifestCommit, manifestHash, manifestKey, type DamaManifest } from '../../../genki/protocol/manifest.ts';
import { bytesOf, type Actor, type Shelf } from './federation.ts';
import { lay, signedByHand } from './hand-in.ts';

export type Stand = {
  readonly dama: Dama;
  readonly epoch?: number;
  readonly report?: unknown;
  readonly body?: (honest: DamaManifest) => DamaManifest;
  readonly signer?: Signer;
};

export const reportKey = (text: string): string => `reports/${sha256Hex(bytesOf(text))}.json`;

/** What a validator uploads and commits to stand for a Dama. */
export async function standFor({ root, store, deployment }: Shelf, by: Actor, { dama, epoch = 0, report = { epoch, acceptance: { scale: 0.6 } }, body: change = (honest) => honest, signer = by }: Stand): Promise<string> {
  const text = typeof report === 'string' ? report : canonicalJson(report);
  const honest: DamaManifest = {
    version: 1,
    kind: 'dama',
    run: 'run',
    competition: deployment.competitionDigest,
    hotkey: by.hotkey,
    base: deployment.genesisDama.digest,
    epoch,
    dama,
    report: await store.putOnce(by.bucket, reportKey(text), bytesOf(text)),
    files: [],
  };
  const body = change(honest);
  const manifest = signedByHand(body, signer);
  lay(root, `${by.bucket}/${manifestKey(manifest)}`, manifest);
  return encodeCommitRecord({ namespace: 'local', name: by.bucket, commit: manifestCommit(manifest), hash: manifestHash(manifest, body), competition: deployment.competition.id });
}
