import type { Signer } from '../../genki/chain/chain.ts';
import { settledOf } from '../../client/first-light/epoch.ts';
import { startOnce } from '../../client/first-light/workflows.ts';
import { reachEpoch } from '../../client/owner.ts';
import type { Connected } from '../../client/connect.ts';
import { VALIDATORS } from '../../client/embedded/provision.ts';
import type { WindowOutcome } from '../../workflows/training-window.ts';
import type { RoundSummary } from '../../workflows/validation-round.ts';
import { patiently } from './patiently.ts';

/** Long for what takes half a minute on a quiet machine. */
const PATIENCE_MS = 12 * 60_000;

/** What came of an epoch, by workflow id. */
export type EpochRecord = {
  readonly epoch: number;
  readonly windows: Readonly<Record<string, WindowOutcome>>;
  readonly rounds: readonly RoundSummary[];
  /** Of the same snapshot, once nobody is killed any more. */
  readonly again: RoundSummary;
};

export type EpochOptions = {
  readonly connected: Connected;
  readonly owner: Signer;
  /** From 1. */
  readonly number: number;
  /** Who trains twice at the same time. */
  readonly rival: string;
  readonly calm: <T>(task: () => Promise<T>) => Promise<T>;
};

/** Everybody trains and hands in, both validators evaluate; then, undisturbed, one of them does it again. */
export async function chaoticEpoch({ connected, owner, number, rival, calm }: EpochOptions): Promise<EpochRecord> {
  const { temporal, chain, deployment } = connected;
  const { competition, blockMs } = deployment;
  const { netuid } = competition;
  const epochNow = async (): Promise<number> => (await chain.metagraph(netuid, (await chain.head()).hash)).epoch;
  const turnTo = (epoch: number) => patiently(`epoch ${epoch}`, PATIENCE_MS, () => reachEpoch(chain, { owner, netuid, blockMs, epoch, signal: new AbortController().signal }));

  const began = await patiently('the chain', PATIENCE_MS, epochNow);
  const openings = [...competition.styles.private.map((hotkey) => ({ hotkey, workflowId: `window/${hotkey}/${number}` })), { hotkey: rival, workflowId: `rival/${rival}/${number}` }];
  const windows = await Promise.all(
    openings.map(async ({ hotkey, workflowId }) => {
      const outcome = await patiently(workflowId, PATIENCE_MS, async () => await (await startOnce(temporal, 'trainingWindow', { workflowId, input: { hotkey }, summary: workflowId })).result());
      return [workflowId, outcome] as const;
    }),
  );
  const { epoch } = await turnTo(began + 1);
  const round = (workflowId: string, input: { hotkey: string; dryRun?: boolean }): Promise<RoundSummary> =>
    patiently(workflowId, PATIENCE_MS, async () => settledOf(await (await startOnce(temporal, 'validationRound', { workflowId, input, summary: workflowId })).result()));
  const rounds = await Promise.all(VALIDATORS.map((hotkey) => round(`round/${hotkey}/${number}`, { hotkey })));
  const again = await calm(() => round(`again/${number}`, { hotkey: VALIDATORS[0], dryRun: true }));
  await turnTo(began + 2);
  return { epoch, windows: Object.fromEntries(windows), rounds, again };
}
