import type { Losses } from '../../genki/evaluation/held-out.ts';
import { relativeGain } from '../../genki/evaluation/relative-gain.ts';
import { estimateShapley, type EstimateOptions, type ShapleyEstimate, type Valued } from '../../genki/evaluation/shapley-estimate.ts';
import type { Job } from './job.ts';
import { openJudge, type JudgeInput } from './judge.ts';

/** Shapley values of the relative gain among all candidates, estimated; `measured` is what a report keeps for `replayShapley`. */
export type EstimateJob = {
  input: JudgeInput &
    Pick<EstimateOptions, 'seed' | 'tolerance' | 'maxEvaluations'> & {
      readonly scale: number;
      /** Ms since the epoch, by this machine's clock: what is known then has to do. */
      readonly deadline?: number;
    };
  output: ShapleyEstimate & { /** In the order in which the estimate asked for them. */ readonly measured: readonly Valued[] };
};

export const estimateJob: Job<EstimateJob> = (deps) => async (input, control) => {
  const { candidates, scale, seed, tolerance, maxEvaluations, deadline = Infinity } = input;
  const players = candidates.length;
  const { judge, lossesOf, holdOut, stopped } = await openJudge(deps, input, control, Math.min(maxEvaluations, 2 ** players));
  const stop = new Error('stopped');
  const measured: Valued[] = [];
  let base: Losses | undefined;
  const value = async (members: readonly number[]): Promise<number> => {
    if (stopped()) throw stop;
    const losses = await lossesOf(judge.terms(members, scale));
    base ??= losses; // nobody is asked for first
    const gain = relativeGain(base, losses, holdOut);
    measured.push({ members, value: gain });
    return gain;
  };
  try {
    const estimate = await estimateShapley({ players, seed, tolerance, maxEvaluations, value, isOver: () => Date.now() >= deadline });
    return { ...estimate, measured };
  } catch (error) {
    if (error === stop) return undefined;
    throw error;
  }
};
