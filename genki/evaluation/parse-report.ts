import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { MOST_LENGTHENED } from '../federation/norm-clip.ts';
import type { Carried } from '../incentive/epoch-scores.ts';
import { readCarried } from '../incentive/read-carried.ts';
import { LedgerRef } from '../protocol/first-seen.ts';
import { Block, Digest, Hotkey, Line, listOf, recordOf, Ref, said, Sha256, Share } from './report-fields.ts';
import type { CoalitionValues, DamaLosses, Listening, MinerReport, RoundReport } from './round-report.ts';
import { MAX_PLAYERS } from './shapley.ts';

/** As many as there can be uids. */
const MAX_MINERS = 65_536;
/** Miners that a round measures. */
const MAX_SCORED = 256;
const MAX_STYLES = 64;
const MAX_PARAMETERS = 64;
const MAX_ESTIMATED = 65_536;

const number = z.number();
const Estimate = z.strictObject({ mean: number, standardError: number });
const Anchors = z.strictObject({ floor: number, ceiling: number });
const Losses = recordOf(number, MAX_STYLES);

const Miner: z.ZodType<MinerReport> = z.strictObject({
  hotkey: Hotkey,
  registeredAt: Block,
  commitBlock: Block.nullable(),
  commitIndex: Block.nullable(),
  verdict: z.enum(['accepted', 'copy', 'not-accepted', 'rejected', 'unavailable', 'absent']),
  reason: Line(2000),
  update: z.strictObject({ sha256: Sha256, bytes: Block, digest: Digest }).nullable(),
  losses: Losses.nullable(),
  gain: z.strictObject({ natsPerCode: number, relative: number }).nullable(),
  marginal: Estimate.nullable(),
  contribution: Estimate.nullable(),
  overlap: Share.nullable(),
  similarity: z.strictObject({ value: Share, to: Hotkey.nullable(), by: z.enum(['digest', 'ledger', 'past', 'update', 'span', 'outputs']) }).nullable(),
  quality: z.strictObject({ mean: number, standardError: number, anchored: Share }).nullable(),
  diversity: z.strictObject({ distance: number.nullable(), anchored: Share }).nullable(),
  agreement: z.number().min(-1).max(1).nullable(),
  score: z.number().min(-1).max(1),
  weight: Share,
  waitingSince: Block.nullable(),
});
const Coalitions: z.ZodType<CoalitionValues> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exact'), values: listOf(number, 2 ** MAX_PLAYERS) }),
  z.strictObject({
    kind: z.literal('estimated'),
    measured: listOf(z.strictObject({ members: listOf(Block, MAX_SCORED), value: number }), MAX_ESTIMATED),
    seed: Line(200),
    tolerance: z.number().positive(),
    maxEvaluations: z.int().positive(),
    permutations: Block,
    stoppedBy: Line(100),
  }),
]);
const ListeningSchema: z.ZodType<Listening> = z.strictObject({ embedder: Line(200), clips: z.int().positive(), quality: Anchors, diversity: Anchors, alike: number });
/** No number where nothing was measured: then JSON has null of it. */
const Mixture = z.custom<number>((value) => value === null || number.safeParse(value).success, 'expected a number, or null');
const DamaSchema: z.ZodType<DamaLosses> = z.strictObject({ digest: Line(64), mixture: Mixture, byStyle: Losses });
const CarriedSchema: z.ZodType<Carried> = z.custom<Carried>().superRefine((value, context) => {
  try {
    readCarried(value);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

const Report: z.ZodType<RoundReport> = z.strictObject({
  version: z.literal(2),
  netuid: Block,
  epoch: Block,
  competition: z.strictObject({ id: Line(64), digest: Digest }),
  snapshot: z.strictObject({ number: Block, hash: z.string().regex(/^0x[0-9a-f]{64}$/) }),
  seeds: recordOf(Line(200), MAX_PARAMETERS),
  engine: Line(200),
  base: z.strictObject({ digest: Digest, weights: Ref, config: Ref, tokenizer: Ref.optional() }),
  baseLosses: Losses,
  floors: Losses,
  miners: listOf(Miner, MAX_MINERS),
  acceptance: z.strictObject({
    accepted: listOf(Hotkey, MAX_SCORED),
    scale: z.number().positive(),
    lastScale: z.number().positive().nullable(),
    gain: number,
    evaluations: Block,
    normFactors: recordOf(z.number().min(0).max(MOST_LENGTHENED), MAX_SCORED),
    residuals: recordOf(listOf(z.strictObject({ of: Hotkey, coefficient: number }), MAX_SCORED), MAX_SCORED),
  }),
  coalitions: Coalitions,
  listening: ListeningSchema.nullable(),
  distances: listOf(z.number().nonnegative(), (MAX_SCORED * (MAX_SCORED - 1)) / 2),
  policy: z.strictObject({ name: Line(64), parameters: recordOf(number, MAX_PARAMETERS) }),
  overTime: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('average'), rate: z.number().positive().max(1), expiresAfter: z.int().positive() }),
    z.strictObject({ kind: z.literal('openskill'), expiresAfter: z.int().positive() }),
  ]),
  scores: z.strictObject({ before: CarriedSchema.nullable(), after: CarriedSchema }),
  leader: Hotkey.nullable(),
  dama: z.strictObject({ before: DamaSchema, merged: DamaSchema.nullable(), next: Line(64), published: z.boolean(), reason: Line(2000) }),
  ledger: LedgerRef.nullable(),
});

/**
 * A round report from outside, every key and number of it looked at.
 * @param json as it was read; undefined for what was no JSON
 * @throws {InvalidInput} naming what is wrong, and where
 */
export function parseReport(json: unknown): RoundReport {
  if (json === undefined) throw new InvalidInput('Expected a round report in JSON, got other bytes, or more than any report holds');
  const { data, error } = Report.safeParse(json);
  if (error) throw new InvalidInput(`Expected a round report of version 2:\n${said(error)}`);
  return data;
}
