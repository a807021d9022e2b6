import { describe, expect, it } from 'vitest';
import { encodeHotkey } from '../../../genki/chain/keys.ts';
import { BadSubmission } from '../../../genki/errors.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { fileDigest, sha256Hex } from '../../../genki/protocol/digests.ts';
import { additions, append, decodeIndex, decodePage, EMPTY_LEDGER, encodeIndex, ENTRIES_A_PAGE, MAX_INDEX_BYTES, MAX_PAGE_BYTES, seenBefore, type CommittedUpdate, type LedgerIndex } from '../../../genki/protocol/first-seen.ts';
import { Random } from '../../../genki/protocol/random.ts';

const hotkeys = Array.from({ length: 12 }, (_, i) => encodeHotkey(new Uint8Array(32).fill(i + 1)));
const [ann, ben, cat] = hotkeys as [string, string, string];
const [red, blue] = ['red', 'blue'].map(fileDigest) as [string, string];
const commit = (update: string, hotkey: string, commitBlock: number, more: Partial<CommittedUpdate> = {}): CommittedUpdate => ({ digest: fileDigest(update), hotkey, base: red, commitBlock, commitIndex: 0, ...more });
const knowing = (...entries: CommittedUpdate[]): Map<string, CommittedUpdate> => new Map(entries.map((entry) => [entry.digest, entry]));
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('seenBefore', () => {
  const kinds = (known: Map<string, CommittedUpdate>, submissions: readonly CommittedUpdate[]) => seenBefore(known, submissions).map((seen) => seen && [seen.kind, seen.first.hotkey, seen.first.commitBlock]);

  it('is nothing for what is new', () => {
    expect(seenBefore(knowing(commit('other', ann, 1)), [commit('new', ben, 9)])).toEqual([undefined]);
  });

  it('names whose update it is and since when', () => {
    expect(seenBefore(knowing(commit('x', ann, 3)), [commit('x', ben, 9)])).toEqual([{ kind: 'copy', first: commit('x', ann, 3), reason: `copy of what ${ann} committed in block 3` }]);
  });

  it('knows a copy of an update for another Dama', () => {
    expect(kinds(knowing(commit('x', ann, 3)), [commit('x', ben, 9, { base: blue })])).toEqual([['copy', ann, 3]]);
  });

  it('lets a commitment stand, and who registered anew hand in the same', () => {
    expect(kinds(knowing(commit('x', ann, 3)), [commit('x', ann, 3)])).toEqual([undefined]);
    expect(kinds(knowing(commit('x', ann, 3)), [commit('x', ann, 30)])).toEqual([undefined]);
  });

  it('knows an older update of one\'s own for another Dama', () => {
    expect(seenBefore(knowing(commit('x', ann, 3)), [commit('x', ann, 9, { base: blue })])[0]).toMatchObject({ kind: 'replay', reason: `the same update as in block 3, then for the Dama ${red}` });
  });

  it('goes by the order of commits within a round: block, index, hotkey', () => {
    const [first, last] = [ann, ben].sort() as [string, string];
    expect(kinds(new Map(), [commit('x', cat, 8), commit('x', ann, 7, { commitIndex: 2 }), commit('x', ben, 7, { commitIndex: 1 })])).toEqual([['copy', ben, 7], ['copy', ben, 7], undefined]);
    expect(kinds(new Map(), [commit('x', last, 7), commit('x', first, 7)])).toEqual([['copy', first, 7], undefined]);
  });

  it('goes by the commit, not by the round that first looked at it', () => {
    // ben copied what ann had committed, and was drawn a round before her
    expect(kinds(knowing(commit('x', ben, 5)), [commit('x', ann, 4), commit('x', ben, 5)])).toEqual([undefined, ['copy', ann, 4]]);
  });

  it('does not make an original a copy because it was committed once more', () => {
    expect(kinds(knowing(commit('x', ann, 4)), [commit('x', ben, 5), commit('x', ann, 6)])).toEqual([['copy', ann, 4], undefined]);
  });
});

describe('additions', () => {
  it('are what is new, in commit order, and no copies', () => {
    const submissions = [commit('y', cat, 9), commit('x', ben, 8), commit('x', ann, 7), commit('old', ann, 6)];
    expect(additions(knowing(commit('old', ann, 2)), submissions)).toEqual([commit('x', ann, 7), commit('y', cat, 9)]);
  });

  it('name an earlier commit than the first that was known', () => {
    expect(additions(knowing(commit('x', ben, 5)), [commit('x', ann, 4)])).toEqual([commit('x', ann, 4)]);
  });
});

/** Rounds of hotkeys that hand in a few updates between them, each at its commit. */
function rounds(seed: string): CommittedUpdate[][] {
  const random = new Random(seed);
  return Array.from({ length: 12 }, (_, round) =>
    random.shuffle(hotkeys).slice(0, 1 + random.int(hotkeys.length)).map((hotkey) => commit(`update ${random.int(25)}`, hotkey, Math.max(0, 10 * round - random.int(25)), { commitIndex: random.int(3), base: random.pick([red, blue]) })));
}

const firstOf = (ledger: readonly CommittedUpdate[]): Map<string, CommittedUpdate> => {
  const inOrder = [...ledger].sort((a, b) => a.commitBlock - b.commitBlock || a.commitIndex - b.commitIndex || (a.hotkey < b.hotkey ? -1 : 1));
  return new Map(inOrder.reverse().map((entry) => [entry.digest, entry]));
};

describe('laws of the ledger', () => {
  it.each(Array.from({ length: 100 }, (_, i) => String(i)))('the earliest commit of all rounds owns an update, and nothing is added twice (seed %s)', (seed) => {
    const random = new Random(`order ${seed}`);
    let ledger: CommittedUpdate[] = [];
    const all: CommittedUpdate[] = [];
    for (const round of rounds(seed)) {
      all.push(...round);
      const added = additions(firstOf(ledger), round);
      expect(additions(firstOf(ledger), random.shuffle(round))).toEqual(added);
      ledger = [...ledger, ...added];
      expect(additions(firstOf(ledger), round)).toEqual([]);
      const owners = firstOf(all);
      seenBefore(firstOf(ledger), round).forEach((seen, i) => {
        const { digest, hotkey, base } = round[i]!;
        const owner = owners.get(digest)!;
        expect(seen?.kind).toBe(owner.hotkey !== hotkey ? 'copy' : owner.base !== base ? 'replay' : undefined);
      });
    }
    expect(firstOf(ledger)).toEqual(firstOf(all));
  });
});

describe('pages', () => {
  const many = Array.from({ length: 2 * ENTRIES_A_PAGE + 5 }, (_, i) => commit(`update ${i}`, hotkeys[i % 12]!, i));
  const whole = append(EMPTY_LEDGER, [], many);
  const tailOf = (entries: readonly CommittedUpdate[]): CommittedUpdate[] => entries.slice(entries.length - (entries.length % ENTRIES_A_PAGE));

  it('chain every entry: the head is the hash over the head before and the entry', () => {
    const head = many.reduce((before, entry) => sha256Hex(bytesOf(before + canonicalJson(entry))), '0'.repeat(64));
    expect(whole.index).toMatchObject({ count: many.length, head });
    expect(whole.index.pages).toHaveLength(3);
  });

  it('are the same however the entries came in', () => {
    const random = new Random('batches');
    let ledger: LedgerIndex = EMPTY_LEDGER;
    const pages = new Map<string, Uint8Array>();
    for (let at = 0; at < many.length;) {
      const some = many.slice(at, at + 1 + random.int(6000));
      const { index, made } = append(ledger, tailOf(many.slice(0, at)), some);
      for (const { page, bytes } of made) pages.set(page.sha256, bytes);
      ledger = index;
      at += some.length;
    }
    expect(ledger).toEqual(whole.index);
    for (const { page, bytes } of whole.made) expect(Buffer.compare(pages.get(page.sha256)!, bytes)).toBe(0);
  });

  it('give back what was put in', () => {
    expect(whole.made.flatMap(({ bytes }, at) => decodePage(bytes, whole.index, at))).toEqual(many);
  });

  it('are as many as an index and a page have room for', () => {
    const longest = commit('x', ann, Number.MAX_SAFE_INTEGER, { commitIndex: Number.MAX_SAFE_INTEGER });
    const page = append(EMPTY_LEDGER, [], Array.from({ length: ENTRIES_A_PAGE }, () => longest));
    expect(page.made[0]!.bytes.byteLength).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    const ref = { ...page.index.pages[0]!, bytes: MAX_PAGE_BYTES };
    const full: LedgerIndex = { version: 1, count: 4096 * ENTRIES_A_PAGE, head: ref.head, pages: Array.from({ length: 4096 }, () => ref) };
    const { bytes, ref: named } = encodeIndex(full);
    expect(bytes.byteLength).toBeLessThanOrEqual(MAX_INDEX_BYTES);
    expect(decodeIndex(bytes, named)).toEqual(full);
  });

  it('take no entry that nobody could read again', () => {
    expect(() => append(EMPTY_LEDGER, [], [commit('x', 'ann', 1)])).toThrow(RangeError);
  });

  const few = append(EMPTY_LEDGER, [], many.slice(0, 20));
  const entriesWritten = (entries: readonly unknown[]): Uint8Array => bytesOf(`{"entries":${canonicalJson(entries)},"version":1}`);
  it.each<[string, (entries: CommittedUpdate[]) => readonly unknown[]]>([
    ['an entry that was changed', (entries) => entries.with(7, { ...entries[7]!, hotkey: cat })],
    ['an entry that is gone', (entries) => entries.toSpliced(7, 1)],
    ['one entry instead of another', (entries) => entries.with(7, entries[6]!)],
    ['two entries in another order', (entries) => entries.with(7, entries[6]!).with(6, entries[7]!)],
    ['an entry more', (entries) => [...entries, commit('more', ann, 99)]],
    ['a key that nobody knows', (entries) => entries.with(7, { ...entries[7]!, more: 1 } as CommittedUpdate)],
    ['a hotkey that is none', (entries) => entries.with(7, { ...entries[7]!, hotkey: '\u001b[2J' })],
  ])('give %s away', (_, lie) => {
    expect(() => decodePage(entriesWritten(many.slice(0, 20)), few.index, 0)).not.toThrow();
    expect(() => decodePage(entriesWritten(lie(many.slice(0, 20))), few.index, 0)).toThrow(BadSubmission);
  });

  it('that stand in each other\'s places are found out', () => {
    expect(() => decodePage(whole.made[0]!.bytes, whole.index, 1)).toThrow(BadSubmission);
  });

  it.each<[string, string]>([
    ['spaces', textOf(few.made[0]!.bytes).replace(',', ', ')],
    ['another order of keys', textOf(few.made[0]!.bytes).replace(/^\{(.*),("version":1)\}$/, '{$2,$1}')],
    ['half of it', textOf(few.made[0]!.bytes).slice(0, 500)],
    ['nothing', ''],
    ['lists in lists', '['.repeat(10_000)],
  ])('are written in one way: not with %s', (_, text) => {
    expect(() => decodePage(bytesOf(text), few.index, 0)).toThrow(BadSubmission);
  });
});

describe('the index', () => {
  const { index } = append(EMPTY_LEDGER, [], [commit('x', ann, 3), commit('y', ben, 4)]);
  const { bytes, ref } = encodeIndex(index);

  it('is read back, also of an empty ledger', () => {
    expect(decodeIndex(bytes, ref)).toEqual(index);
    const empty = encodeIndex(EMPTY_LEDGER);
    expect(decodeIndex(empty.bytes, empty.ref)).toEqual(EMPTY_LEDGER);
  });

  it.each<[string, unknown]>([
    ['more entries than pages', { ...index, count: ENTRIES_A_PAGE + 1 }],
    ['fewer entries than pages', { ...index, count: 0 }],
    ['another head than its last page', { ...index, head: '1'.repeat(64) }],
    ['a page of any length', { ...index, pages: [{ ...index.pages[0]!, bytes: MAX_PAGE_BYTES + 1 }] }],
    ['a key that nobody knows', { ...index, more: 1 }],
    ['a newer version', { ...index, version: 2 }],
  ])('does not have %s', (_, lie) => {
    const text = bytesOf(canonicalJson(lie));
    expect(() => decodeIndex(text, { ...ref, ...(lie as LedgerIndex) })).toThrow(BadSubmission);
  });

  it('is the one that the report names', () => {
    expect(() => decodeIndex(bytes, { ...ref, head: '1'.repeat(64) })).toThrow(`Expected a ledger of 2 entries with the head ${'1'.repeat(64)}, got 2 and ${index.head}`);
    expect(() => decodeIndex(bytesOf(` ${textOf(bytes)}`), ref)).toThrow('in canonical JSON');
  });
});
