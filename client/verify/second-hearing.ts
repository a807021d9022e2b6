import { createListenActivities } from '../../activities/listen.ts';
import type { HeardClips } from '../../activities/model/hear.ts';
import type { RoundPlan } from '../../activities/round.ts';
import type { Fetched } from '../../activities/submission.ts';
import { unlessFaulty } from '../../activities/unless-faulty.ts';
import { BadSubmission } from '../../genki/errors.ts';
import { minerAt } from '../../genki/evaluation/differences.ts';
import type { Check } from '../../genki/evaluation/verify-report.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import { asPlayed } from '../../workflows/clips.ts';
import type { Evaluated } from '../../workflows/round-page.ts';
import type { RunJob } from './run-here.ts';
import type { Looked } from './second-look.ts';

type Hearing = { readonly plan: RoundPlan; readonly store: ObjectStore; readonly run: RunJob; /** the validator's bucket */ readonly bucket: string; /** whether its engine is ours */ readonly isSameEngine: boolean };
/** Who plays: where its clips lie below the round's, and through which submission. */
type Player = { readonly name: string; readonly fetched?: Fetched };
type Played = { readonly fault?: string; readonly heard?: HeardClips; /** not the validator's */ readonly isOurs: boolean };

const MAX_CODES_BYTES = 64 * 2 ** 20;

/**
 * What the miners' updates play, and what is heard of it. Another engine's rounding may draw other codes: then the
 * validator's own are heard, and the check says of how many.
 */
export async function hearAgain(hearing: Hearing, looked: readonly Looked[]): Promise<{ readonly evaluated: readonly Evaluated[]; readonly check: Check }> {
  const evaluated: Evaluated[] = [];
  const differences: string[] = [];
  let theirs = 0;
  for (const { submission, fetched, miner, index } of looked) {
    const { fault, heard, isOurs } = await play(hearing, { name: miner.hotkey, fetched });
    if (!isOurs) theirs++;
    if (fault !== undefined) differences.push(`${minerAt(index, miner)} is ${miner.verdict}, its clips are no music: ${fault}`);
    evaluated.push({ submission, outcome: { kind: 'scored', fetched, ...(heard && { heard }) } });
  }
  const note = theirs === 0 ? undefined : `${theirs} of ${looked.length} miners' clips are the validator's own: this engine draws others`;
  return { evaluated, check: { what: 'clips', compared: looked.length, differences, ...(note !== undefined && { note }) } };
}

/** What the Dama of the round plays, and what is heard of it. */
export async function hearDama(hearing: Hearing): Promise<HeardClips> {
  const { heard, fault } = await play(hearing, { name: 'before' });
  if (!heard) throw new BadSubmission(`Expected music of the Dama ${hearing.plan.base.digest}, got ${fault}`);
  return heard;
}

async function play(hearing: Hearing, player: Player): Promise<Played> {
  const { plan: { prompts, listening, bucket, frameRate, prefix }, store, run } = hearing;
  const folder = `${prefix}/clips/${player.name}`;
  const { codes, isOurs } = await codesOf(hearing, player, `${folder}/codes.safetensors`);
  const { clips, fault } = await createListenActivities({ store }).listen({ codes, bucket, prefix: folder, frameRate });
  if (!listening) return { isOurs, ...(fault !== undefined && { fault }) };
  const { embedder, seed } = listening;
  const heard = await run('hear', `hearing ${player.name.slice(0, 8)}…`, { embedder, seed, clips, prompts, bucket, key: `${folder}/heard.safetensors` });
  return { heard, isOurs, ...(fault !== undefined && { fault }) };
}

async function codesOf({ plan, store, run, bucket, isSameEngine }: Hearing, { name, fetched }: Player, key: string): Promise<{ codes: ObjectRef; isOurs: boolean }> {
  const { prompts, generation, frames, base: dama } = plan;
  const ours = await run('generate', `clips of ${name.slice(0, 8)}…`, { ...generation, frames, prompts, dama, ...(fetched && { adapter: asPlayed(fetched, plan) }), bucket: plan.bucket, key });
  const theirs = isSameEngine ? undefined : await unlessFaulty(() => store.getByKey(bucket, key, { maxBytes: MAX_CODES_BYTES }));
  if (!theirs || sha256Hex(theirs) === ours.sha256) return { codes: ours, isOurs: true };
  return { codes: { bucket, key, sha256: sha256Hex(theirs), bytes: theirs.byteLength }, isOurs: false };
}
