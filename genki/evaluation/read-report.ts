import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { readCarried } from '../incentive/read-carried.ts';
import { LedgerRef } from '../protocol/first-seen.ts';
import type { RoundReport } from './round-report.ts';

const number = z.number();
/** It is shown on terminals: nothing in it moves a cursor. */
const Line = z.string().regex(/^\P{C}*$/u);
/** Looks at no element behind the first that is wrong: an error for each of millions would not fit into memory. */
const listOf = (schema: z.ZodType, most: number) => z.custom((value) => Array.isArray(value) && value.length <= most && value.every((one) => schema.safeParse(one).success));
/** As many as there can be uids. */
const MAX_MINERS = 65_536;
const Estimate = z.looseObject({ mean: number, standardError: number });
const Miner = z.looseObject({
  hotkey: Line.max(64),
  registeredAt: number.optional(),
  commitBlock: number.nullable(),
  commitIndex: number.nullable(),
  verdict: z.enum(['accepted', 'copy', 'not-accepted', 'rejected', 'unavailable', 'absent']),
  reason: Line.max(2000),
  gain: z.looseObject({ natsPerCode: number, relative: number }).nullable(),
  contribution: Estimate.nullable(),
  quality: z.looseObject({ mean: number, standardError: number, anchored: number }).nullable(),
  diversity: z.looseObject({ distance: number.nullable(), anchored: number }).nullable(),
  score: number,
  similarity: z.looseObject({ value: number, to: Line.nullable() }).nullable(),
  overlap: number.nullable(),
  weight: number,
  waitingSince: number.nullable().optional(),
});
const Report = z.looseObject({
  version: z.literal(2),
  netuid: number,
  epoch: number,
  snapshot: z.looseObject({ number, hash: z.string() }),
  miners: listOf(Miner, MAX_MINERS),
  acceptance: z.looseObject({ accepted: listOf(z.string(), MAX_MINERS), scale: number }),
  scores: z.looseObject({ after: z.custom(isCarried) }),
  ledger: LedgerRef.nullable(),
  dama: z.looseObject({ next: z.string(), published: z.boolean(), reason: Line }),
});

function isCarried(json: unknown): boolean {
  try {
    readCarried(json);
    return true;
  } catch (error) {
    if (error instanceof InvalidInput) return false;
    throw error;
  }
}

/** A report from outside; undefined when it is none that could be shown. */
export function readReport(json: unknown): RoundReport | undefined {
  const parsed = Report.safeParse(json);
  return parsed.success ? (json as RoundReport) : undefined;
}
