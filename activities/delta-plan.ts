import { randomBytes } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/activity';
import { feedbackFor, type Feedback } from '../genki/federation/feedback.ts';
import type { WindowState } from '../genki/federation/window-state.ts';
import { pagesOf } from '../genki/protocol/pages.ts';
import { windowBounds } from '../genki/protocol/window.ts';
import { deltaOf } from './delta-competition.ts';
import { privacyCost, type PrivacyCost } from './delta-privacy.ts';
import type { DeltaDeps, DeltaWindow } from './delta-window.ts';
import { newestMade, type MadeUpdate } from './made-updates.ts';
import type { DeltaData, Leftover, TrainDeltaInput } from './model/train-delta.ts';
import { participantOf, type Participant } from './participants.ts';
import { putFirst } from './put-first.ts';
import { shortDigest } from './seal-file.ts';
import { followLog } from './window-log.ts';

/** What there is to do for a window, once its model is known; `epsilon` of all noised updates, this one included. */
export type DeltaPlan =
  | { readonly kind: 'train'; readonly input: TrainDeltaInput; /** the finalized block at which it begins */ readonly from: number; readonly privacy: PrivacyCost | null; readonly epsilon?: number }
  /** An update is there already: whoever made it did not live to hand it in. */
  | { readonly kind: 'made'; readonly made: MadeUpdate; readonly epsilon?: number }
  | { readonly kind: 'skipped'; readonly reason: string };

/** Steps between checkpoints: at most a few seconds of the small model's work are done twice. */
const CHECKPOINT_STEPS = 10;
const NOISE_SECRET_BYTES = 32;
const SEED_SECRET_BYTES = 32;

export const createPlanActivities = (deps: DeltaDeps) => ({
  /** What a window is trained on, what earlier ones have left for it, and what it costs in privacy. */
  async planDelta({ window, state }: { window: DeltaWindow; state: WindowState }): Promise<DeltaPlan> {
    const { store, deployment: { competition } } = deps;
    const { index, privateBucket } = window;
    const miner = participantOf(await deps.participants(), 'miner', window.hotkey);
    const newest = await newestMade(store, { bucket: privateBucket, competition: competition.id });
    const feedback = await feedbackAt(deps, window, newest);
    if (feedback.kind === 'overtaken') return { kind: 'skipped', reason: `an update was made for window ${feedback.by.window}, which is later than ${index}` };
    if (feedback.kind === 'made') return takeUp(feedback.it, { state, miner });
    const privacy = miner.privacy ? privacyCost(miner.privacy, newest?.own) : null;
    if (privacy?.isTooMuch) return { kind: 'skipped', reason: privacy.statement };
    const input = await trainingOf(deps, { window, miner, state, leftover: await leftoverOf(deps, feedback, { isPrivate: privacy !== null }) });
    return { kind: 'train', input, from: (await deps.chain.head()).number, privacy, ...(privacy && { epsilon: privacy.epsilon }) };
  },
});

/** What becomes of the newest update. What an earlier version of the competition left out, or one so old that the log's entry of it is not read any more, is let go. */
async function feedbackAt(deps: DeltaDeps, { index, hotkey }: DeltaWindow, newest: MadeUpdate | undefined): Promise<Feedback<MadeUpdate>> {
  if (newest === undefined || newest.competition !== deps.deployment.competitionDigest) return { kind: 'nothing' };
  if (newest.window >= index) return feedbackFor(index, { hotkey, made: [newest], log: [] });
  const followed = await followLog(deps, { from: { window: newest.window - 1, digest: newest.base }, to: index - 1 });
  if (followed.kind === 'waiting') throw ApplicationFailure.create({ message: `Nobody has closed window ${followed.window} yet`, type: 'WindowOpen', nextRetryDelay: deps.deployment.blockMs, category: 'BENIGN' });
  if (followed.kind === 'there' && followed.start.kind !== 'own') return { kind: 'nothing' };
  // what was made from another model than the log's was heard by nobody
  return feedbackFor(index, { hotkey, made: [newest], log: followed.kind === 'there' ? followed.entries.map(({ entry }) => entry) : [] });
}

function takeUp(made: MadeUpdate, { state, miner }: { state: WindowState; miner: Participant }): DeltaPlan {
  if (made.base !== state.digest) return { kind: 'skipped', reason: `the update of window ${made.window} was made from the model ${made.base}, which is not the log's, ${state.digest}` };
  return { kind: 'made', made, ...(miner.privacy && made.isNoised && { epsilon: privacyCost(miner.privacy, made.own).before }) };
}

/** @param isPrivate what was left out of an update without noise carries music into one with: it is let go */
async function leftoverOf({ chain, deployment: { competition } }: DeltaDeps, feedback: Exclude<Feedback<MadeUpdate>, { kind: 'made' | 'overtaken' }>, { isPrivate }: { isPrivate: boolean }): Promise<Leftover | null> {
  if (feedback.kind === 'nothing' || (isPrivate && !feedback.of.isNoised)) return null;
  const { window, file, residual } = feedback.of;
  if (residual === null) {
    const { last } = windowBounds(window, competition.timing.windowBlocks);
    return { kind: 'whole', whole: file, blockHash: feedback.kind === 'left-out' ? await chain.blockHash(last + 1) : null };
  }
  return feedback.kind === 'left-out' ? { kind: 'left-out', residual } : { kind: 'all', residual, sent: file };
}

async function trainingOf({ store, deployment: { competition, competitionDigest } }: DeltaDeps, { window, miner, state, leftover }: { window: DeltaWindow; miner: Participant; state: WindowState; leftover: Leftover | null }): Promise<TrainDeltaInput> {
  const { hotkey, index, privateBucket: bucket, steps } = window;
  const { codec, pages } = deltaOf(competition);
  const { hyper, replay, replayRows } = competition.training;
  const data: DeltaData = pages
    ? { kind: 'pages', pages: pagesOf({ hotkey, window: index, pages, competitionDigest }), spec: { styles: pages.styles, clips: pages.clips, seed: pages.seed } }
    : { kind: 'own', dataset: miner.dataset!.ref };
  const recipe = { data, replay, replayRows, hyper: { ...hyper, steps, schedule: 'constant' as const }, seed: await ownSeed(store, { bucket, competition: competitionDigest, hotkey, index }), codec, leftover };
  const secret = { bucket, key: `secrets/noise-${shortDigest({ competition: competitionDigest, hotkey })}` };
  if (miner.privacy) await putFirst(store, secret, randomBytes(NOISE_SECRET_BYTES));
  const privacy = miner.privacy && { config: { clip: miner.privacy.clip, noise: miner.privacy.noise }, secret };
  const prefix = `training/${shortDigest({ ...recipe, base: state.digest, privacy: privacy?.config ?? null })}`;
  return { state, ...recipe, ...(privacy && { privacy }), bucket, prefix, checkpointEverySteps: CHECKPOINT_STEPS };
}

/** The pages are public: with a seed that is, too, whoever commits earlier could make this miner's update, and have it taken for a copy. */
async function ownSeed(store: DeltaDeps['store'], { bucket, competition, hotkey, index }: { bucket: string; competition: string; hotkey: string; index: number }): Promise<string> {
  const key = `secrets/training-${shortDigest({ competition, hotkey })}`;
  await putFirst(store, { bucket, key }, randomBytes(SEED_SECRET_BYTES));
  const secret = await store.getByKey(bucket, key, { maxBytes: SEED_SECRET_BYTES });
  return shortDigest({ secret: Buffer.from(secret).toString('hex'), index });
}
