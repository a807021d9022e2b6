import type { ObjectStore } from '../genki/store/object-store.ts';

/** The numbers of the objects `<prefix><10 digits>.json`, ascending; what else lies there is passed over. */
export async function numbersIn(store: ObjectStore, bucket: string, prefix: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const key of store.list(bucket, prefix)) {
    const digits = /^\d{10}(?=\.json$)/.exec(key.slice(prefix.length))?.[0];
    if (digits !== undefined) numbers.push(Number(digits));
  }
  return numbers;
}
