import type { Chain, Metagraph } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { faultOf, NewerSchema, StoreUnavailable } from '../genki/errors.ts';
import { readReport } from '../genki/evaluation/read-report.ts';
import type { RoundReport } from '../genki/evaluation/round-report.ts';
import { commitLocation, decodeCommitRecord } from '../genki/protocol/commit-record.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { verifyManifest, type DamaManifest } from '../genki/protocol/manifest.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import type { Deployment } from './deployment.ts';
import { parseJson } from './parse-json.ts';
import { MAX_REPORT_BYTES } from './reference.ts';
import { unlessFaulty } from './unless-faulty.ts';

export type Standing = { readonly manifest: DamaManifest; readonly hotkey: string; readonly stake: bigint };
type Deps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment };

/**
 * The Dama that is current at a block (protocol §7.28): the one that more than half of the validators' stake stands for,
 * with the manifest of the largest of them that still has its files; without a majority, the one that the competition
 * began with.
 */
export async function currentDama(deps: Deps, metagraph: Metagraph, standings?: readonly Standing[]): Promise<{ dama: Dama; from: DamaManifest | undefined }> {
  const largest = [...(standings ?? (await standingsAt(deps, metagraph)))].sort(byStake);
  const total = totalStakeOf(metagraph);
  const majority = largest.map((one) => largest.filter((other) => isSame(one.manifest.dama, other.manifest.dama))).find((group) => 2n * group.reduce((sum, { stake }) => sum + stake, 0n) > total);
  if (!majority) return { dama: deps.deployment.genesisDama, from: undefined };
  for (const { manifest } of majority) if (await isThere(deps.store, manifest.dama)) return { dama: manifest.dama, from: manifest };
  throw new StoreUnavailable(`Expected the files of the current Dama ${majority[0]!.manifest.dama.digest}, nobody who stands for it has them`);
}

/**
 * The newest report, of an epoch up to `until`, that a validator has committed and that can be read; of several of one
 * epoch, the one with the most stake of all that stand for it. What a manifest says of its epoch is only its signer's word.
 */
export async function newestReport(deps: Deps, metagraph: Metagraph, { until = metagraph.epoch, standings }: { until?: number; standings?: readonly Standing[] } = {}): Promise<RoundReport | undefined> {
  const stood = standings ?? (await standingsAt(deps, metagraph));
  for (const { manifest } of newestFirst(stood.filter((one) => one.manifest.epoch <= until))) {
    const report = readReport(await unlessFaulty(async () => parseJson(await deps.store.get(manifest.report, { maxBytes: MAX_REPORT_BYTES }))));
    if (report !== undefined) return report;
  }
  return undefined;
}

/** By epoch, of one epoch by the stake of all that stand for the same report, then by their own. */
export function newestFirst(standings: readonly Standing[]): Standing[] {
  const isSameReport = (a: Standing, b: Standing): boolean => a.manifest.epoch === b.manifest.epoch && a.manifest.report.sha256 === b.manifest.report.sha256;
  const behind = new Map(standings.map((one) => [one, standings.filter((other) => isSameReport(one, other)).reduce((sum, { stake }) => sum + stake, 0n)]));
  return [...standings].sort((a, b) => b.manifest.epoch - a.manifest.epoch || largerFirst(behind.get(a)!, behind.get(b)!) || byStake(a, b));
}

/** Of all validators, whether they stand for anything or not. */
export const totalStakeOf = ({ neurons }: Metagraph): bigint => neurons.filter((n) => n.validatorPermit).reduce((sum, n) => sum + BigInt(n.stake), 0n);

const largerFirst = (a: bigint, b: bigint): number => (a < b ? 1 : a > b ? -1 : 0);
const byStake = (a: Standing, b: Standing): number => largerFirst(a.stake, b.stake);

/** The digest is that of the tensors; what is computed with them is in the configuration, too. */
const isSame = (a: Dama, b: Dama): boolean => a.digest === b.digest && a.weights.sha256 === b.weights.sha256 && a.config.sha256 === b.config.sha256 && a.tokenizer?.sha256 === b.tokenizer?.sha256;

/** Other bytes of the same length are as good as none. */
async function isThere(store: ObjectStore, { weights, config }: Dama): Promise<boolean> {
  for (const ref of [weights, config]) if (!(await unlessFaulty(() => store.get(ref, { maxBytes: ref.bytes })))) return false;
  return true;
}

/** What each validator stands for; one whose manifest does not keep the contract stands for nothing. */
export async function standingsAt({ chain, store, deployment }: Deps, metagraph: Metagraph): Promise<Standing[]> {
  const { competition, competitionDigest } = deployment;
  const commitments = await chain.commitments(metagraph.netuid, metagraph.at.hash);
  const validators = new Map(metagraph.neurons.flatMap((n) => (n.validatorPermit ? [[n.hotkey, n] as const] : [])));
  const standings = commitments.map(async ({ hotkey, data }): Promise<Standing | undefined> => {
    const neuron = validators.get(hotkey);
    const record = decodeCommitRecord(data);
    if (!neuron || !record.ok) return undefined;
    const location = commitLocation(record.value, new Set(Object.keys(competition.endpoints)));
    if (!location.ok || location.value.kind !== 'bucket') return undefined;
    try {
      const bytes = await store.getByKey(location.value.bucket, location.value.manifestKey, { maxBytes: competition.limits.manifestBytes });
      const manifest = verifyManifest(bytes, { kind: 'dama', hotkey, competition: competitionDigest, record: record.value, bucket: location.value.bucket }, verifySignature);
      return { manifest, hotkey, stake: BigInt(neuron.stake) };
    } catch (error) {
      if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
      return undefined;
    }
  });
  return (await Promise.all(standings)).filter((one) => one !== undefined);
}
