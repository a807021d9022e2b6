import { createHash } from 'node:crypto';
import * as z from 'zod';
import { BadSubmission } from '../errors.ts';
import { canonicalJson } from './canonical-json.ts';
import { byCommit } from './commit-order.ts';
import { sha256Hex } from './digests.ts';
import { isWithin, JSON_BOUNDS } from './json-bounds.ts';

/**
 * The first-seen ledger (protocol §1.3): who committed an update first, for ever, also after that hotkey is gone.
 *
 * 1. It only grows: `head_i = sha256(head_(i−1) ‖ canonical JSON of entry i)`, in hex, from 64 zeros.
 * 2. It lies in pages of 4,096 entries under an index; a page says no more than its entries, and the index its head.
 * 3. Of several entries of one update the earliest commit counts: who committed first may have been looked at later.
 * 4. Whoever has the same entries in the same order has the same bytes.
 */
export const ENTRIES_A_PAGE = 4096;
/** A page of the longest entries has 959 kB. */
export const MAX_PAGE_BYTES = 2 ** 20;
export const MAX_INDEX_BYTES = 2 ** 20;
const MAX_PAGES = 4096;
const NOTHING = '0'.repeat(64);

const Count = z.int().nonnegative();
const Hex = z.hash('sha256').lowercase();
/** Base64 of 32 bytes. */
const Digest = z.base64().length(44);
const Entry = z.strictObject({
  /** Content digest of the update. */
  digest: Digest,
  hotkey: z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{47,48}$/),
  /** Content digest of the Dama that it was handed in for. */
  base: Digest,
  commitBlock: Count,
  commitIndex: Count,
});
const Page = z.strictObject({ version: z.literal(1), entries: z.array(Entry).min(1).max(ENTRIES_A_PAGE) });
const PageRef = z.strictObject({ sha256: Hex, bytes: Count.max(MAX_PAGE_BYTES), /** of the chain, after its last entry */ head: Hex });
const Index = z
  .strictObject({ version: z.literal(1), count: Count, head: Hex, pages: z.array(PageRef).max(MAX_PAGES) })
  .refine(({ count, pages }) => pages.length === Math.ceil(count / ENTRIES_A_PAGE), `expected ${ENTRIES_A_PAGE} entries a page`)
  .refine(({ head, pages }) => head === (pages.at(-1)?.head ?? NOTHING), 'expected the head of the last page');

/** A ledger as a report names it; its index lies under `ledgerKey` in the bucket of whoever made the report. */
export const LedgerRef = z.strictObject({ head: Hex, count: Count, sha256: Hex, bytes: Count.max(MAX_INDEX_BYTES) });
export type LedgerRef = Readonly<z.infer<typeof LedgerRef>>;

/** An update, as a hotkey committed it. */
export type CommittedUpdate = Readonly<z.infer<typeof Entry>>;
export type PageRef = Readonly<z.infer<typeof PageRef>>;
/** Pages in order; all but the last are full. */
export type LedgerIndex = { readonly version: 1; readonly count: number; readonly head: string; readonly pages: readonly PageRef[] };

export const EMPTY_LEDGER: LedgerIndex = Object.freeze({ version: 1, count: 0, head: NOTHING, pages: [] });

/** Of an index or a page. */
export const ledgerKey = ({ sha256 }: { readonly sha256: string }): string => `ledger/${sha256}.json`;

/** An index as bytes, and how a report names it. */
export function encodeIndex(index: LedgerIndex): { readonly bytes: Uint8Array; readonly ref: LedgerRef } {
  const bytes = new TextEncoder().encode(canonicalJson(index));
  return { bytes, ref: { head: index.head, count: index.count, sha256: sha256Hex(bytes), bytes: bytes.byteLength } };
}

/** @throws {BadSubmission} when it is no index, or not the one that the reference names */
export function decodeIndex(bytes: Uint8Array, { head, count }: LedgerRef): LedgerIndex {
  const index = Index.safeParse(parse(bytes));
  if (!index.success) throw new BadSubmission(`Expected the index of a ledger:\n${z.prettifyError(index.error)}`);
  if (canonicalJson(index.data) !== textOf(bytes)) throw new BadSubmission('Expected the index of a ledger in canonical JSON, got another writing of it');
  if (index.data.head !== head || index.data.count !== count) throw new BadSubmission(`Expected a ledger of ${count} entries with the head ${head}, got ${index.data.count} and ${index.data.head}`);
  return index.data;
}

/**
 * The entries of a page, once the chain is followed through all of them.
 * @param at which page of the index it is
 * @throws {BadSubmission} when an entry was changed, removed, added or put elsewhere
 */
export function decodePage(bytes: Uint8Array, { count, pages }: LedgerIndex, at: number): CommittedUpdate[] {
  const page = Page.safeParse(parse(bytes));
  if (!page.success) throw new BadSubmission(`Expected page ${at} of a ledger:\n${z.prettifyError(page.error)}`);
  const { entries } = page.data;
  const expected = Math.min(ENTRIES_A_PAGE, count - at * ENTRIES_A_PAGE);
  if (entries.length !== expected) throw new BadSubmission(`Expected ${expected} entries on page ${at} of a ledger, got ${entries.length}`);
  const sealed = encodePage(entries, headBefore(pages, at));
  if (sealed.head !== pages[at]!.head) throw new BadSubmission(`Expected page ${at} of a ledger to end at the head ${pages[at]!.head}, got ${sealed.head}`);
  if (!Buffer.from(sealed.bytes).equals(bytes)) throw new BadSubmission(`Expected page ${at} of a ledger in canonical JSON, got another writing of it`);
  return entries;
}

/**
 * The ledger with more entries.
 * @param tail the entries of its last page
 * @returns its index, and the pages that are new or longer
 * @throws {RangeError} for an entry that nobody could read again
 */
export function append(index: LedgerIndex, tail: readonly CommittedUpdate[], entries: readonly CommittedUpdate[]): { readonly index: LedgerIndex; readonly made: readonly { readonly page: PageRef; readonly bytes: Uint8Array }[] } {
  if (entries.length === 0) return { index, made: [] };
  const unfit = entries.find((entry) => !Entry.safeParse(entry).success);
  if (unfit) throw new RangeError(`Expected entries of digests, hotkeys and blocks, got ${JSON.stringify(unfit)}`);
  const isFull = index.count % ENTRIES_A_PAGE === 0;
  const pages = isFull ? [...index.pages] : index.pages.slice(0, -1);
  const rest = isFull ? entries : [...tail, ...entries];
  const made = [];
  for (let from = 0; from < rest.length; from += ENTRIES_A_PAGE) {
    const { bytes, head } = encodePage(rest.slice(from, from + ENTRIES_A_PAGE), headBefore(pages, pages.length));
    const page: PageRef = { sha256: sha256Hex(bytes), bytes: bytes.byteLength, head };
    pages.push(page);
    made.push({ page, bytes });
  }
  if (pages.length > MAX_PAGES) throw new RangeError(`Expected a ledger of at most ${MAX_PAGES} pages, got ${pages.length}`);
  return { index: { version: 1, count: index.count + entries.length, head: pages.at(-1)!.head, pages }, made };
}

/** The earlier commit of the two. */
export const earlier = (a: CommittedUpdate | undefined, b: CommittedUpdate): CommittedUpdate => (a !== undefined && byCommit(a, b) <= 0 ? a : b);

/** What somebody handed in before. `copy`: another's, or one's own for another Dama. */
export type SeenBefore = { readonly kind: 'copy' | 'replay'; readonly first: CommittedUpdate; /** in words */ readonly reason: string };

/**
 * Of each submission what it takes: another's update, or one's own for an older Dama. A commitment that still stands, and
 * one's own update for the same Dama from another registration, take nothing.
 *
 * @param known digest -> the ledger's first entry of it
 * @returns shape [submissions]; undefined for what is new, or its own
 */
export function seenBefore(known: ReadonlyMap<string, CommittedUpdate>, submissions: readonly CommittedUpdate[]): (SeenBefore | undefined)[] {
  const firsts = firstsOf(known, submissions);
  return submissions.map((submission) => {
    const first = firsts.get(submission.digest)!;
    const { hotkey, base, commitBlock } = first;
    if (hotkey !== submission.hotkey) return { kind: 'copy', first, reason: `copy of what ${hotkey} committed in block ${commitBlock}` };
    if (base !== submission.base) return { kind: 'replay', first, reason: `the same update as in block ${commitBlock}, then for the Dama ${base}` };
    return undefined;
  });
}

/** What a round adds to the ledger, in commit order: updates that are new in it, or were committed before the first that it knows. */
export function additions(known: ReadonlyMap<string, CommittedUpdate>, submissions: readonly CommittedUpdate[]): CommittedUpdate[] {
  return [...firstsOf(known, submissions)].flatMap(([digest, first]) => (first === known.get(digest) ? [] : [first])).sort(byCommit);
}

/** Of each submission's digest the earliest commit, of those that are known and these. */
export function firstsOf(known: ReadonlyMap<string, CommittedUpdate>, submissions: readonly CommittedUpdate[]): Map<string, CommittedUpdate> {
  const firsts = new Map<string, CommittedUpdate>();
  for (const one of submissions) firsts.set(one.digest, earlier(firsts.get(one.digest) ?? known.get(one.digest), one));
  return firsts;
}

function encodePage(entries: readonly CommittedUpdate[], previous: string): { readonly bytes: Uint8Array; readonly head: string } {
  // canonical as it stands: the keys are in order, and nothing in these values is written in two ways
  const texts = entries.map(({ base, commitBlock, commitIndex, digest, hotkey }) => JSON.stringify({ base, commitBlock, commitIndex, digest, hotkey }));
  const head = texts.reduce((before, text) => createHash('sha256').update(before).update(text).digest('hex'), previous);
  return { bytes: new TextEncoder().encode(`{"entries":[${texts.join(',')}],"version":1}`), head };
}

const headBefore = (pages: readonly PageRef[], at: number): string => pages[at - 1]?.head ?? NOTHING;
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** undefined for what no schema takes */
function parse(bytes: Uint8Array): unknown {
  try {
    const text = textOf(bytes);
    return isWithin(text, JSON_BOUNDS) ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
