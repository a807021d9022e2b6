import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Standing } from '../../activities/current-dama.ts';
import { consult, consultLedger, keepLedger, lookUp, readLedger, type Ledger } from '../../activities/first-seen.ts';
import { encodeHotkey } from '../../genki/chain/keys.ts';
import { StoreUnavailable } from '../../genki/errors.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { fileDigest, sha256Hex } from '../../genki/protocol/digests.ts';
import { append, EMPTY_LEDGER, encodeIndex, ENTRIES_A_PAGE, ledgerKey, type CommittedUpdate, type LedgerRef } from '../../genki/protocol/first-seen.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { lay } from './support/hand-in.ts';

const [ann, ben, cat] = [1, 2, 3].map((i) => encodeHotkey(new Uint8Array(32).fill(i))) as [string, string, string];
const base = fileDigest('base');
const commit = (update: string, hotkey: string, commitBlock: number): CommittedUpdate => ({ digest: fileDigest(update), hotkey, base, commitBlock, commitIndex: 0 });
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

let root: string;
let store: ObjectStore;
let reads: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'genki-ledger-'));
  const folder = createFolderStore(root);
  reads = [];
  store = { ...folder, get: (ref, options) => { reads.push(ref.key); return folder.get(ref, options); } };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const empty = (): Promise<Ledger> => readLedger(store, undefined);
/** A ledger of these, kept in a bucket. */
async function kept(bucket: string, entries: readonly CommittedUpdate[], from?: Ledger): Promise<LedgerRef> {
  const { ledger } = await consult(store, from ?? (await empty()), entries);
  return await keepLedger(store, bucket, ledger);
}
const open = (bucket: string, ref: LedgerRef): Promise<Ledger> => readLedger(store, { bucket, ref });
const named = (bucket: string, ref: { sha256: string }): string => `${bucket}/${ledgerKey(ref)}`;

/** A validator that stands for a report with this ledger. */
async function standing(bucket: string, stake: number, { ledger, epoch = 7 }: { ledger: unknown; epoch?: number }): Promise<Standing> {
  const report = await store.putOnce(bucket, `rounds/${epoch}/report.json`, bytesOf(canonicalJson({ version: 2, epoch, ledger })));
  const dama = { digest: base, weights: report, config: report };
  return { hotkey: bucket, stake: BigInt(stake), manifest: { version: 1, kind: 'dama', run: 'run', competition: base, hotkey: bucket, base, epoch, dama, report, files: [] } };
}
const consulted = (standings: readonly Standing[], totalStake: number, submissions: readonly CommittedUpdate[]) => consultLedger({ store, standings, totalStake: BigInt(totalStake) }, submissions);

describe('a ledger in a store', () => {
  it('finds a copy of what a hotkey committed that is no longer there', async () => {
    const ref = await kept('val-a', [commit('x', ann, 3)]);
    const { seen, ledger } = await consult(store, await open('val-a', ref), [commit('x', ben, 90), commit('new', cat, 91)]);
    expect(seen).toMatchObject([{ kind: 'copy', first: { hotkey: ann } }, undefined]);
    expect(ledger.index.count).toBe(2);
  });

  it('is empty in the beginning, and can be kept so', async () => {
    const ref = await kept('val-a', []);
    expect(ref).toMatchObject({ count: 0, head: '0'.repeat(64) });
    expect((await open('val-a', ref)).index).toEqual(EMPTY_LEDGER);
  });

  it('is named alike by all who keep it, whatever bucket and whichever rounds it came in', async () => {
    const entries = Array.from({ length: 9 }, (_, i) => commit(`${i}`, ann, i));
    const whole = await kept('val-a', entries);
    let ref = await kept('val-b', []);
    for (const entry of entries) ref = await kept('val-b', [entry], await open('val-b', ref));
    expect(ref).toEqual(whole);
  });

  it('does not change when the same round is entered twice', async () => {
    const round = [commit('x', ann, 3), commit('y', ben, 4), commit('x', cat, 5)];
    const ref = await kept('val-a', round);
    expect(await kept('val-a', round, await open('val-a', ref))).toEqual(ref);
    expect(ref.count).toBe(2);
  });

  it('reads each page once for 256 digests, and copies only what is not there', async () => {
    const count = 2 * ENTRIES_A_PAGE + 7;
    const ref = await kept('val-a', Array.from({ length: count }, (_, i) => commit(`${i}`, ann, i)));
    const ledger = await open('val-a', ref);
    reads = [];
    const { known, tail } = await lookUp(store, ledger, new Set(Array.from({ length: 256 }, (_, i) => fileDigest(`${i * 30}`))));
    expect(known.size).toBe(256);
    expect(tail).toHaveLength(7);
    expect(reads).toEqual(ledger.index.pages.map(ledgerKey));

    expect(await keepLedger(store, 'val-b', ledger)).toEqual(ref);
    reads = [];
    await kept('val-b', [commit('more', ben, count)], ledger);
    // the last page, to go on from, and none of the full ones again
    expect(reads).toEqual(ledger.index.pages.map(ledgerKey));
    const own = await lookUp(store, await open('val-b', ref), new Set([fileDigest('5')]));
    expect(own.known.get(fileDigest('5'))).toEqual(commit('5', ann, 5));
  });

  it('goes by the earliest commit of an update, wherever it stands', async () => {
    const { index, made } = append(EMPTY_LEDGER, [], [commit('x', ann, 3), commit('x', ben, 5)]);
    const { known } = await lookUp(store, { index, bucket: '', made: new Map(made.map(({ page, bytes }) => [page.sha256, bytes])) }, new Set([fileDigest('x')]));
    expect([...known.values()]).toEqual([commit('x', ann, 3)]);
  });

  it('says that a page of one\'s own is gone', async () => {
    const ref = await kept('val-a', [commit('x', ann, 3)]);
    const ledger = await open('val-a', ref);
    await store.delete('val-a', ledgerKey(ledger.index.pages[0]!));
    await expect(keepLedger(store, 'val-b', ledger)).rejects.toThrow(StoreUnavailable);
  });
});

describe('where a round begins', () => {
  it('is an empty ledger while nobody has one', async () => {
    expect(await consulted([], 0, [commit('x', ann, 3)])).toMatchObject({ seen: [undefined], note: undefined, ledger: { index: { count: 1 } } });
    expect(await consulted([await standing('val-a', 9, { ledger: null })], 9, [commit('x', ann, 3)])).toMatchObject({ note: undefined, ledger: { index: { count: 1 } } });
  });

  it('is the ledger of more than half of the stake, also of an earlier epoch', async () => {
    const agreed = await kept('val-a', [commit('x', ann, 3)]);
    await kept('val-b', [commit('x', ann, 3)]);
    const other = await kept('val-c', [commit('x', ben, 2)]);
    const standings = [await standing('val-c', 4, { ledger: other, epoch: 8 }), await standing('val-a', 3, { ledger: agreed }), await standing('val-b', 3, { ledger: agreed })];
    const x = commit('x', cat, 50);
    expect((await consulted(standings, 10, [x])).seen[0]?.first.hotkey).toBe(ann);
    // 6 are not more than half of 12
    expect((await consulted(standings, 12, [x])).seen[0]?.first.hotkey).toBe(ben);
  });

  it('is without a majority the newest, of one epoch the one with the most stake', async () => {
    const [first, second] = [await kept('val-a', [commit('x', ann, 3)]), await kept('val-b', [commit('x', ben, 2)])];
    const x = commit('x', cat, 50);
    const [a, b] = [await standing('val-a', 3, { ledger: first }), await standing('val-b', 4, { ledger: second })];
    expect((await consulted([a, b], 100, [x])).seen[0]?.first.hotkey).toBe(ben);
    const together = await standing('val-c', 2, { ledger: first });
    expect((await consulted([a, b, together], 100, [x])).seen[0]?.first.hotkey).toBe(ann);
    const newer = await standing('val-a', 3, { ledger: first, epoch: 8 });
    expect((await consulted([newer, b], 100, [x])).seen[0]?.first.hotkey).toBe(ann);
  });

  it('goes on with a majority that changed its bucket\'s pages, by who still has them', async () => {
    const agreed = await kept('val-a', [commit('x', ann, 3)]);
    await kept('val-b', [commit('x', ann, 3)]);
    const standings = [await standing('val-a', 5, { ledger: agreed }), await standing('val-b', 4, { ledger: agreed })];
    const page = (await open('val-a', agreed)).index.pages[0]!;
    await store.delete('val-a', ledgerKey(page));
    const { seen, note, ledger } = await consulted(standings, 10, [commit('x', cat, 50)]);
    expect(seen[0]?.first.hotkey).toBe(ann);
    expect(ledger.bucket).toBe('val-b');
    expect(note).toContain(named('val-a', page));
  });

  it.each<[string, (ref: LedgerRef) => Promise<void> | void]>([
    ['whose index is gone', (ref) => store.delete('val-a', ledgerKey(ref))],
    ['whose index is another file', async (ref) => { await store.delete('val-a', ledgerKey(ref)); lay(root, named('val-a', ref), bytesOf('{}')); }],
    ['whose page is gone', async (ref) => store.delete('val-a', ledgerKey((await open('val-a', ref)).index.pages[0]!))],
  ])('is the next best one instead of one %s', async (_, spoil) => {
    const best = await kept('val-a', [commit('x', ann, 3)]);
    const next = await kept('val-b', [commit('x', ben, 4)]);
    const standings = [await standing('val-a', 6, { ledger: best }), await standing('val-b', 4, { ledger: next })];
    await spoil(best);
    const { seen, note } = await consulted(standings, 10, [commit('x', cat, 50)]);
    expect(seen[0]?.first.hotkey).toBe(ben);
    expect(note).toContain('the first-seen ledger was not to be had everywhere: Expected');
  });

  it('is in the end an empty one, and the round says why', async () => {
    const ref = await kept('val-a', [commit('x', ann, 3)]);
    const standings = [await standing('val-a', 6, { ledger: ref })];
    await store.delete('val-a', ledgerKey(ref));
    expect(await consulted(standings, 10, [commit('x', cat, 50)])).toMatchObject({ seen: [undefined], note: expect.stringContaining(named('val-a', ref)) as string, ledger: { index: { count: 1 } } });
  });

  it('is not where a chain is broken, whatever the digests say', async () => {
    const honest = await kept('val-a', [commit('x', ann, 3), commit('y', ann, 4)]);
    const page = (await open('val-a', honest)).index.pages[0]!;
    const text = new TextDecoder().decode(await store.get({ bucket: 'val-a', key: ledgerKey(page), ...page }, { maxBytes: page.bytes }));
    const forged = bytesOf(text.replaceAll(ann, ben));
    const sealed = { ...page, sha256: sha256Hex(forged) };
    const index = encodeIndex({ version: 1, count: 2, head: page.head, pages: [sealed] });
    await store.putOnce('val-b', ledgerKey(sealed), forged);
    await store.putOnce('val-b', ledgerKey(index.ref), index.bytes);
    const { seen, note } = await consulted([await standing('val-b', 9, { ledger: index.ref })], 10, [commit('x', cat, 50)]);
    expect(seen).toEqual([undefined]);
    expect(note).toContain(`to end at the head ${page.head}`);
  });

  it('waits for a store that does not answer', async () => {
    const ref = await kept('val-a', [commit('x', ann, 3)]);
    const standings = [await standing('val-a', 6, { ledger: ref })];
    const down: ObjectStore = { ...store, get: () => Promise.reject(new StoreUnavailable('Expected an answer, got none')) };
    await expect(consultLedger({ store: down, standings, totalStake: 10n }, [commit('x', cat, 50)])).rejects.toThrow(StoreUnavailable);
  });

  it('is imported whole by a new validator', async () => {
    const ref = await kept('val-a', Array.from({ length: ENTRIES_A_PAGE + 2 }, (_, i) => commit(`${i}`, ann, i)));
    const { ledger } = await consulted([await standing('val-a', 6, { ledger: ref })], 10, []);
    expect(await keepLedger(store, 'val-new', ledger)).toEqual(ref);
    for await (const key of store.list('val-a', 'ledger/')) await store.delete('val-a', key);
    expect((await lookUp(store, await open('val-new', ref), new Set([fileDigest('9')]))).known.size).toBe(1);
  });
});
