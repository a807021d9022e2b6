import { ActivityFailure, ApplicationFailure, getExternalWorkflowHandle, setCurrentDetails } from '@temporalio/workflow';
import type { RelayedOf } from '../activities/promotion.ts';
import { judgePromotion } from '../genki/evaluation/promotion.ts';
import type { AdapterVersion } from '../genki/protocol/adapter-version.ts';
import type { Push } from '../genki/protocol/candidates.ts';
import { relayName, type Task, type Verdict } from '../genki/protocol/relay.ts';
import { factTable, literal, pageOf } from './markdown.ts';
import { published } from './relay-adapter.ts';
import { promoting, scoring, wallet } from './steps.ts';

/** What is to be judged, or, where that was done already, what is to be published. */
export type PromoteInput = RelayedOf & { readonly attempt: number; /** first run of the relay that waits for it */ readonly relay: string } & ({ readonly step: 'judging'; readonly task: Task } | { readonly step: 'publishing'; readonly version: AdapterVersion });

export type PromotionOutcome =
  | { readonly kind: 'promoted'; readonly sequence: number; readonly losses: AdapterVersion['losses'] }
  | { readonly kind: 'refused' | 'late'; readonly reason: string }
  /** Nobody waited for it any more. */
  | { readonly kind: 'superseded' }
  /** Nothing is known of the adapter; the relay begins it again. */
  | { readonly kind: 'unjudged'; readonly reason: string };

/** From a pushed adapter to a version: freeze → draw fresh music → judge blind → ask the relay → sign → publish → tell. */
export async function promoteAdapter(input: PromoteInput): Promise<PromotionOutcome> {
  if (typeof input?.adapterId !== 'string' || typeof input.attempt !== 'number') throw ApplicationFailure.nonRetryable('Expected {adapterId, attempt} of a relayed adapter, whose relay starts this by itself', 'InvalidInput');
  const { hub, adapterId, current, attempt, relay } = input;
  const of: RelayedOf = { hub, adapterId, current };
  const outcome = await promote().catch(unjudged);
  setCurrentDetails(pageOfPromotion(input, outcome));
  return outcome;

  async function promote(): Promise<PromotionOutcome> {
    const verdict = input.step === 'publishing' ? ({ kind: 'accepted', version: input.version } as const) : await judge(of, input.task);
    const then = await promoting.settlePromotion.executeWithOptions({ summary: `${verdict.kind} · attempt ${attempt}` }, [{ adapterId, relay, attempt, verdict }]);
    if (then === 'gone') return { kind: 'superseded' };
    if (then === 'done' || verdict.kind !== 'accepted') return verdict.kind === 'accepted' ? { kind: 'superseded' } : verdict;
    const { sequence, losses } = verdict.version;
    const text = await wallet(hub).signVersion.executeWithOptions({ summary: `sign version ${sequence}` }, [verdict.version]);
    const version = await promoting.publishVersion.executeWithOptions({ summary: `publish version ${sequence}` }, [{ hub, adapterId, text }]);
    await getExternalWorkflowHandle(relayName(adapterId)).signal(published, version);
    return version.adapter.sha256 === verdict.version.adapter.sha256 ? { kind: 'promoted', sequence, losses } : { kind: 'superseded' };
  }
}

const judge = (of: RelayedOf, task: Task): Promise<Verdict> => (task.kind === 'push' ? judgePush(of, task, task.refines) : promoting.draftRollback.executeWithOptions({ summary: `version ${task.to} again` }, [{ ...of, to: task.to }]));

/** Whoever measures is told nothing of the author (protocol §6.25): two adapters of the hub's own bucket, by their contents. */
async function judgePush(of: RelayedOf, pushed: Push, refines: string | null): Promise<Verdict> {
  const frozen = await promoting.freezePushed.executeWithOptions({ summary: 'fetch and check' }, [{ ...of, pushed: pushed.adapter }]);
  if (frozen.kind !== 'frozen') return frozen;
  const { adapterId } = of;
  const { base, before, head } = frozen;
  const { part, lora, tolerance, competition, block } = await promoting.openGate.executeWithOptions({ summary: `fresh music, from blocks after ${head}` }, [{ adapterId, head }]);
  const candidates = [...(before ? [before] : []), frozen.adapter].map((adapter) => ({ adapter, factor: 1 }));
  const { styles, base: alone, alone: adapted } = await scoring.measureCandidates.executeWithOptions({ summary: `losses of ${candidates.length} adapters` }, [{ base, lora, candidates, part }]);
  const { losses, refused } = judgePromotion({ styles, base: alone, before: before ? adapted[0]! : alone, after: adapted.at(-1)! }, tolerance);
  if (refused !== undefined) return { kind: 'refused', reason: refused };
  const { holder: hotkey, fence, parent } = pushed;
  return { kind: 'accepted', version: { version: 1, competition, adapterId, hotkey: of.hub, sequence: parent + 1, parent, base: base.digest, adapter: frozen.adapter, author: { hotkey, fence }, losses, block, ...(refines !== null && { refines }) } };
}

function unjudged(error: unknown): PromotionOutcome {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) && cause?.name !== 'TimeoutFailure') throw error;
  return { kind: 'unjudged', reason: cause.message.slice(0, 400) };
}

function pageOfPromotion({ adapterId, attempt }: PromoteInput, outcome: PromotionOutcome): string {
  const losses = outcome.kind === 'promoted' ? Object.entries(outcome.losses) : [];
  const shown = (loss: number | null): string => loss?.toFixed(3) ?? '–';
  return pageOf([
    `**${outcome.kind}** · ${adapterId} · attempt ${attempt}`,
    '',
    ...factTable([['version', outcome.kind === 'promoted' ? String(outcome.sequence) : undefined], ['why', 'reason' in outcome ? literal(outcome.reason) : undefined]]),
    ...(losses.length > 0 ? ['', '| style | base | before | after |', '|---|---|---|---|'] : []),
    ...losses.map(([style, { base, before, after }]) => `| ${style} | ${shown(base)} | ${shown(before)} | ${shown(after)} |`),
  ]);
}
