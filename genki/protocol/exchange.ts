import * as z from 'zod';

const Count = z.int().positive();
const Share = z.number().min(0).max(1);
const Milliseconds = z.int().positive().max(30 * 24 * 3_600_000);

/** How a window's update is written. All keep what they leave out, times `feedback`, for the next window. */
export const Codec = z.discriminatedUnion('kind', [
  /** Of every `chunk` values the `keep` largest, each as one of four levels. */
  z.strictObject({ kind: z.literal('top-k'), chunk: Count.min(16).max(4096).refine((n) => (n & (n - 1)) === 0, 'expected a power of two'), keep: Count.max(256), feedback: Share }),
  /** One value in `compression`, which ones only the block after the window says. */
  z.strictObject({ kind: z.literal('slice'), compression: Count, feedback: Share }),
  /** Every value in float32. */
  z.strictObject({ kind: z.literal('dense') }),
]);
export type Codec = z.infer<typeof Codec>;

/** How the updates of several peers become one. */
export const Aggregation = z.strictObject({
  rule: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('mean') }),
    /** Without the largest and smallest `trim` of each value. */
    z.strictObject({ kind: z.literal('trimmed-mean'), trim: Share.max(0.49) }),
    z.strictObject({ kind: z.literal('coordinate-median') }),
    z.strictObject({ kind: z.literal('geometric-median') }),
    z.strictObject({ kind: z.literal('krum'), faulty: Share.max(0.49) }),
    z.strictObject({ kind: z.literal('multi-krum'), faulty: Share.max(0.49) }),
    z.strictObject({ kind: z.literal('bulyan'), faulty: Share.max(0.24) }),
    z.strictObject({ kind: z.literal('centred-clipping'), radius: z.number().positive(), iterations: Count.max(100) }),
  ]),
  /** The share of peers that may be faulty: each update is first replaced by the mean of its nearest neighbours but so many. */
  mixing: Share.max(0.49).optional(),
});
export type Aggregation = z.infer<typeof Aggregation>;

/** What an aggregate does to the model. */
export const Outer = z.strictObject({ learningRate: z.number().positive(), momentum: z.number().min(0).max(0.999), nesterov: z.boolean() });
export type Outer = z.infer<typeof Outer>;

/** Windows of local steps, whose compressed sum is what travels: Boltzmann's exchange. */
export const DeltaExchange = z.strictObject({
  /** Public music of the composer that miners are assigned in each window; without it they train on their own, which stays with them. */
  pages: z.strictObject({ styles: z.array(z.string().min(1)).min(1), /** of one page */ clips: Count.max(1024), /** of one miner */ perWindow: Count.max(64), /** in all */ count: Count.max(2 ** 31).multipleOf(2), seed: z.string().min(1) }).optional(),
  codec: Codec,
  aggregation: Aggregation,
  outer: Outer,
  /** The median norm that updates are clipped to counts as at least `floor`, and as at most `cap`. */
  norm: z.strictObject({ floor: z.number().positive(), cap: z.number().positive() }),
  timing: z.strictObject({
    /** How many blocks before the last one of the window an update must be there. */
    uploadBlocks: Count,
    /** After the window's last block: until when what it holds must be disclosed. */
    revealBlocks: Count,
    /** After that: how long a leader has to close the window before the next in line does. */
    successionBlocks: Count,
    /** Every so many windows the leader keeps a checkpoint. */
    checkpointWindows: Count,
  }),
  /** Updates that a window takes. */
  maxPeers: Count.max(256),
  /** Clips that peers' updates are measured on: of a peer's own pages, and of each style for the holdout. */
  scoring: z.strictObject({ own: Count.min(2).max(256), perStyle: Count.max(64) }),
});
export type DeltaExchange = z.infer<typeof DeltaExchange>;

/** One adapter that is passed from miner to miner under a lease: FedEm's exchange. */
export const RelayExchange = z.strictObject({
  timing: z.strictObject({
    /** From the grant. */
    leaseMs: Milliseconds.default(3 * 3_600_000),
    /** Between two renewals; two missed ones free the adapter. */
    checkMs: Milliseconds.default(5 * 60_000),
    /** How long somebody waits who let a lease lapse. */
    lapseWaitMs: Milliseconds.default(30 * 60_000),
  }).prefault({}),
  /** By how many nats a code the mean held-out loss may be above the current version's. */
  tolerance: z.number().nonnegative(),
  /** Late results that wait for the next merge. */
  maxCandidates: Count.max(256).default(64),
});
export type RelayExchange = z.infer<typeof RelayExchange>;
