import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { coalitionKey, lossesOnce } from '../../../activities/model/coalition-losses.ts';
import { StoreUnavailable } from '../../../genki/errors.ts';
import type { Losses } from '../../../genki/evaluation/held-out.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../../genki/store/object-store.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-coalitions-'));
const store = createFolderStore(root);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bucket = 'validator-private';
let digest = '';
let count = 0;
beforeEach(() => {
  digest = String(++count).padStart(64, '0');
});

/** Asks once; what it got and whether that had to be measured. */
async function ask(losses: Losses, from: ObjectStore = store): Promise<{ losses: Losses; measured: number; kept: number }> {
  const times = { measured: 0, kept: 0 };
  const measure = async (): Promise<Losses> => {
    times.measured++;
    return losses;
  };
  return { losses: await lossesOnce(from, { bucket, digest, clips: losses.length }, { measure, onKept: async () => void times.kept++ }), ...times };
}
const put = (text: string): Promise<unknown> => store.putOnce(bucket, coalitionKey(digest), new TextEncoder().encode(text));
const bitsOf = (losses: Losses): string => Buffer.from(Float64Array.from(losses).buffer).toString('hex');

describe('lossesOnce', () => {
  it('measures once, and gives the same bits from then on', async () => {
    const random = new Random('losses');
    const losses = Array.from({ length: 500 }, () => Math.exp(40 * random.normal()) * random.float());
    const awkward = [...losses, 0.1 + 0.2, 5e-324, Number.MAX_VALUE, NaN, Infinity, -Infinity];
    expect(await ask(awkward)).toMatchObject({ measured: 1, kept: 0 });
    const again = await ask(awkward);
    expect(again).toMatchObject({ measured: 0, kept: 1 });
    expect(bitsOf(again.losses)).toBe(bitsOf(awkward));
  });

  it('keeps them as JSON that says what it is', async () => {
    await ask([1.5, NaN]);
    expect(new TextDecoder().decode(await store.getByKey(bucket, coalitionKey(digest), { maxBytes: 1000 }))).toBe(`{"version":1,"coalition":"${digest}","losses":[1.5,"NaN"]}`);
  });

  it.each([
    ['no JSON', () => '{"version":1,'],
    ['a later version', () => `{"version":2,"coalition":"${digest}","losses":[1,2]}`],
    ['another coalition\'s', () => `{"version":1,"coalition":"${'f'.repeat(64)}","losses":[1,2]}`],
    ['of other clips', () => `{"version":1,"coalition":"${digest}","losses":[1,2,3]}`],
    ['with a loss that is none', () => `{"version":1,"coalition":"${digest}","losses":[1,null]}`],
    ['beyond what a number holds', () => `{"version":1,"coalition":"${digest}","losses":[1,1e999]}`],
    ['with a key too many', () => `{"version":1,"coalition":"${digest}","losses":[1,2],"more":0}`],
    ['too large', () => ' '.repeat(2 ** 20) + `{"version":1,"coalition":"${digest}","losses":[1,2]}`],
  ])('measures again where the object is %s', async (_, text) => {
    await put(text());
    for (let i = 0; i < 2; i++) expect(await ask([3, 4])).toEqual({ losses: [3, 4], measured: 1, kept: 0 });
  });

  it('lets the first of several that measure at once stay', async () => {
    const all = await Promise.all([1, 2, 3].map((loss) => ask([loss])));
    expect(all.map(({ losses }) => losses)).toEqual([[1], [2], [3]]);
    expect([[1], [2], [3]]).toContainEqual((await ask([9])).losses);
  });

  it('lets an error rise that says nothing of the object', async () => {
    const failing: ObjectStore = { ...store, getByKey: () => Promise.reject(new StoreUnavailable('later')) };
    await expect(ask([1], failing)).rejects.toThrow(StoreUnavailable);
  });
});
