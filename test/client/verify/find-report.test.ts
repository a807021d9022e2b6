import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findReport } from '../../../client/verify/find-report.ts';
import type { Known } from '../../../client/verify/network.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { actor, bytesOf, openShelf, openStreet, type Shelf, type Street } from '../../activities/support/federation.ts';
import { standFor } from '../../activities/support/stand-for.ts';
import { randomReport } from '../../genki/evaluation/random-round.ts';

const val = actor('val');
const template = randomReport('chain');

let shelf: Shelf;
let street: Street;
beforeAll(async () => {
  shelf = await openShelf();
  street = await openStreet({ validators: [[val, 5n * 10n ** 9n]], miners: [] }, { finalityLag: 0 });
});
afterAll(async () => {
  await street.stop();
  shelf.remove();
});

async function known(): Promise<Known> {
  const head = await street.chain.head();
  return { store: shelf.store, deployment: shelf.deployment, participants: [], chain: { chain: street.chain, head }, engine: undefined, threads: 1, clap: { cacheDir: '' }, close: async () => undefined };
}

describe('findReport', () => {
  it('takes the newest that a validator stands for, and knows whose it is', async () => {
    street.say(val, await standFor(shelf, val, { dama: shelf.deployment.genesisDama, epoch: 1, report: template }));
    await street.blocks(1);
    const network = await known();
    const newest = await findReport(undefined, network);
    expect(newest).toMatchObject({ bucket: val.bucket, hotkey: val.hotkey, stands: true, report: template });
    expect(await findReport(newest.name, network)).toEqual(newest);
    // of a report that it stood for before, the bucket tells
    await shelf.store.putOnce(val.bucket, 'older.json', bytesOf(canonicalJson({ ...template, epoch: 0 })));
    expect(await findReport(`${val.bucket}/older.json`, network)).toMatchObject({ hotkey: val.hotkey, stands: false, report: { epoch: 0 } });
  });

  it('takes the newest of this machine\'s validators where no chain answers', async () => {
    const participants = [{ name: 'val', role: 'validator' as const, hotkey: val.hotkey, bucket: 'kept', privateBucket: 'kept-private' }];
    for (const epoch of [9, 10]) await shelf.store.putOnce('kept', `rounds/1/${String(epoch).padStart(6, '0')}-0123abcd/report-0123456789abcdef.json`, bytesOf(canonicalJson({ ...template, epoch })));
    await shelf.store.putOnce('kept', 'rounds/1/000011-0123abcd/roster-0123456789abcdef.json', bytesOf('{}'));
    expect(await findReport(undefined, { ...(await known()), participants, chain: undefined })).toMatchObject({ report: { epoch: 10 }, bucket: 'kept', stands: false });
  });

  it.each(['no/such/file', '../../etc/passwd', '-x', '/'])('says what it wanted instead of %s', async (target) => {
    await expect(findReport(target, undefined)).rejects.toThrow('Expected');
  });

  it('refuses what is no report', async () => {
    await shelf.store.putOnce(val.bucket, 'nonsense.json', bytesOf('[1, 2'));
    await expect(findReport(`${val.bucket}/nonsense.json`, await known())).rejects.toThrow('Expected a round report in JSON');
  });
});
