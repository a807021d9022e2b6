import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { InvalidInput, NewerSchema } from '../errors.ts';
import { checkPolicy, policyDefinition, policyNames } from '../incentive/policies.ts';
import { canonicalJson } from './canonical-json.ts';
import { fileDigest } from './digests.ts';
import { DeltaExchange, RelayExchange } from './exchange.ts';
import type { VerifySignature } from './signed-json.ts';

const VERSION = 1;
const DOMAIN = 'genki-competition-v1:';

const Count = z.int().positive();
const Blocks = z.int().nonnegative();
const Share = z.number().min(0).max(1);
const Style = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
const Styles = z.array(Style).min(1).refine((names) => new Set(names).size === names.length, 'expected each style once');
/** Held-out clips of each style; two at least, so that an error can be told. */
const Part = z.strictObject({ perPrivateStyle: Count.min(2), perBaseStyle: Count.min(2).or(z.literal(0)) });
const Ascending = z.array(z.number().positive()).min(1).refine((all) => all.every((one, i) => one > (all[i - 1] ?? 0)), 'expected ascending numbers');
/** What a round's history and payloads have room for. */
const MAX_POOL = 256;
/** All of them are handed from step to step, and stand in the report. */
const MAX_EVALUATIONS = 8192;

function policyFault(policy: Parameters<typeof checkPolicy>[0]): string | undefined {
  try {
    checkPolicy(policy);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidInput) return error.message;
    throw error;
  }
}

/** Base64 of 32 bytes. */
const Digest = z.base64().length(44);
const Embedder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('clap-nano'), digest: Digest }),
  z.strictObject({ kind: z.literal('laion-clap'), repository: z.string().regex(/^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/), revision: z.string().regex(/^[0-9a-f]{40}$/), digest: Digest }),
]);

/** All numbers that participants have to agree on. Whoever changes one makes another competition: its digest is in every seed, manifest and report. */
const CompetitionSchema = z
  .strictObject({
    version: z.literal(VERSION),
    /** The fifth field of a commit record: two characters leave 38 bytes for namespace and name. */
    id: z.string().regex(/^[a-z0-9]{1,8}$/),
    netuid: z.int().min(1).max(65_535),
    /** From this block on. */
    activationBlock: Blocks,
    /** What is handed in: an adapter of one's own, the compressed update of a window, or the next version of one adapter that is passed on. */
    exchange: z.enum(['adapter', 'delta', 'relay']),
    delta: DeltaExchange.optional(),
    relay: RelayExchange.optional(),
    /** Aliases that a commit record may use as its namespace. */
    endpoints: z.record(z.string().regex(/^[a-z0-9-]{1,16}$/), z.strictObject({ kind: z.literal('folder') })),
    music: z.strictObject({ model: z.string().min(1).max(64), codebooks: Count, /** of one clip */ frames: Count, /** frames a second */ frameRate: Count }),
    lora: z.strictObject({ rank: Count, alpha: Count, targets: z.array(z.string().min(1)).min(1), rslora: z.boolean() }),
    training: z.strictObject({
      hyper: z.strictObject({
        /** Peak of the cosine. */
        learningRate: z.number().positive(),
        steps: Count,
        /** Steps. */
        warmup: z.int().nonnegative(),
        betas: z.tuple([Share, Share]),
        weightDecay: z.number().nonnegative(),
        /** Share of the rows that learn without their caption. */
        guidanceDropout: Share,
        /** Rows of a step, replayed ones included. */
        batch: Count,
        /** Parts in which a step's rows are gone through, one after the other. */
        accumulation: Count.optional(),
        /** Whether what a layer computes is forgotten and computed again on the way back. */
        checkpointing: z.boolean().optional(),
      }),
      /** Rows of a step that come from the public corpus (protocol §7.29). */
      replayRows: z.int().nonnegative(),
      /** Clips of each style, by the composer from this seed. */
      replay: z.strictObject({ styles: Styles, clips: Count, seed: z.string().min(1) }),
    }),
    styles: z.strictObject({
      /** What the Dama knows, and must not forget. */
      base: Styles,
      /** What is to be learned: groups of equal weight. */
      private: Styles,
      /** Nats per code below which nothing is left to learn. */
      floors: z.record(Style, z.number().nonnegative()),
    }),
    /** A for acceptance and scale, B for pay, C for the decision to publish (§3.14). */
    holdOut: z.strictObject({ A: Part, B: Part, C: Part }),
    thresholds: z.strictObject({
      /** From this cosine of two updates on, the later is a copy. */
      copyCosine: Share,
      /** Standard errors that a submission must add, before the correction for the number of candidates. */
      acceptZ: z.number().positive(),
      /** The median norm that updates are clipped to counts as at least this, and as at most that (§2.10). */
      normFloor: z.number().positive(),
      normCap: z.number().positive(),
      /** The norm that every update is brought to when it plays: who claims to be longer is heard no differently. */
      playedNorm: z.number().positive(),
      /** Share of the total gain that a submission must add. */
      minimumShare: Share,
      /** Share of the total gain that a specialist must bring to the one style that it teaches. */
      styleShare: Share,
      /** Nats per code that a base style may lose. */
      guardNats: z.number().nonnegative(),
      /** Standard errors that a new Dama must gain. */
      publishZ: z.number().positive(),
    }),
    /** Of the merge: what each accepted update is multiplied by. */
    scales: Ascending,
    timing: z.strictObject({
      /** From the commit to the first round that looks at it. */
      evalDelayBlocks: Blocks,
      /** From the commit to the finalized head from which on a key that is missing is a rejection (§1.6a). */
      keyDeadlineBlocks: Count,
      windowBlocks: Count,
      /** From the first block of an epoch to its snapshot. */
      snapshotOffsetBlocks: Blocks,
      /** k: the seed is made of the hashes of the snapshot and the k blocks after it. */
      seedBlocks: Count.min(4),
    }),
    /** Submissions that a round looks at (§1.6d): the best of the last round, and those that have waited longest. */
    pool: z.strictObject({ top: z.int().nonnegative(), fresh: Count }),
    limits: z.strictObject({ adapterBytes: Count, adapterTensors: Count, adapterElements: Count, /** Frobenius norm of a whole update */ updateNorm: z.number().positive(), manifestBytes: Count }),
    generation: z.strictObject({
      /** For each submission. */
      clips: Count.max(64),
      guidance: z.number().min(1),
      temperature: z.number().positive(),
      topK: Count,
    }),
    /** Who listens to the clips; without it quality and diversity are not measured, and pay nothing. */
    listening: z.strictObject({ embedder: Embedder }).optional(),
    /** Of more accepted than the Shapley value is computed exactly for: when an estimate is good enough, as a part of the whole gain, and how many merges it may measure. */
    shapley: z.strictObject({ tolerance: z.number().positive(), maxEvaluations: Count.min(2).max(MAX_EVALUATIONS) }),
    /** How an epoch's scores become weights together with those of the epochs before: averaged, a rate of 1 forgets the past; or as a rating. A score that was not renewed for so many epochs is forgotten. */
    overTime: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('average'), rate: z.number().positive().max(1), expiresAfter: Count }),
      z.strictObject({ kind: z.literal('openskill'), expiresAfter: Count }),
    ]),
    policy: z.strictObject({ name: z.enum(policyNames), parameters: z.record(z.string(), z.number()) }).superRefine((policy, context) => {
      const fault = policyFault(policy);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    }),
  })
  .refine(({ styles }) => styles.private.every((style) => !styles.base.includes(style)), 'expected a style to be base or private, got one in both')
  .refine(({ styles }) => styles.private.every((style) => Object.hasOwn(styles.floors, style)), 'expected a floor for every private style')
  .refine(({ thresholds }) => thresholds.normFloor <= thresholds.normCap, 'expected thresholds.normFloor not above thresholds.normCap')
  .refine(({ pool }) => pool.top + pool.fresh <= MAX_POOL, `expected a pool of at most ${MAX_POOL}`)
  .refine(({ policy, listening }) => listening !== undefined || !policyDefinition(policy.name).needs.includes('cosine'), 'expected an embedder to listen with, as the policy pays for how the clips sound')
  .refine(({ listening, styles, generation }) => listening === undefined || (styles.private.length >= 2 && generation.clips >= 2), 'expected two private styles and two clips at least where clips are listened to: of one there is no distance')
  .refine(({ exchange, delta }) => (exchange === 'delta') === (delta !== undefined), 'expected delta with the exchange delta, and with no other')
  .refine(({ exchange, relay }) => (exchange === 'relay') === (relay !== undefined), 'expected relay with the exchange relay, and with no other')
  .refine(({ delta, policy }) => delta === undefined || policy.name === 'gradient-agreement', 'expected the policy gradient-agreement where updates of windows are exchanged: nothing else is measured of them')
  .refine(({ delta }) => delta === undefined || delta.norm.floor <= delta.norm.cap, 'expected delta.norm.floor not above delta.norm.cap')
  .refine(({ delta }) => delta?.codec.kind !== 'top-k' || delta.codec.keep <= delta.codec.chunk, 'expected delta.codec.keep not above delta.codec.chunk')
  .refine(({ delta, timing }) => delta === undefined || delta.timing.uploadBlocks < timing.windowBlocks, 'expected delta.timing.uploadBlocks within the window')
  .refine(({ delta, timing }) => delta?.codec.kind !== 'slice' || delta.timing.revealBlocks > timing.seedBlocks + 1, 'expected delta.timing.revealBlocks above timing.seedBlocks + 1: no sooner is it known what of a slice is audited')
  .refine(({ training }) => training.replayRows < training.hyper.batch, 'expected fewer replayed rows than rows');

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
export type Competition = DeepReadonly<z.infer<typeof CompetitionSchema>>;
export type HoldOutPart = keyof Competition['holdOut'];

/**
 * A competition from a file, frozen.
 * @throws {InvalidInput} naming each field that is not as it should be
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function readCompetition(json: unknown): Competition {
  const versioned = z.looseObject({ version: z.int() }).safeParse(json);
  if (versioned.success && versioned.data.version > VERSION) throw new NewerSchema(`Expected a competition of version ${VERSION}, got ${versioned.data.version}`);
  const parsed = CompetitionSchema.safeParse(json);
  if (!parsed.success) throw new InvalidInput(`Expected a competition:\n${z.prettifyError(parsed.error)}`);
  canonicalJson(parsed.data); // text that has no digest would be found out by whoever asks for it first
  return deepFreeze(parsed.data);
}

/** Base64 sha256 of its canonical JSON. */
export const competitionDigest = (competition: Competition): string => fileDigest(canonicalJson(competition));

/** The owner's signature over a competition, 128 hex digits: over `genki-competition-v1:` and its canonical JSON. It holds randomness. */
export const signCompetition = (competition: Competition, owner: Signer): string => Buffer.from(owner.sign(signed(competition))).toString('hex');

/** Whether the signature is that hotkey's over the competition; never throws. */
export const isSignedBy = (competition: Competition, { signature, owner }: { readonly signature: string; readonly owner: Hotkey }, verify: VerifySignature): boolean => verify(signed(competition), Buffer.from(signature, 'hex'), owner);

const signed = (competition: Competition): Uint8Array => new TextEncoder().encode(DOMAIN + canonicalJson(competition));

/** How many clips of each style one part of the hold-out has. */
export function heldOutClips({ styles, holdOut }: Competition, part: HoldOutPart): Record<string, number> {
  const { perPrivateStyle, perBaseStyle } = holdOut[part];
  const learned = styles.private.map((style) => [style, perPrivateStyle] as const);
  const guarded = perBaseStyle > 0 ? styles.base.map((style) => [style, perBaseStyle] as const) : [];
  return Object.fromEntries([...learned, ...guarded]);
}

function deepFreeze<T extends object>(value: T): DeepReadonly<T>;
function deepFreeze(value: object): object {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) deepFreeze(member);
  return Object.freeze(value);
}
