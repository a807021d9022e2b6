import * as z from 'zod';
import type { BlockRef, WeightCommit } from '../chain.ts';
import { splitEmission } from '../yuma/mechanisms.ts';
import type { EpochInput } from '../yuma/yuma.ts';
import type { SparseRow } from '../yuma/sparse.ts';
import type { StateAt } from './connection.ts';
import { statelessClock } from './epochs.ts';
import { hyperparametersAt } from './hyperparameters.ts';
import { metagraphAt } from './metagraph.ts';
import { json, Rao, U16, Whole } from './values.ts';
import { weightCommitsAt } from './weights.ts';

/** A mechanism's rows lie beside the subnet's own, so many subnets further. */
const MECHANISM_STRIDE = 4096;
const Rows = z.array(z.tuple([U16, U16]));
const Alphas = z.tuple([U16, U16]);

/**
 * What the next epoch of each mechanism is computed from. The stake is in whole rao and the emission is that of the blocks
 * so far: what the blocks until then add is missing.
 */
export async function epochInputAt(state: StateAt, at: BlockRef, netuid: number): Promise<EpochInput[]> {
  const pallet = state.query['subtensorModule']!;
  const one = async <T>(name: string, schema: z.ZodType<T>): Promise<T> => schema.parse(json(await pallet[name]!(netuid)));
  const rows = async (name: string, index: number, n: number): Promise<SparseRow<number>[]> => {
    const known = new Map((await pallet[name]!.entries(index)).map(([key, row]) => [U16.parse(json(key.args[1])), Rows.parse(json(row))]));
    return Array.from({ length: n }, (_, uid) => known.get(uid) ?? []);
  };
  const [subnet, rules, commits] = await Promise.all([metagraphAt(state, at, netuid), hyperparametersAt(state, at, netuid), weightCommitsAt(state, netuid)]);
  const countsEpochs = pallet['subnetEpochIndex'] !== undefined;
  const { neurons, nextEpoch: block } = subnet;
  const [kappa, yuma3, bondsPenalty, bondsMovingAverage, liquidAlpha, [alphaLow, alphaHigh], alphaSigmoidSteepness, lastStep, stakeThreshold, emission, mechanisms, split] = await Promise.all([
    one('kappa', U16), one('yuma3On', z.boolean()), one('bondsPenalty', U16), one('bondsMovingAverage', Whole), one('liquidAlphaOn', z.boolean()), one('alphaValues', Alphas), one('alphaSigmoidSteepness', z.int()),
    one('lastMechansimStepBlock', Whole), pallet['stakeThreshold']!(), pendingEmission(state, netuid),
    pallet['mechanismCountCurrent'] ? one('mechanismCountCurrent', Whole) : 1, pallet['mechanismEmissionSplit'] ? one('mechanismEmissionSplit', z.array(U16).nullable()) : null,
  ]);
  const epoch = countsEpochs ? subnet.epoch + 1 : statelessClock(block, { netuid, tempo: subnet.tempo }).epoch;
  const hidden = countsEpochs && rules.commitReveal.enabled ? oldestCommits(commits, epoch - rules.commitReveal.periodEpochs) : new Map<string, number>();
  const parts = splitEmission(emission, split, Math.max(1, mechanisms));
  const ownerUid = neurons.findIndex(({ hotkey }) => hotkey === subnet.owner);
  return await Promise.all(parts.map(async (part, mechanism): Promise<EpochInput> => {
    const index = netuid + MECHANISM_STRIDE * mechanism;
    const [weights, bonds, lastUpdate] = await Promise.all([rows('weights', index, neurons.length), rows('bonds', index, neurons.length), pallet['lastUpdate']!(index)]);
    return {
      ...{ block, kappa, yuma3, bondsPenalty, bondsMovingAverage, liquidAlpha, alphaLow, alphaHigh, alphaSigmoidSteepness, weights, bonds, emission: part },
      lastTempo: countsEpochs && lastStep > 0 ? lastStep + 1 : block - subnet.tempo,
      activityCutoff: rules.activityCutoff,
      stakeThreshold: BigInt(Rao.parse(json(stakeThreshold))),
      maxAllowedValidators: rules.maxValidators,
      ownerUid: ownerUid < 0 ? null : ownerUid,
      ownerExempt: countsEpochs,
      stake: neurons.map(({ stake }) => BigInt(stake)),
      lastUpdate: z.array(Whole).parse(json(lastUpdate)),
      blockAtRegistration: neurons.map(({ registeredAt }) => registeredAt),
      hiddenSince: neurons.map(({ hotkey }) => hidden.get(hotkey) ?? null),
      validatorPermit: neurons.map(({ validatorPermit }) => validatorPermit),
    };
  }));
}

/** What waits to be shared out, in rao; older runtimes keep it in one piece. */
async function pendingEmission(state: StateAt, netuid: number): Promise<bigint> {
  const pallet = state.query['subtensorModule']!;
  const names = pallet['pendingServerEmission'] ? ['pendingServerEmission', 'pendingValidatorEmission', 'pendingRootAlphaDivs'] : ['pendingEmission'];
  const amounts = await Promise.all(names.map(async (name) => (pallet[name] ? BigInt(Rao.parse(json(await pallet[name](netuid)))) : 0n)));
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

/** Block of each hotkey's oldest commit that is not of an earlier epoch. */
function oldestCommits(commits: readonly WeightCommit[], earliest: number): Map<string, number> {
  const oldest = new Map<string, number>();
  for (const { hotkey, block, epoch } of commits) if (epoch >= earliest) oldest.set(hotkey, Math.min(block, oldest.get(hotkey) ?? block));
  return oldest;
}
