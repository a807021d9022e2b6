import { InvalidInput } from '../errors.ts';
import type { Competition } from '../protocol/competition.ts';
import { policyNamed } from '../incentive/policies.ts';
import { compare } from './differences.ts';
import { checkOf, type Check } from './verify-report.ts';
import { measurementsOf, windowScores, type PeerRecord, type ScoredWindow } from './window-records.ts';
import { verdictOf } from './window-score.ts';

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

/**
 * Everything in a report of windows that follows from what it says was measured, computed again: verdicts from gains, weights
 * from windows.
 */
export function verifyWindowsReport(report: WindowsReport): Check[] {
  try {
    return [checkVerdicts(report), checkPay(report)];
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return [{ what: 'weights', compared: 0, differences: [error.message] }];
  }
}

function checkVerdicts({ windows }: WindowsReport): Check {
  const found = windows.map(({ window, scores }) => {
    const said = scores.map(({ hotkey, verdict, reason }) => ({ hotkey, verdict, reason }));
    const follows = scores.map((score) => ({ hotkey: score.hotkey, ...verdictOf(score) }));
    return compare({ scores: said }, { scores: follows }, { where: `window ${window}: ` });
  });
  return checkOf('verdicts of windows', { compared: found.reduce((sum, { compared }) => sum + compared, 0), differences: found.flatMap(({ differences }) => differences) }, 'its gains give');
}

/** Whoever has no line counts as not registered; the chain knows who is. */
function checkPay({ windows, policy, miners }: WindowsReport): Check {
  const registered = new Map(miners.map((miner) => [miner.hotkey, miner.registeredAt]));
  const again = payWindows(windows, { policy, registered: ({ hotkey, registeredAt }) => registered.get(hotkey) === registeredAt });
  return checkOf('weights', compare({ miners }, { miners: again }), 'its windows give');
}
