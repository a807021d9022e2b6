import { settle, type Measurements, type RoundFacts } from '../genki/evaluation/settle.ts';
import type { RoundReport } from '../genki/evaluation/round-report.ts';

export type SettleActivities = ReturnType<typeof createSettleActivities>;

export const createSettleActivities = () => ({
  /** From what a round measured to who gets what, and why. */
  async settleRound({ facts, measured }: { facts: RoundFacts; measured: Measurements }): Promise<RoundReport> {
    return settle(facts, measured);
  },
});
