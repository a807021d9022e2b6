import { ApplicationFailure } from '@temporalio/activity';
import { frozenKey } from '../../activities/last-accepted.ts';
import type { RoundPlan, Submission } from '../../activities/round.ts';
import { createSubmissionActivities, musicOf, type Fetched } from '../../activities/submission.ts';
import { faultOf } from '../../genki/errors.ts';
import { minerAt } from '../../genki/evaluation/differences.ts';
import type { MinerReport, RoundReport } from '../../genki/evaluation/round-report.ts';
import type { Check } from '../../genki/evaluation/verify-report.ts';
import { decodeAdapter, updateNorm } from '../../genki/music/lora.ts';
import { contentDigest, decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { Known } from './network.ts';

/** A miner that was measured, with its update as the report's validator has kept it. */
export type Looked = { readonly miner: MinerReport; readonly index: number; readonly submission: Submission; readonly fetched: Fetched };

type Look = { readonly known: Known; readonly store: ObjectStore; readonly plan: RoundPlan; readonly report: RoundReport; /** the validator's */ readonly bucket: string };

/**
 * The updates that a round measured: as its validator kept them, read and checked, and beside what each miner committed,
 * as long as the miner still has it.
 */
export async function lookAgain(look: Look): Promise<{ readonly looked: readonly Looked[]; readonly check: Check }> {
  const { plan, report, store } = look;
  const music = await musicOf(store, plan);
  const records = await recordsOf(look);
  const looked: Looked[] = [];
  const differences: string[] = [];
  let gone = 0;
  for (const [index, miner] of report.miners.entries()) {
    if (!miner.update) continue;
    const where = minerAt(index, miner);
    try {
      const adapter = keptRef(look.bucket, miner.update);
      const bytes = await store.get(adapter, { maxBytes: adapter.bytes });
      const digest = contentDigest(decodeSafetensors(bytes).tensors);
      if (digest !== miner.update.digest) differences.push(`${where}: update.digest is ${miner.update.digest}, its file has ${digest}`);
      const submission = { hotkey: miner.hotkey, registeredAt: miner.registeredAt, commitBlock: miner.commitBlock ?? 0, commitIndex: miner.commitIndex ?? 0, data: records?.get(miner.hotkey) ?? '' };
      looked.push({ miner, index, submission, fetched: { adapter, digest, norm: updateNorm(decodeAdapter(bytes, { music, lora: plan.lora })) } });
      const committed = records && (await committedSha256(look, submission));
      if (committed === undefined) gone++;
      else if (committed !== miner.update.sha256) differences.push(`${where}: update.sha256 is ${miner.update.sha256}, the miner committed ${committed}`);
    } catch (error) {
      const fault = faultOf(error);
      if (!fault) throw error;
      differences.push(`${where}: its update cannot be read: ${fault.message}`);
    }
  }
  const note = gone === 0 ? undefined : records ? `${gone} of ${looked.length} miners no longer have what they committed` : 'not held against what was committed: the chain does not answer';
  return { looked, check: { what: 'updates', compared: looked.length, differences, ...(note !== undefined && { note }) } };
}

const keptRef = (bucket: string, { sha256, bytes }: NonNullable<MinerReport['update']>): ObjectRef => ({ bucket, key: frozenKey(sha256), sha256, bytes });

/** Hotkey -> commit record, hex, at the snapshot. */
async function recordsOf({ known, report }: Look): Promise<Map<string, string> | undefined> {
  if (!known.chain) return undefined;
  const commitments = await known.chain.chain.commitments(report.netuid, report.snapshot.hash);
  return new Map(commitments.map(({ hotkey, data }) => [hotkey, data]));
}

/** Of the adapter that the miner's record binds; undefined where it cannot be had any more. */
async function committedSha256({ known, store, plan }: Look, submission: Submission): Promise<string | undefined> {
  const { fetchSubmission } = createSubmissionActivities({ chain: known.chain!.chain, store, deployment: known.deployment });
  try {
    return (await fetchSubmission({ round: plan, submission })).adapter.sha256;
  } catch (error) {
    // a key that was taken away before its deadline is waited for by who measures
    if (!faultOf(error) && !(error instanceof ApplicationFailure)) throw error;
    return undefined;
  }
}
