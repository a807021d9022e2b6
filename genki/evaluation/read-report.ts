import * as z from 'zod';
import type { RoundReport } from './round-report.ts';

const number = z.number();
const Miner = z.looseObject({
  hotkey: z.string(),
  commitBlock: number.nullable(),
  commitIndex: number.nullable(),
  verdict: z.enum(['accepted', 'copy', 'not-accepted', 'rejected', 'unavailable', 'absent']),
  reason: z.string().max(2000),
  gain: z.looseObject({ natsPerCode: number, relative: number }).nullable(),
  contribution: number.nullable(),
  similarity: z.looseObject({ value: number, to: z.string().nullable() }).nullable(),
  weight: number,
});
const Report = z.looseObject({
  version: z.literal(1),
  netuid: number,
  epoch: number,
  snapshot: z.looseObject({ number, hash: z.string() }),
  miners: z.array(Miner).max(4096),
  acceptance: z.looseObject({ accepted: z.array(z.string()), scale: number }),
  dama: z.looseObject({ next: z.string(), published: z.boolean(), reason: z.string() }),
});

/** A report from outside; undefined when it is none that could be shown. */
export function readReport(json: unknown): RoundReport | undefined {
  const parsed = Report.safeParse(json);
  return parsed.success ? (json as RoundReport) : undefined;
}
