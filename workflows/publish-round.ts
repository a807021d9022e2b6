import { ActivityFailure } from '@temporalio/workflow';
import type { Round, RoundPlan } from '../activities/round.ts';
import type { ManifestBody } from '../genki/protocol/manifest.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { beforeDeadline } from './before-deadline.ts';
import { clipsPrefix } from './evaluate-submission.ts';
import type { Settled } from './measure-round.ts';
import type { Written } from './round-page.ts';
import { compute, objects, scoring, wallet } from './steps.ts';
import type { SubmitOnce } from './submit-once.ts';
import { toU16 } from './weights.ts';

/** Report, Dama and weights go out; each of the two extrinsics at most once an epoch, whoever starts this round again. */
export async function publishRound({ plan, others }: Round, { report, dama }: Settled, { deadline, submitOnce, tell }: { deadline: number; submitOnce: SubmitOnce; tell: (written: Written) => void }): Promise<Written> {
  const published = await objects.publishReport.executeWithOptions({ summary: `${report.miners.length} miners looked at` }, [{ round: plan, report, roster: others.roster, dama }]);
  const written: Written = { report: published.report, commitment: null, weightsSet: null, notes: [] };
  if (plan.dryRun) return { ...written, notes: ['dry run: nothing was written to the chain'] };
  tell(written);
  const sent = await beforeDeadline({ deadline, summary: 'until when the chain is waited for' }, () => onChain(plan, { body: published.body, weights: toU16(report.miners) }, submitOnce));
  return { ...written, ...(sent ?? { notes: ['the chain had not confirmed everything by the deadline: the submitter goes on with what it was given'] }) };
}

async function onChain({ hotkey, netuid, epoch, bucket }: RoundPlan, { body, weights }: { body: ManifestBody; weights: ReturnType<typeof toU16> }, submitOnce: SubmitOnce): Promise<Omit<Written, 'report'>> {
  const text = await wallet(hotkey).signManifest.executeWithOptions({ summary: `epoch ${epoch}` }, [body]);
  const manifest = await objects.publishManifest.executeWithOptions({ summary: `epoch ${epoch}` }, [{ bucket, text }]);
  const notes: string[] = weights.length > 0 ? [] : ['nobody earned anything: the weights on the chain stay as they are'];
  const [commitment, weightsSet] = await Promise.all([
    submitOnce({ key: `dama/${netuid}/${epoch}`, effect: { kind: 'commitment', netuid, data: manifest.record } }),
    weights.length > 0 ? submitOnce({ key: `weights/${netuid}/${epoch}`, effect: { kind: 'weights', netuid, epoch, versionKey: 0, weights } }) : undefined,
  ]);
  for (const outcome of [commitment, weightsSet]) if (outcome?.kind === 'refused') notes.push(`${outcome.key} was refused: ${outcome.code}: ${outcome.message}`);
  const blockOf = (outcome: typeof weightsSet): number | null => (outcome?.kind === 'landed' ? outcome.block : null);
  return { commitment: blockOf(commitment), weightsSet: blockOf(weightsSet), notes };
}

/** The same prompts by the Dama before and after, beside what the miners played; a round without them is still a round. */
export async function playDamas(round: RoundPlan, next: Dama, deadline: number): Promise<void> {
  const play = async (dama: Dama, name: string): Promise<readonly ObjectRef[]> => {
    const { bucket, frames, frameRate, prompts, generation } = round;
    const prefix = `${clipsPrefix(round)}/${name}`;
    const codes = await scoring.generateClips.executeWithOptions({ summary: `${prompts.length} clips by the Dama ${name}` }, [{ ...generation, frames, prompts, dama, bucket, key: `${prefix}/codes.safetensors` }]);
    return (await compute.listen.executeWithOptions({ summary: `the Dama ${name}` }, [{ codes, bucket, prefix, frameRate }])).clips;
  };
  try {
    await beforeDeadline({ deadline, summary: 'until when the Damas play' }, () => Promise.all([play(round.base, 'before'), play(next, 'after')]));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
  }
}
