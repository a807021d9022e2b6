import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { CommitmentField } from '../../../genki/chain/chain.ts';
import { ipNumber } from '../../../genki/chain/ip.ts';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import type { Account, NeuronState, State, TimelockedCommit } from '../../../genki/chain/local/state.ts';

/** A storage item by its name in the metadata, its keys and its value, as polkadot.js takes them. */
export type StorageItem = readonly [item: string, keys: readonly unknown[], value: unknown];

/** What the pallets hold of a subnet and its accounts; a default is left out, as in a real storage. */
export const subnetItems = (state: State, genesis: Genesis): StorageItem[] => [
  ...ruleItems(state, genesis),
  ...columnItems(state, genesis),
  ...state.neurons.flatMap((neuron, uid) => neuronItems(neuron, uid, genesis)),
  ...state.accounts.entries().flatMap(([account, record]) => accountItems(account, record, genesis)),
  ...timelockedItems(state, genesis),
  ...beaconItems(state, genesis),
];

/** The least factor that gives so many blocks. */
export const cutoffFactor = ({ activityCutoff, tempo }: Genesis): number => Math.ceil((activityCutoff * 1000) / tempo);

function ruleItems(state: State, genesis: Genesis): StorageItem[] {
  const { netuid, schedule, commitReveal, burn } = genesis;
  const own: Record<string, unknown> = {
    NetworksAdded: true, SubnetworkN: state.neurons.length, SubtokenEnabled: true, SubnetOwner: genesis.owner, SubnetOwnerHotkey: genesis.owner,
    Tempo: genesis.tempo, BlocksSinceLastStep: state.number - state.lastEpochBlock, LastMechansimStepBlock: state.lastEpochBlock,
    ...(schedule === 'stateful' ? { LastEpochBlock: state.lastEpochBlock, PendingEpochAt: state.pendingEpochAt, SubnetEpochIndex: state.epoch } : {}),
    Kappa: genesis.kappa, Yuma3On: genesis.yuma3, BondsPenalty: genesis.bondsPenalty, BondsMovingAverage: genesis.bondsMovingAverage,
    LiquidAlphaOn: genesis.liquidAlpha, AlphaValues: [genesis.alphaLow, genesis.alphaHigh], AlphaSigmoidSteepness: genesis.alphaSigmoidSteepness,
    MaxAllowedUids: genesis.maxNeurons, MaxAllowedValidators: genesis.maxValidators, MinNonImmuneUids: genesis.minNonImmuneNeurons,
    ImmunityPeriod: genesis.immunityPeriod, MinAllowedWeights: genesis.minAllowedWeights, WeightsSetRateLimit: genesis.weightsRateLimit, WeightsVersionKey: genesis.versionKey,
    ActivityCutoff: Math.min(65_535, genesis.activityCutoff), ActivityCutoffFactorMilli: cutoffFactor(genesis),
    Burn: state.burn, MinBurn: burn.min, MaxBurn: burn.max, BurnHalfLife: burn.halfLife, BurnIncreaseMult: { bits: (BigInt(burn.increasePpm) << 64n) / 1_000_000n },
    CommitRevealWeightsEnabled: commitReveal.enabled, RevealPeriodEpochs: commitReveal.periodEpochs, MechanismCountCurrent: 1,
    PendingServerEmission: BigInt(genesis.emissionPerEpoch) / 2n, PendingValidatorEmission: BigInt(genesis.emissionPerEpoch) - BigInt(genesis.emissionPerEpoch) / 2n,
  };
  return [
    ...Object.entries(own).map(([item, value]): StorageItem => [`SubtensorModule.${item}`, [netuid], value]),
    ['SubtensorModule.NetworksAdded', [0], true],
    ['SubtensorModule.TotalNetworks', [], 2],
    ['SubtensorModule.StakeThreshold', [], genesis.minStake],
    ['SubtensorModule.AdminFreezeWindow', [], genesis.adminFreezeWindow],
    ['SubtensorModule.CommitRevealWeightsVersion', [], commitReveal.version],
    ['Commitments.MaxSpace', [], genesis.commitmentSpace],
  ];
}

/** One list for each measure, by uid. */
function columnItems({ neurons }: State, { netuid }: Genesis): StorageItem[] {
  const columns = {
    Active: neurons.map(({ active }) => active),
    ValidatorPermit: neurons.map(({ validatorPermit }) => validatorPermit),
    LastUpdate: neurons.map(({ lastUpdate }) => lastUpdate),
    Consensus: neurons.map(({ consensus }) => consensus),
    Incentive: neurons.map(({ incentive }) => incentive),
    Dividends: neurons.map(({ dividends }) => dividends),
    Emission: neurons.map(({ emission }) => emission),
    ValidatorTrust: neurons.map(() => 0),
  };
  return Object.entries(columns).map(([item, column]) => [`SubtensorModule.${item}`, [netuid], column]);
}

function neuronItems({ hotkey, registeredAt, weights, bonds, axon }: NeuronState, uid: number, { netuid }: Genesis): StorageItem[] {
  return [
    ['SubtensorModule.Keys', [netuid, uid], hotkey],
    ['SubtensorModule.Uids', [netuid, hotkey], uid],
    ['SubtensorModule.IsNetworkMember', [hotkey, netuid], true],
    ['SubtensorModule.BlockAtRegistration', [netuid, uid], registeredAt],
    ...(weights.length > 0 ? [['SubtensorModule.Weights', [netuid, uid], weights] as const] : []),
    ...(bonds.length > 0 ? [['SubtensorModule.Bonds', [netuid, uid], bonds] as const] : []),
    ...(axon ? [['SubtensorModule.Axons', [netuid, hotkey], rawAxon(axon)] as const] : []),
  ];
}

/** As the runtime keeps it; zeros for one that was never served. */
export function rawAxon(axon: NeuronState['axon']): object {
  if (!axon) return { block: 0, version: 0, ip: 0, port: 0, ipType: 0, protocol: 0, placeholder1: 0, placeholder2: 0 };
  const { ip, ...rest } = axon;
  const { type, value } = ipNumber(ip);
  return { ...rest, ip: value, ipType: type, placeholder1: 0, placeholder2: 0 };
}

function accountItems(account: string, { nonce, balance, stake, coldkey, commitment, space, hashCommits }: Account, genesis: Genesis): StorageItem[] {
  const { netuid } = genesis;
  return [
    ...(nonce > 0 || balance > 0n ? [['System.Account', [account], { nonce, consumers: 0, providers: 1, sufficients: 0, data: { free: balance, reserved: 0, frozen: 0, flags: 1n << 127n } }] as const] : []),
    ...(coldkey ? [['SubtensorModule.Owner', [account], coldkey] as const] : []),
    ...(stake > 0n ? [['SubtensorModule.TotalHotkeyAlpha', [account, netuid], stake] as const] : []),
    ...(hashCommits.length > 0 ? [['SubtensorModule.WeightCommits', [netuid, account], hashCommits.map((commit) => hashCommit(commit, genesis))] as const] : []),
    ...(commitment ? commitmentItems(account, commitment, netuid) : []),
    ...(space.used > 0 ? [['Commitments.UsedSpaceOf', [netuid, account], { lastEpoch: space.epoch, usedSpace: space.used }] as const] : []),
  ];
}

/** Runtimes without an epoch counter keep the blocks from which and until which it may be revealed. */
function hashCommit({ hash, epoch, block }: Account['hashCommits'][number], { schedule, tempo, netuid, commitReveal }: Genesis): unknown[] {
  if (schedule === 'stateful') return [hash, epoch, block, 0];
  const first = (epoch + commitReveal.periodEpochs) * (tempo + 1) - (netuid + 1);
  return [hash, block, first, first + tempo];
}

const commitmentItems = (account: string, { block, fields }: NonNullable<Account['commitment']>, netuid: number): StorageItem[] => [
  ['Commitments.CommitmentOf', [netuid, account], { deposit: 0, block, info: { fields: fields.map(rawField) } }],
  ['Commitments.LastCommitment', [netuid, account], block],
];

const FIELDS = { blake2b256: 'BlakeTwo256', sha256: 'Sha256', keccak256: 'Keccak256', 'sha3-256': 'ShaThree256', bigRaw: 'BigRaw' } as const;

const rawField = ({ kind, data }: CommitmentField): object => ({ [kind === 'raw' ? `Raw${data.length / 2}` : FIELDS[kind]]: `0x${data}` });

function timelockedItems({ timelocked }: State, { netuid }: Genesis): StorageItem[] {
  const byEpoch = new Map<number, TimelockedCommit[]>();
  for (const commit of timelocked) byEpoch.set(commit.epoch, [...(byEpoch.get(commit.epoch) ?? []), commit]);
  return [...byEpoch].map(([epoch, commits]) => ['SubtensorModule.TimelockedWeightCommits', [netuid, epoch], commits.map(({ hotkey, block, commit, round }) => [hotkey, block, `0x${commit}`, round])]);
}

/** Of a beacon that speaks in each block, the block's number being its round. */
function beaconItems({ pulses }: State, { beacon }: Genesis): StorageItem[] {
  if (!beacon) return [];
  return [
    ['Drand.LastStoredRound', [], pulses.at(-1)?.round ?? 0],
    ['Drand.OldestStoredRound', [], pulses[0]?.round ?? 0],
    ...pulses.map(({ round, signature }): StorageItem => ['Drand.Pulses', [round], { round, randomness: `0x${bytesToHex(sha256(hexToBytes(signature)))}`, signature: `0x${signature}` }]),
  ];
}
