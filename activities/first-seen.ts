import * as z from 'zod';
import { faultOf, StoreUnavailable } from '../genki/errors.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { additions, append, decodeIndex, decodePage, earlier, EMPTY_LEDGER, encodeIndex, firstsOf, ledgerKey, LedgerRef, MAX_INDEX_BYTES, MAX_PAGE_BYTES, seenBefore, type CommittedUpdate, type LedgerIndex, type SeenBefore } from '../genki/protocol/first-seen.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { newestFirst, type Standing } from './current-dama.ts';
import { parseJson } from './parse-json.ts';
import { MAX_REPORT_BYTES } from './reference.ts';

/** A ledger whose pages lie in a bucket, but for those that are new. */
export type Ledger = {
  readonly index: LedgerIndex;
  readonly bucket: string;
  /** sha256 -> page */
  readonly made: ReadonlyMap<string, Uint8Array>;
};

/** What a round takes from the ledger, and what it leaves in it. */
export type Consulted = {
  /** Shape [submissions]; undefined for what is nobody else's and not old. */
  readonly seen: readonly (SeenBefore | undefined)[];
  /** Digest -> whose it is, of the submissions and of whatever else was asked for that the ledger has. */
  readonly firsts: ReadonlyMap<string, CommittedUpdate>;
  /** With this round's submissions. */
  readonly ledger: Ledger;
  /** Why the ledger is not the one that it should have begun from, in words. */
  readonly note: string | undefined;
};

export type LedgerDeps = {
  readonly store: ObjectStore;
  /** Validators, each with what it stood for at the snapshot. */
  readonly standings: readonly Standing[];
  /** Of all validators, whether they stand for anything or not. */
  readonly totalStake: bigint;
};

/** A ledger, and who has it. */
type Held = { readonly ref: LedgerRef; readonly buckets: readonly string[]; readonly stake: bigint; readonly epoch: number };

/**
 * Who has seen these updates before, by the ledger that more than half of the stake agrees on, else by the newest with the
 * most stake. One that is missing or broken stops no round: the next best counts, and in the end an empty one.
 * @param submissions of one round, each hotkey once, in any order
 * @param others digests that it is asked for, too
 * @throws {StoreUnavailable}
 */
export async function consultLedger({ store, standings, totalStake }: LedgerDeps, submissions: readonly CommittedUpdate[], others: readonly string[] = []): Promise<Consulted> {
  const { held, faults } = await ledgersOf(store, standings);
  const ranked = [...held.filter(({ stake }) => 2n * stake > totalStake), ...held.filter(({ stake }) => 2n * stake <= totalStake)];
  const sources = ranked.flatMap(({ ref, buckets }) => buckets.map((bucket) => ({ ref, bucket })));
  for (const source of sources) {
    try {
      return { ...(await consult(store, await readLedger(store, source), submissions, others)), note: noteOf(faults) };
    } catch (error) {
      faults.push(messageOf(error));
    }
  }
  return { ...(await consult(store, await readLedger(store, undefined), submissions, others)), note: noteOf(faults) };
}

/**
 * A ledger's index; its pages are read when they are looked through.
 * @param source none: a ledger without entries
 * @throws {ObjectMissing} {ChecksumMismatch} {BadSubmission} {StoreUnavailable}
 */
export async function readLedger(store: ObjectStore, source: { readonly bucket: string; readonly ref: LedgerRef } | undefined): Promise<Ledger> {
  const made = new Map<string, Uint8Array>();
  if (!source) return { index: EMPTY_LEDGER, bucket: '', made };
  const { bucket, ref } = source;
  const bytes = await store.get({ bucket, key: ledgerKey(ref), sha256: ref.sha256, bytes: ref.bytes }, { maxBytes: MAX_INDEX_BYTES });
  return { index: decodeIndex(bytes, ref), bucket, made };
}

/**
 * The first entries of some digests, and those of the last page. Each page is read once, and one at a time is held.
 * @throws {ObjectMissing} {ChecksumMismatch} {BadSubmission} where a page is not what the index says
 */
export async function lookUp(store: ObjectStore, ledger: Ledger, digests: ReadonlySet<string>): Promise<{ readonly known: ReadonlyMap<string, CommittedUpdate>; readonly tail: readonly CommittedUpdate[] }> {
  const known = new Map<string, CommittedUpdate>();
  let tail: CommittedUpdate[] = [];
  for (const at of ledger.index.pages.keys()) {
    tail = decodePage(await pageOf(store, ledger, at), ledger.index, at);
    for (const entry of tail) if (digests.has(entry.digest)) known.set(entry.digest, earlier(known.get(entry.digest), entry));
  }
  return { known, tail };
}

/** What the submissions take from a ledger, and the ledger with them; it is looked through once. */
export async function consult(store: ObjectStore, ledger: Ledger, submissions: readonly CommittedUpdate[], others: readonly string[] = []): Promise<Omit<Consulted, 'note'>> {
  const { known, tail } = await lookUp(store, ledger, new Set([...submissions.map(({ digest }) => digest), ...others]));
  const { index, made } = append(ledger.index, tail, additions(known, submissions));
  return {
    seen: seenBefore(known, submissions),
    firsts: new Map([...known, ...firstsOf(known, submissions)]),
    ledger: { ...ledger, index, made: new Map([...ledger.made, ...made.map(({ page, bytes }) => [page.sha256, bytes] as const)]) },
  };
}

/**
 * Keeps a ledger in a bucket: what of it is not there yet.
 * @returns as the report names it; the same wherever it is kept
 * @throws {StoreUnavailable}
 */
export async function keepLedger(store: ObjectStore, bucket: string, ledger: Ledger): Promise<LedgerRef> {
  const { bytes, ref } = encodeIndex(ledger.index);
  try {
    for (const [at, page] of ledger.index.pages.entries()) {
      const key = ledgerKey(page);
      if ((await store.head(bucket, key))?.bytes !== page.bytes) await store.putOnce(bucket, key, await pageOf(store, ledger, at));
    }
    await store.putOnce(bucket, ledgerKey(ref), bytes);
    return ref;
  } catch (error) {
    throw new StoreUnavailable(`Expected the pages of the first-seen ledger: ${messageOf(error)}`, { cause: error });
  }
}

async function pageOf(store: ObjectStore, { index, bucket, made }: Ledger, at: number): Promise<Uint8Array> {
  const { sha256, bytes } = index.pages[at]!;
  return made.get(sha256) ?? (await store.get({ bucket, key: ledgerKey({ sha256 }), sha256, bytes }, { maxBytes: MAX_PAGE_BYTES }));
}

const Report = z.looseObject({ ledger: LedgerRef });

/** The ledgers that validators stand for, the newest first, of one epoch the one with the most stake. */
async function ledgersOf(store: ObjectStore, standings: readonly Standing[]): Promise<{ held: Held[]; faults: string[] }> {
  const held = new Map<string, Held>();
  const faults: string[] = [];
  const read = new Map<string, LedgerRef>();
  for (const { manifest, stake } of newestFirst(standings)) {
    const { report, epoch } = manifest;
    try {
      // two whose reports are the same bytes have the same ledger
      const ref = read.get(report.sha256) ?? Report.safeParse(parseJson(await store.get(report, { maxBytes: MAX_REPORT_BYTES }))).data?.ledger;
      if (!ref) continue;
      read.set(report.sha256, ref);
      // all of it: who lies about the head of somebody's index stands for another ledger
      const name = canonicalJson(ref);
      const same = held.get(name) ?? { ref, buckets: [], stake: 0n, epoch };
      held.set(name, { ...same, buckets: [...same.buckets, report.bucket], stake: same.stake + stake });
    } catch (error) {
      faults.push(messageOf(error));
    }
  }
  return { held: [...held.values()].sort((a, b) => b.epoch - a.epoch || Number(b.stake > a.stake) - Number(b.stake < a.stake)), faults };
}

/** Of what is wrong with an object; what is wrong with the store rises. */
function messageOf(error: unknown): string {
  const fault = faultOf(error);
  if (!fault) throw error;
  return fault.message;
}

const MAX_NOTED = 3;
const noteOf = (faults: readonly string[]): string | undefined =>
  faults.length === 0 ? undefined : `the first-seen ledger was not to be had everywhere: ${[...faults.slice(0, MAX_NOTED), ...(faults.length > MAX_NOTED ? [`and ${faults.length - MAX_NOTED} more`] : [])].join('; ')}`;
