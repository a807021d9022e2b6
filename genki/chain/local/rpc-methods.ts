import * as z from 'zod';
import { isHotkey } from '../keys.ts';
import { MAX_EXTRINSIC_BYTES } from './extrinsic.ts';

const U16 = z.int().min(0).max(65535);
const U32 = z.int().min(0).max(0xffffffff);
const Hash = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected 0x and 64 hex digits');
const Hotkey = z.string().max(64).refine(isHotkey, 'expected an SS58 address with prefix 42');
const Hex = z.string().regex(/^([0-9a-f]{2})*$/, 'expected lower-case hex');
const Rao = z.string().regex(/^\d+$/);

const BlockRef = z.strictObject({ number: U32, hash: Hash });
const Subnet = z.strictObject({ netuid: U16, at: Hash });
const Nothing = z.strictObject({});

const Axon = z.strictObject({ ip: z.string(), port: U16, protocol: z.int().min(0).max(255), version: U32, block: U32 });

const Neuron = z.strictObject({
  uid: U16,
  hotkey: z.string(),
  coldkey: z.string(),
  registeredAt: U32,
  stake: Rao,
  validatorPermit: z.boolean(),
  active: z.boolean(),
  lastUpdate: U32,
  consensus: U16,
  incentive: U16,
  dividends: U16,
  emission: Rao,
  axon: Axon.nullable(),
});

const Metagraph = z.strictObject({
  netuid: U16,
  at: BlockRef,
  tempo: z.int().min(1),
  epoch: U32,
  epochStart: U32,
  nextEpoch: U32,
  owner: z.string(),
  neurons: z.array(Neuron).readonly(),
});

const Field = z.strictObject({ kind: z.enum(['raw', 'bigRaw', 'blake2b256', 'sha256', 'keccak256', 'sha3-256']), data: Hex });
const Commitment = z.strictObject({ hotkey: z.string(), block: U32, indexInBlock: U32, fields: z.array(Field).readonly(), data: Hex });

const WeightRow = z.strictObject({ hotkey: z.string(), weights: z.array(z.strictObject({ uid: U16, weight: U16 })).readonly() });
const WeightCommit = z.strictObject({ hotkey: z.string(), kind: z.enum(['hash', 'timelocked']), hash: Hash, block: U32, epoch: U32 });

const Hyperparameters = z.strictObject({
  netuid: U16,
  at: BlockRef,
  tempo: z.int().min(1),
  immunityPeriod: U32,
  minAllowedWeights: U16,
  maxNeurons: z.int().min(1),
  maxValidators: U16,
  weightsRateLimit: U32,
  versionKey: z.int().min(0),
  activityCutoff: U32,
  burn: Rao,
  commitReveal: z.strictObject({ enabled: z.boolean(), periodEpochs: U32, version: U16 }),
});

const Amount = Rao.transform(BigInt);
const SparseRows = z.array(z.array(z.tuple([U16, U16]).readonly()).readonly()).readonly();
const Blocks = z.array(U32).readonly();

const EpochInput = z.strictObject({
  yuma3: z.boolean(),
  bondsPenalty: U16,
  bondsMovingAverage: z.int().min(0).max(1_000_000),
  liquidAlpha: z.boolean(),
  alphaLow: U16,
  alphaHigh: U16,
  alphaSigmoidSteepness: z.int().min(-32768).max(32767),
  kappa: U16,
  activityCutoff: U32,
  block: U32,
  lastTempo: z.int(),
  stakeThreshold: Amount,
  maxAllowedValidators: U16,
  emission: Amount,
  ownerUid: U16.nullable(),
  ownerExempt: z.boolean(),
  stake: z.array(Amount).readonly(),
  lastUpdate: Blocks,
  blockAtRegistration: Blocks,
  hiddenSince: z.array(U32.nullable()).readonly(),
  validatorPermit: z.array(z.boolean()).readonly(),
  weights: SparseRows,
  bonds: SparseRows,
});

const Beacon = z.strictObject({ publicKey: Hex, round: z.int().min(0) });

const Landing = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('included'), block: BlockRef, index: U32 }),
  z.strictObject({ kind: z.literal('failed'), block: BlockRef, code: z.string(), message: z.string() }),
  z.strictObject({ kind: z.literal('pending') }),
  z.strictObject({ kind: z.literal('expired') }),
  z.strictObject({ kind: z.literal('nonceTaken') }),
]);

/** For tests: blocks, forks and losses on demand. */
const Dev = {
  /** The last one made. */
  dev_produceBlock: { params: z.strictObject({ count: z.int().min(1).max(1000) }), result: BlockRef },
  /** The best block left. */
  dev_reorganise: { params: z.strictObject({ depth: z.int().min(1) }), result: BlockRef },
  /** How many extrinsics were forgotten. */
  dev_dropPool: { params: Nothing, result: z.int().min(0) },
  dev_dropNext: { params: Nothing, result: z.null() },
} as const;

/** Every method of the local chain's JSON-RPC: parameters by name, and the result. */
export const rpcMethods = {
  chain_head: { params: Nothing, result: BlockRef },
  chain_blockHash: { params: z.strictObject({ number: U32 }), result: Hash },
  chain_metagraph: { params: Subnet, result: Metagraph },
  chain_commitments: { params: Subnet, result: z.array(Commitment) },
  chain_weights: { params: Subnet, result: z.array(WeightRow) },
  chain_weightCommits: { params: Subnet, result: z.array(WeightCommit) },
  chain_hyperparameters: { params: Subnet, result: Hyperparameters },
  chain_epochInput: { params: Subnet, result: z.array(EpochInput) },
  chain_balance: { params: z.strictObject({ account: Hotkey, at: Hash }), result: Rao },
  /** null where the chain has none */
  chain_beacon: { params: z.strictObject({ at: Hash }), result: Beacon.nullable() },
  chain_signing: {
    params: z.strictObject({ signer: Hotkey }),
    result: z.strictObject({ genesisHash: Hash, specVersion: U32, nonce: U32, born: BlockRef }),
  },
  chain_submit: { params: z.strictObject({ hex: Hex.max(2 * MAX_EXTRINSIC_BYTES) }), result: z.null() },
  chain_landing: { params: z.strictObject({ hash: Hash, signer: Hotkey, nonce: U32, diesAt: z.int().min(0) }), result: Landing },
  ...Dev,
} as const;

export type RpcMethod = keyof typeof rpcMethods;
export type RpcParams<M extends RpcMethod> = z.infer<(typeof rpcMethods)[M]['params']>;
export type RpcResult<M extends RpcMethod> = z.infer<(typeof rpcMethods)[M]['result']>;

/** Only where the chain was started for tests. */
export const isDevMethod = (method: string): boolean => Object.hasOwn(Dev, method);

/** What a failed call answers; `data.name` is the error's name in genki/errors.ts, `data.code` the runtime's. */
export const RpcError = z.object({
  code: z.int(),
  message: z.string(),
  data: z.object({ name: z.string(), code: z.string().optional() }).optional(),
});
