import * as z from 'zod';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { newestFirst, type Standing } from './current-dama.ts';
import { parseJson } from './parse-json.ts';
import { MAX_REPORT_BYTES } from './reference.ts';
import { unlessFaulty } from './unless-faulty.ts';

/** An update that an earlier round accepted: whose it was, and for which Dama. */
export type EarlierUpdate = { readonly hotkey: string; readonly base: string; readonly file: Uint8Array };

/** As many as a round accepts at most, and their largest. */
export type EarlierLimits = { readonly updates: number; readonly bytes: number };

const Update = z.looseObject({ sha256: z.hash('sha256').lowercase(), bytes: z.int().positive() });
const Miner = z.looseObject({ hotkey: z.string(), verdict: z.string(), update: Update.nullable() });
const Report = z.looseObject({ base: z.looseObject({ digest: z.string() }), miners: z.array(Miner).max(65_536) });

/** Where a validator keeps what it evaluated. */
export const frozenKey = (sha256: string): string => `frozen/${sha256}.safetensors`;

/**
 * What the newest report accepted that can be read, from whoever of those that stand for it has it. What nobody has any
 * more is left out: it stops no round.
 * @throws {StoreUnavailable}
 */
export async function lastAccepted(store: ObjectStore, standings: readonly Standing[], limits: EarlierLimits): Promise<EarlierUpdate[]> {
  const newest = newestFirst(standings);
  for (const { manifest } of newest) {
    const report = Report.safeParse(await unlessFaulty(async () => parseJson(await store.get(manifest.report, { maxBytes: MAX_REPORT_BYTES })))).data;
    if (!report) continue;
    const buckets = newest.flatMap((one) => (one.manifest.report.sha256 === manifest.report.sha256 ? [one.manifest.report.bucket] : []));
    const found: EarlierUpdate[] = [];
    for (const { hotkey, verdict, update } of report.miners) {
      if (verdict !== 'accepted' || !update || update.bytes > limits.bytes || found.length === limits.updates) continue;
      const file = await fromAny(store, buckets, update);
      if (file) found.push({ hotkey, base: report.base.digest, file });
    }
    return found;
  }
  return [];
}

async function fromAny(store: ObjectStore, buckets: readonly string[], { sha256, bytes }: z.infer<typeof Update>): Promise<Uint8Array | undefined> {
  for (const bucket of buckets) {
    const file = await unlessFaulty(() => store.get({ bucket, key: frozenKey(sha256), sha256, bytes }, { maxBytes: bytes }));
    if (file) return file;
  }
  return undefined;
}
