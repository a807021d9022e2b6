import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { Block, Digest, Hotkey, Line, listOf, recordOf, said, Share } from './report-fields.ts';
import type { ScoredWindow } from './window-records.ts';
import type { WindowsReport } from './windows-report.ts';

/** As many as there can be uids. */
const MAX_MINERS = 65_536;
const MAX_PEERS = 256;
const MAX_WINDOWS = 1000;
const MAX_PARAMETERS = 64;

const number = z.number();
const Cosine = z.number().min(-1).max(1);
const Gain = z.strictObject({ gain: number, standardError: z.number().nonnegative() });
const Verdict = z.enum(['sound', 'lazy', 'harmful', 'unmeasured']);
const Score: z.ZodType<ScoredWindow['scores'][number]> = z.strictObject({
  hotkey: Hotkey,
  registeredAt: Block,
  agreement: Cosine.nullable(),
  own: Gain.nullable(),
  holdout: Gain.nullable(),
  gap: Gain.nullable(),
  verdict: Verdict,
  reason: Line(2000),
});
const Miner: z.ZodType<WindowsReport['miners'][number]> = z.strictObject({
  hotkey: Hotkey,
  registeredAt: Block,
  agreement: Cosine,
  proof: number.nullable(),
  holdout: number.nullable(),
  windows: Block,
  present: Share,
  verdict: Verdict,
  reason: Line(2000),
  weight: Share,
});
const Report: z.ZodType<WindowsReport> = z.strictObject({
  version: z.literal(1),
  kind: z.literal('windows'),
  competition: Digest,
  hotkey: Hotkey,
  epoch: Block,
  snapshot: z.strictObject({ number: Block, hash: z.string().regex(/^0x[0-9a-f]{64}$/) }),
  model: z.strictObject({ window: Block, state: Digest, dama: Digest }).nullable(),
  windows: listOf(z.strictObject({ window: Block, scores: listOf(Score, MAX_PEERS) }), MAX_WINDOWS),
  policy: z.strictObject({ name: z.literal('gradient-agreement'), parameters: recordOf(number, MAX_PARAMETERS) }),
  miners: listOf(Miner, MAX_MINERS),
});

/** Whether a report says that it is one of windows. */
export const isOfWindows = (json: unknown): boolean => typeof json === 'object' && json !== null && 'kind' in json && json.kind === 'windows';

/**
 * A report of windows from outside, every key and number of it looked at.
 * @throws {InvalidInput} naming what is wrong, and where
 */
export function parseWindowsReport(json: unknown): WindowsReport {
  const { data, error } = Report.safeParse(json);
  if (error) throw new InvalidInput(`Expected a report of windows of version 1:\n${said(error)}`);
  return data;
}
