import * as z from 'zod';
import { FAULTS, faultOf, isFault, type Fault } from '../genki/errors.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { parseJson } from './parse-json.ts';
import { plainText } from './plain-text.ts';
import { putFirst } from './put-first.ts';
import { unlessFaulty } from './unless-faulty.ts';

/** Where it is kept that something was refused. */
export type RefusalPlace = { readonly store: ObjectStore; readonly bucket: string; readonly key: string };

const Refusal = z.strictObject({ version: z.literal(1), error: z.custom<Fault>(isFault), reason: z.string() });
type Refusal = z.infer<typeof Refusal>;

const MAX_BYTES = 2 ** 12;

/**
 * What the look gives. A fault that it finds is kept, and thrown again the next time without another look (protocol §1.4):
 * the same error with the same words, so that who looked before and who looks now report the same.
 * @param look throws one of `FAULTS` when what it looks at is wrong, and anything else when it could not be seen
 */
export async function unlessRefused<T>(place: RefusalPlace, look: () => Promise<T>): Promise<T> {
  const known = await recall(place);
  if (known) throw errorOf(known);
  try {
    return await look();
  } catch (error) {
    const fault = faultOf(error);
    if (!fault) throw error;
    const refusal: Refusal = { version: 1, error: fault.name, reason: plainText(fault.message) };
    // of two looks at the same time, the first to find a fault is remembered
    await putFirst(place.store, place, new TextEncoder().encode(canonicalJson(refusal)));
    throw errorOf(refusal, fault);
  }
}

/** None, too, where what was kept is spoiled. */
async function recall({ store, bucket, key }: RefusalPlace): Promise<Refusal | undefined> {
  return Refusal.safeParse(await unlessFaulty(async () => parseJson(await store.getByKey(bucket, key, { maxBytes: MAX_BYTES })))).data;
}

const errorOf = ({ error, reason }: Refusal, cause?: Error): Error => new FAULTS[error](reason, { cause });
