import type { EpochInput } from '../../../../genki/chain/yuma/yuma.ts';

/** A subnet whose validators, all with permits, have set weights in block 1; emission 10⁹. */
export const subnet = (stake: readonly number[], rest: Partial<EpochInput> = {}): EpochInput => ({
  block: 1,
  lastTempo: 0,
  activityCutoff: 5000,
  stakeThreshold: 0n,
  lastUpdate: stake.map(() => 1),
  blockAtRegistration: stake.map(() => 0),
  hiddenSince: stake.map(() => null),
  stake: stake.map(BigInt),
  validatorPermit: stake.map(() => true),
  maxAllowedValidators: stake.length,
  weights: stake.map(() => []),
  bonds: stake.map(() => []),
  kappa: 32767,
  bondsPenalty: 65535,
  bondsMovingAverage: 900_000,
  yuma3: false,
  liquidAlpha: false,
  alphaLow: 45875,
  alphaHigh: 58982,
  alphaSigmoidSteepness: 1000,
  ownerUid: null,
  ownerExempt: false,
  emission: 1_000_000_000n,
  ...rest,
});
