import * as z from 'zod';
import type { RoundReport } from './round-report.ts';

const number = z.number();
/** It is shown on terminals: nothing in it moves a cursor. */
const Line = z.string().regex(/^\P{C}*$/u);
/** Looks at no element behind the first that is wrong: an error for each of millions would not fit into memory. */
const listOf = (schema: z.ZodType, most: number) => z.custom((value) => Array.isArray(value) && value.length <= most && value.every((one) => schema.safeParse(one).success));
/** As many as there can be uids. */
const MAX_MINERS = 65_536;
const Miner = z.looseObject({
  hotkey: Line,
  registeredAt: number.optional(),
  commitBlock: number.nullable(),
  commitIndex: number.nullable(),
  verdict: z.enum(['accepted', 'copy', 'not-accepted', 'rejected', 'unavailable', 'absent']),
  reason: Line.max(2000),
  gain: z.looseObject({ natsPerCode: number, relative: number }).nullable(),
  contribution: number.nullable(),
  similarity: z.looseObject({ value: number, to: Line.nullable() }).nullable(),
  weight: number,
  waitingSince: number.nullable().optional(),
});
const Report = z.looseObject({
  version: z.literal(1),
  netuid: number,
  epoch: number,
  snapshot: z.looseObject({ number, hash: z.string() }),
  miners: listOf(Miner, MAX_MINERS),
  acceptance: z.looseObject({ accepted: listOf(z.string(), MAX_MINERS), scale: number }),
  dama: z.looseObject({ next: z.string(), published: z.boolean(), reason: Line }),
});

/** A report from outside; undefined when it is none that could be shown. */
export function readReport(json: unknown): RoundReport | undefined {
  const parsed = Report.safeParse(json);
  return parsed.success ? (json as RoundReport) : undefined;
}
