import type { MinerReport, RoundReport } from '../../genki/evaluation/round-report.ts';
import { settle } from '../../genki/evaluation/settle.ts';
import { barePolicies } from '../../genki/incentive/bare-policies.ts';
import { policyNames } from '../../genki/incentive/policies.ts';
import type { Measurement } from '../../genki/incentive/policy.ts';
import type { Shares } from './capture.ts';
import type { Played } from './round.ts';

/** Of an ancestor's own formula, without our filter before it. */
const BARE = 'bare-';

/** Ours, then the ancestors' own formulas as they were. */
export const columns: readonly string[] = [...policyNames, ...[...barePolicies.keys()].map((name) => BARE + name)];

export type Paid = { readonly report: RoundReport; readonly shares: Shares };

/** What a policy pays for a round that was played; a bare one is given everybody that could be measured, copies included. */
export function pay({ facts, measured }: Played, column: string): Paid {
  const isBare = column.startsWith(BARE);
  const report = settle({ ...facts, policy: { name: isBare ? facts.policy.name : column, parameters: {} }, overTime: { kind: 'average', rate: 1, expiresAfter: 1 } }, measured);
  if (!isBare) return { report, shares: new Map(report.miners.map(({ hotkey, weight }) => [hotkey, weight])) };
  const scored = report.miners.filter(({ update }) => update !== null);
  const weights = barePolicies.get(column.slice(BARE.length))!(scored.map((miner) => measurementOf(miner, report)));
  return { report, shares: new Map(scored.map(({ hotkey }, i) => [hotkey, weights[i]!])) };
}

/** The distance is the one to the accepted: all that a round measures. */
const measurementOf = ({ verdict, gain, losses, contribution, similarity, quality, diversity, agreement }: MinerReport, { floors }: RoundReport): Measurement => ({
  accepted: verdict === 'accepted',
  deltaLoss: gain?.natsPerCode,
  losses: losses ? Object.keys(floors).map((style) => losses[style]!) : undefined,
  contribution: contribution?.mean,
  similarity: similarity?.value,
  cosine: quality?.mean,
  distance: diversity?.distance ?? undefined,
  agreement: agreement ?? undefined,
});
