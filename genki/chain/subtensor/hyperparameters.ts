import * as z from 'zod';
import { InvalidInput } from '../../errors.ts';
import type { Beacon, BlockRef, Hyperparameters } from '../chain.ts';
import type { StateAt } from './connection.ts';
import { json, Rao, Whole } from './values.ts';

/** A subnet's rules. What a runtime does not know yet is as it was before there was such a rule. @throws {InvalidInput} where there is no such subnet */
export async function hyperparametersAt(state: StateAt, at: BlockRef, netuid: number): Promise<Hyperparameters> {
  const pallet = state.query['subtensorModule']!;
  if (json(await pallet['networksAdded']!(netuid)) !== true) throw new InvalidInput(`Expected a subnet of the chain, it has no ${netuid}`);
  const whole = async (name: string, ...keys: number[]): Promise<number> => Whole.parse(json(await pallet[name]!(...keys)));
  const [tempo, immunityPeriod, minAllowedWeights, maxNeurons, maxValidators, weightsRateLimit, versionKey, burn, enabled, periodEpochs, version] = await Promise.all([
    whole('tempo', netuid), whole('immunityPeriod', netuid), whole('minAllowedWeights', netuid), whole('maxAllowedUids', netuid), whole('maxAllowedValidators', netuid),
    whole('weightsSetRateLimit', netuid), whole('weightsVersionKey', netuid), pallet['burn']!(netuid), pallet['commitRevealWeightsEnabled']!(netuid),
    pallet['revealPeriodEpochs'] ? whole('revealPeriodEpochs', netuid) : 1,
    pallet['commitRevealWeightsVersion'] ? whole('commitRevealWeightsVersion') : 0,
  ]);
  const activityCutoff = pallet['activityCutoffFactorMilli'] ? Math.max(1, Math.floor(((await whole('activityCutoffFactorMilli', netuid)) * tempo) / 1000)) : await whole('activityCutoff', netuid);
  return {
    ...{ netuid, at, tempo, immunityPeriod, minAllowedWeights, maxNeurons, maxValidators, weightsRateLimit, versionKey, activityCutoff },
    burn: Rao.parse(json(burn)),
    commitReveal: { enabled: z.boolean().parse(json(enabled)), periodEpochs, version },
  };
}

const BeaconConfig = z.object({ publicKey: z.string().regex(/^0x[0-9a-f]{192}$/) });

/** The beacon that timelocks are opened by; undefined for a runtime without. */
export async function beaconAt(state: StateAt): Promise<Beacon | undefined> {
  const pallet = state.query['drand'];
  if (!pallet?.['beaconConfig'] || !pallet['lastStoredRound']) return undefined;
  const [config, round] = await Promise.all([pallet['beaconConfig'](), pallet['lastStoredRound']()]);
  const known = BeaconConfig.safeParse(json(config));
  return known.success ? { publicKey: known.data.publicKey.slice(2), round: Whole.parse(json(round)) } : undefined;
}
