import * as z from 'zod';
import type { Losses } from '../../genki/evaluation/held-out.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { parseJson } from '../parse-json.ts';
import { putFirst } from '../put-first.ts';
import { unlessFaulty } from '../unless-faulty.ts';

/** Losses of some 40,000 clips. */
const MAX_BYTES = 2 ** 20;

/** JSON has no words for losses of a merge that diverged. */
const Loss = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]);
const Kept = z.strictObject({ version: z.literal(1), coalition: z.string(), losses: z.array(Loss) });

/** Where losses of coalitions are kept, for another try and for later rounds: a validator's private bucket. */
export type Memo = { readonly bucket: string };
type At = Memo & { /** the coalition's */ readonly digest: string; /** how many losses it has */ readonly clips: number };

/** `coalitions/<64 hex>.json` */
export const coalitionKey = (digest: string): string => `coalitions/${digest}.json`;

/** The losses kept under a coalition's digest, bit for bit; where there are none that can be read as such, measured and kept. */
export async function lossesOnce(store: ObjectStore, at: At, { measure, onKept }: { measure: () => Promise<Losses>; onKept: () => Promise<void> }): Promise<Losses> {
  const kept = await keptLosses(store, at);
  if (kept) {
    await onKept();
    return kept;
  }
  const losses = await measure();
  await keepLosses(store, at, losses);
  return losses;
}

async function keptLosses(store: ObjectStore, { bucket, digest, clips }: At): Promise<Losses | undefined> {
  const bytes = await unlessFaulty(() => store.getByKey(bucket, coalitionKey(digest), { maxBytes: MAX_BYTES }));
  const kept = bytes && Kept.safeParse(parseJson(bytes)).data;
  return kept?.coalition === digest && kept.losses.length === clips ? kept.losses.map(Number) : undefined;
}

/** Of two that measured the same at once the first one's stay. */
async function keepLosses(store: ObjectStore, { bucket, digest }: At, losses: Losses): Promise<void> {
  const kept: z.infer<typeof Kept> = { version: 1, coalition: digest, losses: losses.map((loss) => (Number.isFinite(loss) ? loss : (String(loss) as 'NaN'))) };
  await putFirst(store, { bucket, key: coalitionKey(digest) }, new TextEncoder().encode(JSON.stringify(kept)));
}
