import { createSigner } from '../../genki/chain/keys.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { manifestCommit, manifestHash, manifestKey, signManifest, type DamaManifest } from '../../genki/protocol/manifest.ts';
import type { Settled } from '../../workflows/measure-round.ts';
import { VALIDATOR, type Epoch, type Stage } from './stage.ts';
import type { Commit } from './street.ts';

/** What the validator publishes and commits of a round: its report, with the ledger of all updates, and the Dama that it stands for. */
export async function standFor({ store, deployment }: Stage, { plan, on }: Epoch, { report, dama }: Settled): Promise<Commit> {
  const signer = createSigner(`//${VALIDATOR}`);
  const text = new TextEncoder().encode(canonicalJson(report));
  const body: DamaManifest = {
    version: 1,
    kind: 'dama',
    run: 'run',
    competition: deployment.competitionDigest,
    hotkey: signer.hotkey,
    base: plan.base.digest,
    epoch: plan.epoch,
    dama,
    report: await store.putOnce(VALIDATOR, `reports/${sha256Hex(text)}.json`, text),
    files: [],
  };
  const manifest = signManifest(body, signer);
  await store.putOnce(VALIDATOR, manifestKey(manifest), manifest);
  const { id, endpoint } = on.competition;
  return { signer, record: { namespace: endpoint, name: VALIDATOR, commit: manifestCommit(manifest), hash: manifestHash(manifest, body), competition: id } };
}
