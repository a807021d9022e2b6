import type { ObjectStore } from '../genki/store/object-store.ts';

/** What the clock begins once per participant: a round an epoch, a training window a window. */
export type Unit = 'epoch' | 'window';

/** Where one participant's machine remembers what was begun for it: in its private bucket, one object an epoch or window. */
export type Ledger = { readonly bucket: string; readonly unit: Unit; readonly netuid: number };

/** As many digits as a number of 32 bits has, so that keys sort as numbers do. */
const DIGITS = 10;

const prefixOf = ({ unit, netuid }: Ledger): string => `clock/${unit}/${netuid}/`;

/** `clock/epoch/1/0000004711.json` */
export const ledgerKey = (ledger: Ledger, number: number): string => `${prefixOf(ledger)}${String(number).padStart(DIGITS, '0')}.json`;

/** The epochs or windows that were begun, ascending. Those between them were missed (`missedOf`). */
export async function begunIn(store: ObjectStore, ledger: Ledger): Promise<number[]> {
  const begun: number[] = [];
  const prefix = prefixOf(ledger);
  for await (const key of store.list(ledger.bucket, prefix)) {
    const number = Number(key.slice(prefix.length, prefix.length + DIGITS));
    if (key === ledgerKey(ledger, number)) begun.push(number);
  }
  return begun;
}
