import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { accountOf, type State } from '../../../genki/chain/local/state.ts';
import { rawAxon } from './storage-items.ts';

/** The runtime's own views of a subnet, as polkadot.js takes them; what is left out is zero. */

const NO_PROMETHEUS = { block: 0, version: 0, ip: 0, port: 0, ipType: 0 };

/** `Metagraph`. All stake is the subnet's own; ranks, trusts and pruning scores are zero, as they are since 424. */
export function metagraphView(state: State, genesis: Genesis): Record<string, unknown> {
  const { neurons } = state;
  const stakes = neurons.map(({ hotkey }) => accountOf(state, hotkey).stake);
  const zeros = neurons.map(() => 0);
  return {
    netuid: genesis.netuid,
    name: [...new TextEncoder().encode('local')],
    symbol: [...new TextEncoder().encode('α')],
    ownerHotkey: genesis.owner,
    ownerColdkey: genesis.owner,
    block: state.number,
    lastStep: state.lastEpochBlock,
    blocksSinceLastStep: state.number - state.lastEpochBlock,
    numUids: neurons.length,
    maxUids: genesis.maxNeurons,
    burn: state.burn,
    bondsMovingAvg: genesis.bondsMovingAverage,
    ...sharedRules(genesis),
    hotkeys: neurons.map(({ hotkey }) => hotkey),
    coldkeys: neurons.map(({ hotkey }) => accountOf(state, hotkey).coldkey),
    identities: neurons.map(() => null),
    axons: neurons.map(({ axon }) => rawAxon(axon)),
    active: neurons.map(({ active }) => active),
    validatorPermit: neurons.map(({ validatorPermit }) => validatorPermit),
    pruningScore: zeros,
    lastUpdate: neurons.map(({ lastUpdate }) => lastUpdate),
    emission: neurons.map(({ emission }) => emission),
    dividends: neurons.map(({ dividends }) => dividends),
    incentives: neurons.map(({ incentive }) => incentive),
    consensus: neurons.map(({ consensus }) => consensus),
    trust: zeros,
    rank: zeros,
    blockAtRegistration: neurons.map(({ registeredAt }) => registeredAt),
    alphaStake: stakes,
    taoStake: zeros,
    totalStake: stakes,
  };
}

/** `SelectiveMetagraph`: an index is a field's place in `Metagraph`, 72 the uids with a permit; others stay out. */
export function selectiveView(state: State, genesis: Genesis, { fields, indexes }: { readonly fields: readonly string[]; readonly indexes: readonly number[] }): Record<string, unknown> {
  const whole: Record<string, unknown> = { ...metagraphView(state, genesis), validators: state.neurons.flatMap(({ validatorPermit }, uid) => (validatorPermit ? [uid] : [])) };
  return Object.fromEntries([['netuid', genesis.netuid], ...indexes.flatMap((index) => (fields[index] === undefined ? [] : [[fields[index], whole[fields[index]]] as const]))]);
}

/** `SubnetHyperparamsV2` */
export const hyperparametersView = (genesis: Genesis): Record<string, unknown> => ({
  ...sharedRules(genesis),
  bondsMovingAvg: genesis.bondsMovingAverage,
  alphaSigmoidSteepness: { bits: BigInt(genesis.alphaSigmoidSteepness) << 32n },
  yumaVersion: genesis.yuma3 ? 3 : 2,
  subnetIsActive: true,
  transfersEnabled: true,
});

/** What `SubnetHyperparamsV3` has under another type than u64. */
const V3_TYPES: Readonly<Record<string, string>> = {
  kappa: 'U16', immunityPeriod: 'U16', minAllowedWeights: 'U16', maxWeightsLimit: 'U16', tempo: 'U16', maxValidators: 'U16', alphaHigh: 'U16', alphaLow: 'U16', yumaVersion: 'U16', maxRegsPerBlock: 'U16',
  minBurn: 'TaoBalance', maxBurn: 'TaoBalance', alphaSigmoidSteepness: 'I32F32',
  registrationAllowed: 'Bool', commitRevealWeightsEnabled: 'Bool', liquidAlphaEnabled: 'Bool', subnetIsActive: 'Bool', transfersEnabled: 'Bool',
};

/** `SubnetHyperparamsV3`: the same by name. */
export const hyperparameterEntries = (genesis: Genesis): { readonly name: string; readonly value: Readonly<Record<string, unknown>> }[] =>
  Object.entries(hyperparametersView(genesis)).map(([name, value]) => ({ name: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value: { [V3_TYPES[name] ?? 'U64']: value } }));

/** `NeuronInfoLite` of every uid; the stake is its coldkey's. */
export const neuronsView = (state: State, genesis: Genesis): Record<string, unknown>[] =>
  state.neurons.map((neuron, uid) => {
    const { coldkey, stake } = accountOf(state, neuron.hotkey);
    const { hotkey, active, emission, incentive, consensus, dividends, lastUpdate, validatorPermit } = neuron;
    return { ...{ hotkey, coldkey, uid, netuid: genesis.netuid, active, emission, incentive, consensus, dividends, lastUpdate, validatorPermit }, axonInfo: rawAxon(neuron.axon), prometheusInfo: NO_PROMETHEUS, stake: [[coldkey, stake]] };
  });

const sharedRules = (genesis: Genesis): Record<string, unknown> => ({
  tempo: genesis.tempo,
  kappa: genesis.kappa,
  immunityPeriod: genesis.immunityPeriod,
  minAllowedWeights: genesis.minAllowedWeights,
  maxWeightsLimit: 65_535,
  weightsVersion: genesis.versionKey,
  weightsRateLimit: genesis.weightsRateLimit,
  activityCutoff: genesis.activityCutoff,
  maxValidators: genesis.maxValidators,
  registrationAllowed: true,
  minBurn: genesis.burn.min,
  maxBurn: genesis.burn.max,
  maxRegsPerBlock: 1,
  servingRateLimit: 50,
  commitRevealWeightsEnabled: genesis.commitReveal.enabled,
  commitRevealPeriod: genesis.commitReveal.periodEpochs,
  liquidAlphaEnabled: genesis.liquidAlpha,
  alphaHigh: genesis.alphaHigh,
  alphaLow: genesis.alphaLow,
});
