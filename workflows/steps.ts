/** The only place with queues, timeouts and retries; each number with its reason. */
import { proxyActivities } from '@temporalio/workflow';
import type { ClockActivities } from '../activities/clock.ts';
import type { ClosingActivities } from '../activities/closing.ts';
import type { DeltaWindowActivities } from '../activities/delta-window.ts';
import type { GpuActivities } from '../activities/gpu.ts';
import type { LateResultActivities } from '../activities/late-results.ts';
import type { LeaseActivities } from '../activities/lease.ts';
import type { ListenActivities } from '../activities/listen.ts';
import type { HearingActivities } from '../activities/hearing.ts';
import type { HubActivities } from '../activities/hub.ts';
import type { BaseActivities, PretrainingActivities } from '../activities/pretraining.ts';
import type { OutputActivities } from '../activities/outputs.ts';
import type { PromotionActivities, VersionActivities } from '../activities/promotion.ts';
import type { RelayTurnActivities } from '../activities/relay-turn.ts';
import type { RelayWindowActivities } from '../activities/relay-window.ts';
import type { SettleActivities } from '../activities/settle.ts';
import type { RoundActivities, RoundContext } from '../activities/round.ts';
import type { SealedKeyActivities } from '../activities/sealed-key.ts';
import type { SubmissionActivities } from '../activities/submission.ts';
import type { SubmitActivities } from '../activities/submit.ts';
import type { WalletActivities } from '../activities/wallet.ts';
import type { WindowActivities } from '../activities/window.ts';
import type { WindowsRoundActivities } from '../activities/windows-round.ts';
import type { MeasuringSteps } from './measure-round.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { clipsPrefix } from './clips.ts';
import { CPU_QUEUE, GPU_QUEUE, walletQueue } from './queues.ts';

/** Trying again cannot help: the input, the submission or the call itself is wrong. */
const FINAL = ['InvalidInput', 'BadSubmission', 'ChecksumMismatch', 'ObjectMissing', 'TooLarge', 'ExtrinsicRefused', 'LeaseLost', 'EngineError', 'EmbedderUnfit', 'NewerSchema', 'ModelSpoiled'];

/** Reading and deciding: a chain or store that answers does so in milliseconds; ten minutes bridge a restart of either. */
export const quick = proxyActivities<WindowActivities & RoundActivities & SettleActivities & LeaseActivities & SubmitActivities & ClockActivities>({
  taskQueue: CPU_QUEUE,
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '10 minutes',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '30 seconds', nonRetryableErrorTypes: FINAL },
});

/** A future block: one to come in a few blocks of 12 s, or after a stretch of unfinalized ones. */
export const untilFinal = proxyActivities<RoundActivities>({
  taskQueue: CPU_QUEUE,
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '2 hours',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', nonRetryableErrorTypes: FINAL },
});

/** The cpu worker beats every five seconds for whatever it is at: after thirty silent ones it is gone, and another attempt begins. */
const beating = { taskQueue: CPU_QUEUE, heartbeatTimeout: '30 seconds' } as const;

/** Moving objects: an adapter of the large model is tens of megabytes, some minutes on a home line. */
export const objects = proxyActivities<WindowActivities & RoundActivities>({
  ...beating,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '1 minute', nonRetryableErrorTypes: FINAL },
});

/**
 * The key to what is committed: a small object, due within a minute where blocks are fast. A worker that dies with it is
 * missed after ten seconds; an hour bridges a store that is down, and after it the key has no use any more.
 */
export const disclosing = proxyActivities<WindowActivities>({
  taskQueue: CPU_QUEUE,
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds', nonRetryableErrorTypes: FINAL },
});

/** A delta window's decisions, as `quick`. What it signs is published with them, before a deadline: a store that is back is found within two seconds. */
export const delta = proxyActivities<DeltaWindowActivities>({
  taskQueue: CPU_QUEUE,
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '10 minutes',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '2 seconds', nonRetryableErrorTypes: FINAL },
});

/** Its objects: an update is kilobytes, what a slice is cut from as large as the model. Who joins late reads a hundred entries. */
export const deltaObjects = proxyActivities<DeltaWindowActivities>({
  ...beating,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '1 minute', nonRetryableErrorTypes: FINAL },
});

/** What comes with a block of this window, or right after it: hours where windows are long, a day where the chain stands still. */
export const deltaWaiting = proxyActivities<DeltaWindowActivities>({
  ...beating,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds', nonRetryableErrorTypes: FINAL },
});

/**
 * Closing a window, step by step: strangers' updates are fetched, which takes minutes on a home line, and blocks are waited for
 * that lie as far ahead as a window is long; a day bridges a chain that stands still. A leader has some blocks for it, so that
 * one whose store is back tries again within two seconds.
 */
export const closing = proxyActivities<ClosingActivities>({
  ...beating,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '2 seconds', nonRetryableErrorTypes: FINAL },
});

/** Of a round: whatever hangs neither holds one that is cancelled, nor one whose time is up. */
const dropped = { cancellationType: 'TRY_CANCEL' } as const;

/** A stranger's objects, likewise. */
export const foreign = proxyActivities<SubmissionActivities>({
  ...beating,
  ...dropped,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '1 minute', nonRetryableErrorTypes: FINAL },
});

/** Rendering, hearing and comparing on the CPU: seconds a miner. A dozen attempts, since a killed worker is nobody's fault. */
export const compute = proxyActivities<ListenActivities & HearingActivities & OutputActivities & SubmissionActivities>({
  ...beating,
  ...dropped,
  startToCloseTimeout: '20 minutes',
  scheduleToCloseTimeout: '2 hours',
  retry: { maximumAttempts: 12, maximumInterval: '15 seconds', nonRetryableErrorTypes: FINAL },
});

/**
 * Model work. The worker beats only while its runner makes progress, so fifteen silent seconds mean that the
 * worker is gone. A dozen attempts: a device that is killed again and again is no reason to pay a miner nothing, and
 * training resumes where it was.
 */
const model = { taskQueue: GPU_QUEUE, heartbeatTimeout: '15 seconds', retry: { initialInterval: '500 milliseconds', maximumInterval: '15 seconds', maximumAttempts: 12, nonRetryableErrorTypes: FINAL } } as const;

/** Training fits into a lease of three hours, with a quarter of an hour left to upload and commit. */
export const training = proxyActivities<GpuActivities>({ ...model, startToCloseTimeout: '165 minutes' });

/** Generating and scoring: minutes on a GPU for the large model, seconds for the small one. */
export const scoring = proxyActivities<GpuActivities>({ ...model, ...dropped, startToCloseTimeout: '1 hour' });

/**
 * Signing and sending: a few questions to a chain that answers each within a second; a killed worker is missed after
 * fifteen. Attempts are unlimited, since nothing of it can land twice. A time limit over all attempts would call
 * refused what is on its way: an extrinsic that waits for finality for an hour can still land.
 */
export const wallet = (hotkey: string) =>
  proxyActivities<WalletActivities & SealedKeyActivities & VersionActivities>({
    taskQueue: walletQueue(hotkey),
    startToCloseTimeout: '15 seconds',
    retry: { initialInterval: '250 milliseconds', maximumInterval: '15 seconds', nonRetryableErrorTypes: FINAL },
  });

/**
 * The gate of a relayed adapter: fetching it takes minutes on a home line; blocks of a real chain that have to be final,
 * one. A worker that is gone is missed after thirty seconds; what takes longer than an hour is not waited for (`PROMOTION_MS`).
 */
export const promoting = proxyActivities<PromotionActivities>({
  ...beating,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '15 seconds', nonRetryableErrorTypes: FINAL },
});

/** A miner's own adapter, from its private bucket into its public one. */
export const relaying = proxyActivities<RelayWindowActivities>({
  ...beating,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '30 seconds', nonRetryableErrorTypes: FINAL },
});

/** Asking a hub, signed: milliseconds, or whenever it is back; an answer is waited for nine seconds. */
export const hub = (hotkey: string) =>
  proxyActivities<HubActivities & RelayTurnActivities>({
    taskQueue: walletQueue(hotkey),
    startToCloseTimeout: '15 seconds',
    scheduleToCloseTimeout: '24 hours',
    retry: { initialInterval: '500 milliseconds', maximumInterval: '15 seconds', nonRetryableErrorTypes: FINAL },
  });

/** Records of all bases, years of them; an adapter of a miner, whose bucket may be gone for hours; and a base that goes into the public bucket. */
export const gathering = proxyActivities<PretrainingActivities & LateResultActivities>({
  ...beating,
  startToCloseTimeout: '1 hour',
  scheduleToCloseTimeout: '6 hours',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '1 minute', nonRetryableErrorTypes: FINAL },
});

/** Training that ends by itself when its time is over; a quarter of an hour beside it to load, and to write what came of it. */
export const pretraining = (budgetMs: number) => proxyActivities<GpuActivities>({ ...model, startToCloseTimeout: budgetMs + 15 * 60_000 });

/** What a hub signs. */
export const baseWallet = (hotkey: string) =>
  proxyActivities<BaseActivities>({ taskQueue: walletQueue(hotkey), startToCloseTimeout: '15 seconds', retry: { initialInterval: '250 milliseconds', maximumInterval: '15 seconds', nonRetryableErrorTypes: FINAL } });

/** The pay of an epoch of windows: a hundred small objects, and a model that is copied. */
export const paying = proxyActivities<WindowsRoundActivities>({
  ...beating,
  startToCloseTimeout: '15 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '1 minute', nonRetryableErrorTypes: FINAL },
});

/** Clips of a Dama for a round's prompts. */
export async function playDama(round: RoundContext, dama: Dama, name: 'before' | 'after'): Promise<readonly ObjectRef[]> {
  const { bucket, frames, frameRate, prompts, generation } = round;
  const prefix = `${clipsPrefix(round)}/${name}`;
  const codes = await scoring.generateClips.executeWithOptions({ summary: `${prompts.length} clips by the Dama ${name}` }, [{ ...generation, frames, prompts, dama, bucket, key: `${prefix}/codes.safetensors` }]);
  return (await compute.listen.executeWithOptions({ summary: `the Dama ${name}` }, [{ codes, bucket, prefix, frameRate }])).clips;
}

/** The steps of `measureRound` as activities. */
export const measuring: MeasuringSteps = {
  compareSubmissions: (summary, input) => compute.compareSubmissions.executeWithOptions({ summary }, [input]),
  hearDama: async (summary, round) => {
    const clips = await playDama(round, round.base, 'before');
    const { embedder, seed } = round.listening!;
    return await compute.hearClips.executeWithOptions({ summary }, [{ embedder, seed, clips, prompts: round.prompts, bucket: round.privateBucket, key: `${clipsPrefix(round)}/before/heard.safetensors` }]);
  },
  measureAnchors: (summary, input) => compute.measureAnchors.executeWithOptions({ summary }, [input]),
  measureCandidates: (summary, input) => scoring.measureCandidates.executeWithOptions({ summary }, [input]),
  acceptCandidates: (summary, input) => scoring.acceptCandidates.executeWithOptions({ summary }, [input]),
  valueCoalitions: (summary, input) => scoring.valueCoalitions.executeWithOptions({ summary }, [input]),
  estimateContributions: (summary, input) => scoring.estimateContributions.executeWithOptions({ summary }, [input]),
  measureAgreement: (summary, input) => scoring.measureAgreement.executeWithOptions({ summary }, [input]),
  mergeDama: (summary, input) => scoring.mergeDama.executeWithOptions({ summary }, [input]),
  compareOutputs: (summary, input) => compute.compareOutputs.executeWithOptions({ summary }, [input]),
  settleRound: (summary, input) => quick.settleRound.executeWithOptions({ summary }, [input]),
};
