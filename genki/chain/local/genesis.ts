import * as z from 'zod';
import { blake2Hash, isHotkey } from '../keys.ts';
import { isBeaconKey } from '../timelock.ts';

const U16 = z.int().min(0).max(65535);
const U32 = z.int().min(0).max(0xffffffff);
const Rao = z.string().regex(/^(0|[1-9]\d{0,18})$/, 'expected rao, a decimal integer');
const Address = z.string().refine(isHotkey, 'expected an SS58 address with prefix 42');

const GenesisNeuron = z.strictObject({ hotkey: Address, coldkey: Address, stake: Rao, validatorPermit: z.boolean() });

const Burn = z
  .strictObject({
    /** Of the first registration. */
    price: Rao,
    min: Rao,
    max: Rao,
    /** Blocks in which the price falls by half; 0 keeps it. */
    halfLife: z.int().min(0).max(36_100),
    /** What a registration multiplies the price by, in parts in a million. */
    increasePpm: z.int().min(1_000_000).max(3_000_000),
  })
  .refine(({ price, min, max }) => BigInt(min) <= BigInt(price) && BigInt(price) <= BigInt(max), 'expected a price between min and max');

const CommitReveal = z.strictObject({
  enabled: z.boolean(),
  /** Epochs from a commit to its reveal. */
  periodEpochs: z.int().min(1).max(100),
  /** That timelocked commits must name. */
  version: U16,
});

/** G2, 96 bytes compressed, hex. */
const Beacon = z.strictObject({ publicKey: z.string().regex(/^[0-9a-f]{192}$/).refine(isBeaconKey, 'expected a point of G2') });

/** Block 0 of a local chain: one subnet with its rules and first neurons, uid by position. */
export const Genesis = z
  .strictObject({
    version: z.literal(2, 'expected a genesis of version 2: a chain of an earlier version cannot be carried on, begin a new one in an empty folder'),
    netuid: U16.min(1),
    /** Blocks from one epoch to the next; one more where the schedule is stateless. */
    tempo: z.int().min(1).max(50_400),
    /** `stateful` (from 424 on) counts epochs and blocks since the last one, `stateless` (up to 393) goes by the block's number. */
    schedule: z.enum(['stateful', 'stateless']),
    /** Blocks from the owner's trigger to the epoch. */
    adminFreezeWindow: U16.min(1),
    /** The account that may trigger an epoch; if registered, it needs neither stake nor permit. */
    owner: Address,
    specVersion: U32,
    /** Blocks by which the finalized head trails the best one. */
    finalityLag: z.int().min(0).max(256),
    /** u16 share of stake that makes consensus. */
    kappa: U16,
    yuma3: z.boolean(),
    /** u16 */
    bondsPenalty: U16,
    /** Parts in a million. */
    bondsMovingAverage: z.int().min(0).max(1_000_000),
    liquidAlpha: z.boolean(),
    alphaLow: U16,
    alphaHigh: U16,
    alphaSigmoidSteepness: z.int().min(-32768).max(32767),
    /** Least stake to set weights and to count in consensus, in rao. */
    minStake: Rao,
    maxNeurons: z.int().min(1).max(4096),
    maxValidators: U16,
    /** Blocks for which a newcomer is not replaced. */
    immunityPeriod: U16,
    /** Of those past their immunity as many stay; beyond, newcomers give way. */
    minNonImmuneNeurons: U16,
    minAllowedWeights: U16,
    /** Blocks without an update after which a validator stops counting. */
    activityCutoff: U32,
    /** Least number of blocks between two weight settings of one hotkey. */
    weightsRateLimit: U32,
    /** Least version key of weights; 0 turns the check off. */
    versionKey: U32,
    /** Shared out by each epoch, in rao. */
    emissionPerEpoch: Rao,
    /** Longest raw field, in bytes. */
    commitmentBytes: z.int().min(0).max(512),
    /** Budget per hotkey and epoch, in bytes; a commitment costs at least 100. */
    commitmentSpace: U32,
    commitReveal: CommitReveal,
    /** null where no timelocks can be opened. */
    beacon: Beacon.nullable(),
    burn: Burn,
    /** For each call that pays, in rao. */
    transactionFee: Rao,
    balances: z.array(z.strictObject({ account: Address, balance: Rao })),
    neurons: z.array(GenesisNeuron),
  })
  .refine((g) => g.neurons.length <= g.maxNeurons, 'expected no more neurons than maxNeurons')
  .refine((g) => new Set(g.neurons.map((n) => n.hotkey)).size === g.neurons.length, 'expected each hotkey once')
  .refine((g) => new Set(g.balances.map((b) => b.account)).size === g.balances.length, 'expected each account once')
  .refine((g) => g.alphaLow <= g.alphaHigh, 'expected alphaLow not above alphaHigh');
export type Genesis = z.infer<typeof Genesis>;

/**
 * Mainnet's defaults (spec 425) scaled to a short tempo, on netuid 1; but weights are set in the open, registering is
 * free, nobody is safe from replacement for being few, and a triggered epoch comes in the next block.
 *
 * @param settings at least the owner; every other field may be replaced
 */
export function defaultGenesis(settings: Pick<Genesis, 'owner'> & Partial<Genesis>): Genesis {
  const tempo = settings.tempo ?? 20;
  return Genesis.parse({
    version: 2,
    netuid: 1,
    tempo,
    schedule: 'stateful',
    adminFreezeWindow: 1,
    specVersion: 425,
    finalityLag: 2,
    kappa: 32767,
    yuma3: true,
    bondsPenalty: 65535,
    bondsMovingAverage: 900_000,
    liquidAlpha: false,
    alphaLow: 45875,
    alphaHigh: 58982,
    alphaSigmoidSteepness: 1000,
    minStake: '1000000000',
    maxNeurons: 256,
    maxValidators: 64,
    // 5000 blocks in a tempo of 360
    immunityPeriod: Math.min(65_535, Math.floor((5000 * tempo) / 360)),
    minNonImmuneNeurons: 0,
    minAllowedWeights: 1,
    // 13.889 tempos, and 100 blocks in a tempo of 360
    activityCutoff: Math.max(1, Math.floor((13_889 * tempo) / 1000)),
    weightsRateLimit: Math.floor((100 * tempo) / 360),
    versionKey: 0,
    emissionPerEpoch: '1000000000',
    commitmentBytes: 128,
    commitmentSpace: 3100,
    commitReveal: { enabled: false, periodEpochs: 1, version: 4 },
    beacon: null,
    burn: { price: '0', min: '0', max: '100000000000', halfLife: Math.min(tempo, 36_100), increasePpm: 1_260_000 },
    transactionFee: '0',
    balances: [],
    neurons: [],
    ...settings,
  });
}

/** Hash of block 0. */
export const genesisHash = (genesis: Genesis): string => blake2Hash(new TextEncoder().encode(genesisText(genesis)));

/** The one JSON text of a genesis: its fields in the schema's order. */
export const genesisText = (genesis: Genesis): string => JSON.stringify(Genesis.parse(genesis));
