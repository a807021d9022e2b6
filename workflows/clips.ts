import type { RoundContext } from '../activities/round.ts';

/** Below which the clips of a round lie: for each who plays a folder with `0.wav`, `1.wav`, …, one a prompt. */
export const clipsPrefix = ({ prefix }: Pick<RoundContext, 'prefix'>): string => `${prefix}/clips`;
