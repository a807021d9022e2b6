import * as z from 'zod';
import { blake2Hash, isHotkey } from '../keys.ts';

const U16 = z.int().min(0).max(65535);
const U32 = z.int().min(0).max(0xffffffff);
const Rao = z.string().regex(/^(0|[1-9]\d{0,18})$/, 'expected rao, a decimal integer');
const Address = z.string().refine(isHotkey, 'expected an SS58 address with prefix 42');

const GenesisNeuron = z.strictObject({ hotkey: Address, coldkey: Address, stake: Rao, validatorPermit: z.boolean() });

/** Block 0 of a local chain: one subnet with its rules and first neurons, uid by position. */
export const Genesis = z
  .strictObject({
    netuid: U16.min(1),
    /** Blocks from one epoch to the next. */
    tempo: z.int().min(1).max(50_400),
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
    neurons: z.array(GenesisNeuron),
  })
  .refine((g) => g.neurons.length <= g.maxNeurons, 'expected no more neurons than maxNeurons')
  .refine((g) => new Set(g.neurons.map((n) => n.hotkey)).size === g.neurons.length, 'expected each hotkey once')
  .refine((g) => g.alphaLow <= g.alphaHigh, 'expected alphaLow not above alphaHigh');
export type Genesis = z.infer<typeof Genesis>;

/**
 * Mainnet's defaults (spec 425) scaled to a short tempo, on netuid 1.
 *
 * @param settings at least the owner; every other field may be replaced
 */
export function defaultGenesis(settings: Pick<Genesis, 'owner'> & Partial<Genesis>): Genesis {
  const tempo = settings.tempo ?? 20;
  return Genesis.parse({
    netuid: 1,
    tempo,
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
    minAllowedWeights: 1,
    // 13.889 tempos, and 100 blocks in a tempo of 360
    activityCutoff: Math.max(1, Math.floor((13_889 * tempo) / 1000)),
    weightsRateLimit: Math.floor((100 * tempo) / 360),
    versionKey: 0,
    emissionPerEpoch: '1000000000',
    commitmentBytes: 128,
    commitmentSpace: 3100,
    neurons: [],
    ...settings,
  });
}

/** Hash of block 0. */
export const genesisHash = (genesis: Genesis): string => blake2Hash(new TextEncoder().encode(genesisText(genesis)));

/** The one JSON text of a genesis: its fields in the schema's order. */
export const genesisText = (genesis: Genesis): string => JSON.stringify(Genesis.parse(genesis));
