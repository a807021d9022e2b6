import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Standing } from '../../activities/current-dama.ts';
import { frozenKey, lastAccepted } from '../../activities/last-accepted.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';

let root: string;
let store: ObjectStore;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'genki-accepted-'));
  store = createFolderStore(root);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const LIMITS = { updates: 32, bytes: 1000 };
const update = (text: string) => ({ sha256: sha256Hex(bytesOf(text)), bytes: text.length, digest: text });
const miner = (hotkey: string, text: string, verdict = 'accepted') => ({ hotkey, verdict, update: update(text) });

/** A validator that stands for a report, which lies in its bucket with some of the updates. */
async function standing(bucket: string, { epoch, stake, report, has = [] }: { epoch: number; stake: bigint; report: unknown; has?: readonly string[] }): Promise<Standing> {
  const ref = await store.putOnce(bucket, `reports/${epoch}.json`, bytesOf(canonicalJson(report)));
  for (const text of has) await store.putOnce(bucket, frozenKey(sha256Hex(bytesOf(text))), bytesOf(text));
  return { hotkey: bucket, stake, manifest: { epoch, report: ref } } as unknown as Standing;
}
const found = async (standings: readonly Standing[], limits = LIMITS) => (await lastAccepted(store, standings, limits)).map(({ hotkey, base, file }) => [hotkey, base, new TextDecoder().decode(file)]);

describe('what the last round accepted', () => {
  const report = { base: { digest: 'dama' }, miners: [miner('ann', 'one'), miner('ben', 'two'), miner('copier', 'three', 'copy'), { hotkey: 'absent', verdict: 'absent', update: null }] };

  it('is that of the newest report, each update from whoever stands for it and has it', async () => {
    const old = await standing('old', { epoch: 1, stake: 9n, report: { base: { digest: 'older' }, miners: [miner('eve', 'six')] }, has: ['six'] });
    const one = await standing('val-a', { epoch: 2, stake: 5n, report, has: ['one'] });
    const other = await standing('val-b', { epoch: 2, stake: 1n, report, has: ['two'] });
    expect(await found([old, other, one])).toEqual([['ann', 'dama', 'one'], ['ben', 'dama', 'two']]);
    expect(await found([old])).toEqual([['eve', 'older', 'six']]);
    expect(await found([])).toEqual([]);
  });

  it('leaves out what nobody has, what is too large, and what is too many', async () => {
    const only = await standing('val-c', { epoch: 3, stake: 1n, report, has: ['one', 'two'] });
    expect(await found([only], { ...LIMITS, updates: 1 })).toEqual([['ann', 'dama', 'one']]);
    expect(await found([only], { ...LIMITS, bytes: 2 })).toEqual([]);
    expect(await found([await standing('val-d', { epoch: 4, stake: 1n, report, has: ['two'] })])).toEqual([['ben', 'dama', 'two']]);
  });

  it('passes over a report that is none', async () => {
    const broken = await standing('val-e', { epoch: 9, stake: 9n, report: { miners: 'all' } });
    const fine = await standing('val-f', { epoch: 5, stake: 1n, report, has: ['one'] });
    expect(await found([broken, fine])).toEqual([['ann', 'dama', 'one']]);
  });
});
