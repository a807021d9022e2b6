import type { RoundContext } from '../activities/round.ts';
import type { GenerateInput } from '../activities/model/generate.ts';
import type { Fetched } from '../activities/submission.ts';
import { lengthFactor } from '../genki/federation/norm-clip.ts';

/** Below which the clips of a round lie: for each who plays a folder with `0.wav`, `1.wav`, …, one a prompt. */
export const clipsPrefix = ({ prefix }: Pick<RoundContext, 'prefix'>): string => `${prefix}/clips`;

/** How a submission is played: at one length for all. */
export const asPlayed = ({ adapter: ref, norm }: Pick<Fetched, 'adapter' | 'norm'>, { lora, thresholds }: Pick<RoundContext, 'lora' | 'thresholds'>): NonNullable<GenerateInput['adapter']> =>
  ({ ref, lora, factor: lengthFactor(norm, thresholds.playedNorm) });
