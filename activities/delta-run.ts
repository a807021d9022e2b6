import { activityInfo } from '@temporalio/activity';
import { verifySignature } from '../genki/chain/keys.ts';
import { commitLocation, decodeCommitRecord } from '../genki/protocol/commit-record.ts';
import { verifyManifest, type ManifestBody, type RunManifest } from '../genki/protocol/manifest.ts';
import type { DeltaDeps, DeltaWindow } from './delta-window.ts';
import { putFirst } from './put-first.ts';
import { unlessFaulty } from './unless-faulty.ts';

/** Whether the chain says where a hotkey's windows lie; else what it has signed to say so, or what it is to sign. `replaces`: block of the commitment that is there instead, 0 for none. */
export type RunRecord = { readonly kind: 'on-chain' } | { readonly kind: 'signed'; readonly text: string; readonly replaces: number } | { readonly kind: 'draft'; readonly body: ManifestBody; readonly replaces: number };

const signedKey = (competitionDigest: string): string => `runs/${Buffer.from(competitionDigest, 'base64').toString('hex').slice(0, 32)}.json`;

/** Who publishes windows, or closes them. */
export type Runner = Pick<DeltaWindow, 'hotkey' | 'netuid' | 'bucket' | 'privateBucket'>;

/** What somebody commits once for all its windows. */
export const createRunActivities = (deps: DeltaDeps) => {
  const { chain, store, deployment: { competition, competitionDigest, genesisDama } } = deps;
  const maxBytes = competition.limits.manifestBytes;
  return {
    async runRecord({ hotkey, netuid, bucket, privateBucket }: Runner): Promise<RunRecord> {
      const head = await chain.head();
      const mine = (await chain.commitments(netuid, head.hash)).find((one) => one.hotkey === hotkey);
      if (mine && (await isRun(deps, { hotkey, bucket, data: mine.data }))) return { kind: 'on-chain' };
      const signed = await unlessFaulty(() => store.getByKey(privateBucket, signedKey(competitionDigest), { maxBytes }));
      const replaces = mine?.block ?? 0;
      if (signed) return { kind: 'signed', text: new TextDecoder().decode(signed), replaces };
      const body: RunManifest = { version: 1, kind: 'run', run: activityInfo().workflowExecution!.runId, competition: competitionDigest, hotkey, base: genesisDama.digest, files: [] };
      return { kind: 'draft', body, replaces };
    },

    /** The signed manifest that stays, of several that were signed at once, so that the chain is written to once. */
    async keepRun({ privateBucket, text }: { privateBucket: string; text: string }): Promise<string> {
      const key = signedKey(competitionDigest);
      await putFirst(store, { bucket: privateBucket, key }, new TextEncoder().encode(text));
      return new TextDecoder().decode(await store.getByKey(privateBucket, key, { maxBytes }));
    },
  };
};

/** Whether a record names this bucket, in this competition; what a validator says of its Dama does as well. */
async function isRun({ store, deployment: { competition, competitionDigest } }: DeltaDeps, { hotkey, bucket, data }: { hotkey: string; bucket: string; data: string }): Promise<boolean> {
  const record = decodeCommitRecord(data);
  const location = record.ok ? commitLocation(record.value, new Set(Object.keys(competition.endpoints))) : record;
  if (!record.ok || !location.ok || location.value.kind !== 'bucket' || location.value.bucket !== bucket || record.value.competition !== competition.id) return false;
  const { manifestKey } = location.value;
  const bytes = await unlessFaulty(() => store.getByKey(bucket, manifestKey, { maxBytes: competition.limits.manifestBytes }));
  if (!bytes) return false;
  const isOf = async (kind: 'run' | 'dama'): Promise<boolean> => (await unlessFaulty(async () => verifyManifest(bytes, { kind, hotkey, competition: competitionDigest, record: record.value }, verifySignature))) !== undefined;
  return (await isOf('run')) || (await isOf('dama'));
}
