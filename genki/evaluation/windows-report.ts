import { InvalidInput } from '../errors.ts';
import type { Competition } from '../protocol/competition.ts';
import { policyNamed } from '../incentive/policies.ts';
import { measurementsOf, windowScores, type PeerRecord, type ScoredWindow } from './window-records.ts';

/** Why the peers of windows are paid what they are, one line each. */
export type WindowsReport = {
  readonly version: 1;
  readonly kind: 'windows';
  /** Digest of the competition file. */
  readonly competition: string;
  /** Of the validator that measured. */
  readonly hotkey: string;
  readonly epoch: number;
  readonly snapshot: { readonly number: number; readonly hash: string };
  /** Digest of the model that the validator has, and the window that begins from it; null where it has none yet. */
  readonly model: { readonly window: number; readonly state: string; readonly dama: string } | null;
  /** What was measured, oldest first. */
  readonly windows: readonly ScoredWindow[];
  readonly policy: Competition['policy'];
  readonly miners: readonly (PeerRecord & { readonly weight: number })[];
};

/**
 * What windows are worth: the moving averages of what each peer's updates showed, through the competition's policy.
 * @param history oldest first
 * @param registered whoever is not any more earns nothing
 * @returns in the order in which peers first appear; weights sum to 1, or are all 0
 */
export function payWindows(history: readonly ScoredWindow[], { policy, registered }: { policy: Competition['policy']; registered: (peer: Pick<PeerRecord, 'hotkey' | 'registeredAt'>) => boolean }): WindowsReport['miners'] {
  const records = windowScores(history).filter(registered);
  const weights = policyNamed(policy.name)(measurementsOf(records), policy.parameters);
  return records.map((record, i) => ({ ...record, weight: weights[i]! }));
}

/** Whether a report's weights follow from its windows. @returns one line for each difference */
export function checkWindowsReport(report: WindowsReport): string[] {
  try {
    const paid = new Map(report.miners.map((miner) => [miner.hotkey, miner]));
    const again = payWindows(report.windows, { policy: report.policy, registered: ({ hotkey, registeredAt }) => paid.get(hotkey)?.registeredAt === registeredAt });
    return again.flatMap((miner) => (JSON.stringify(miner) === JSON.stringify(paid.get(miner.hotkey)) ? [] : [`${miner.hotkey} has weight ${paid.get(miner.hotkey)?.weight}, its windows give ${miner.weight}`]));
  } catch (error) {
    if (error instanceof InvalidInput) return [error.message];
    throw error;
  }
}
