import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { statePrefix } from '../../activities/window-states.ts';
import { actor, openShelf, openStreet, participant, type Actor, type Shelf, type Street } from './support/federation.ts';
import { minersOf, WINDOW_BLOCKS, windowsOf } from './support/delta.ts';

const [validator, anna] = ['validator', 'anna'].map(actor) as [Actor, Actor];
const competition = windowsOf();

let shelf: Shelf;
let street: Street;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf.remove());
beforeEach(async () => { street = await openStreet({ validators: [[validator, 10n ** 10n]], miners: [anna] }, { finalityLag: 0 }); });
afterEach(() => street.stop());

const windows = () => minersOf(shelf, street, { people: () => [participant(anna, 'miner')], competition }).windows;
const windowAt = (index: number, privateBucket = anna.privateBucket) => ({ index, deadline: (index + 1) * WINDOW_BLOCKS - 5, privateBucket });
const wanted = { without: [], anew: false, known: null };

describe('the model that a window begins from', () => {
  it('is in the first window the one that the competition begins with', async () => {
    const { delta, ...rest } = competition;
    expect(rest.exchange).toBe('delta');
    const { codec, aggregation, outer, norm } = delta!;
    expect(await windows().nextModel({ window: windowAt(0), ...wanted })).toEqual({
      kind: 'advance',
      fromOwn: false,
      entry: null,
      input: { from: { dama: shelf.deployment.genesisDama, momentum: null, digest: null }, steps: [], terms: { codec, aggregation, outer, norm }, competition: expect.any(String) as string, bucket: anna.privateBucket, prefix: statePrefix({ bucket: '', competition: 'rw' }, 0) },
    });
  });

  it('is the node\'s own, once it has kept one', async () => {
    const state = { digest: `${'A'.repeat(43)}=`, dama: shelf.deployment.genesisDama, momentum: null };
    await windows().keepModel({ window: windowAt(0, 'kept'), begins: 0, state, entry: null });
    expect(await windows().nextModel({ window: windowAt(0, 'kept'), ...wanted })).toEqual({ kind: 'there', state, entry: null });
    expect(await windows().nextModel({ window: windowAt(0, 'kept'), ...wanted, anew: true })).toMatchObject({ kind: 'advance', fromOwn: false });
  });

  it('is waited for while somebody may close the window before, whose name is told once', async () => {
    await street.blocks(WINDOW_BLOCKS + 1);
    const first = await windows().nextModel({ window: windowAt(1), ...wanted });
    expect(first).toMatchObject({ kind: 'waiting', window: 0, leader: validator.hotkey });
    const awaited = first.kind === 'waiting' ? first : null;
    await expect(windows().nextModel({ window: windowAt(1), ...wanted, known: awaited })).rejects.toMatchObject({ type: 'WindowOpen', category: 'BENIGN' });
    // nobody in line is left to close it: the window goes on from what there is
    await street.blocks(awaited!.untilBlock - (WINDOW_BLOCKS + 1));
    expect(await windows().nextModel({ window: windowAt(1), ...wanted, known: awaited })).toMatchObject({ kind: 'advance', input: { steps: [] } });
    await street.blocks(2 * WINDOW_BLOCKS - 5 - awaited!.untilBlock);
    expect(await windows().nextModel({ window: windowAt(1), ...wanted })).toEqual({ kind: 'late', reason: 'too late for window 1: the model after window 0 was not there before block 35' });
    // whoever only follows has all the time
    expect(await windows().nextModel({ window: { ...windowAt(1), deadline: Infinity }, ...wanted })).toMatchObject({ kind: 'advance', input: { steps: [] } });
  });
});
