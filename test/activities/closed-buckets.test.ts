import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClosingActivities } from '../../activities/closing.ts';
import { createModelActivities } from '../../activities/delta-model.ts';
import { lineOf } from '../../activities/window-line.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import { StoreUnavailable } from '../../genki/errors.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { actor, openShelf, openStreet, participant, type Actor, type Shelf, type Street } from './support/federation.ts';
import { quickly, runRecord, townOf, type Town, type Validator } from './support/closings.ts';

const validators = ['vera', 'viktor'].map(actor) as [Actor, Actor];
const [anna, ben] = ['anna', 'ben'].map(actor) as [Actor, Actor];
const late = actor('joiner');

let engine: Engine;
let shelf: Shelf;
let street: Street;
let town: Town;
let people: Validator[];
beforeAll(async () => { engine = await createOnnxEngine({ threads: 1 }); });
afterAll(() => engine.dispose());
afterEach(async () => {
  await street.stop();
  shelf.remove();
});

async function open(): Promise<void> {
  shelf = await openShelf();
  street = await openStreet({ validators: validators.map((one) => [one, 10n ** 10n] as const), miners: [anna, ben] }, { finalityLag: 0 });
  town = townOf(shelf, street, { engine, competition: quickly() });
  people = validators.map((one) => town.validatorOf(one));
  for (const one of [...validators, anna, ben]) street.say(one, runRecord(one));
  await street.blocks(5);
}

async function lineIn(window: number): Promise<[Validator, Validator]> {
  await town.at(Math.max(town.firstOf(window) + 4, (await street.chain.head()).number));
  const { leaders } = await lineOf({ chain: street.chain, deployment: town.deployment }, window);
  return leaders.map((hotkey) => people.find(({ who }) => who.hotkey === hotkey)!) as [Validator, Validator];
}

const wanted = (who: Actor, index: number) => ({ index, deadline: Number.MAX_SAFE_INTEGER, privateBucket: who.privateBucket });

describe('a bucket that does not let anybody in', () => {
  const closed = (bucket: string): ObjectStore => ({
    ...town.store,
    head: async (of, key, options) => { if (of === bucket) throw new StoreUnavailable(`Expected to look for ${of}/${key} with the access key AKIA, got 403 AccessDenied`); return await town.store.head(of, key, options); },
    getByKey: async (of, key, options) => { if (of === bucket) throw new StoreUnavailable('403'); return await town.store.getByKey(of, key, options); },
    get: async (ref, options) => { if (ref.bucket === bucket) throw new StoreUnavailable('403'); return await town.store.get(ref, options); },
  });

  it('of a miner keeps no validator from receiving the others’ updates', async () => {
    await open();
    const [by] = await lineIn(0);
    const from = await by.before(0);
    await town.handIn(anna, 0, from.state.digest);
    await town.at(15);
    const steps = createClosingActivities({ chain: street.chain, store: closed(ben.bucket), deployment: town.deployment, participants: async () => [participant(by.who, 'validator')], defaultHotkey: undefined });
    const closing = await steps.resolveClosing({ window: 0 });
    expect(await steps.receiveUpdates(closing)).toMatchObject({ received: 1 });
  });

  it('of a validator keeps nobody from following the others’ entries', async () => {
    await open();
    const [first, second] = await lineIn(0);
    const entry = await town.play(0, { by: first, miners: [anna] });
    await town.at(town.firstOf(1) + 10);
    const models = createModelActivities({ chain: street.chain, store: closed(second.who.bucket), deployment: town.deployment, participants: async () => [], defaultHotkey: undefined });
    const next = await models.nextModel({ window: wanted(late, 1), without: [], anew: false, known: null });
    expect(next.kind).toBe('advance');
    expect(entry.rank).toBe(0);
  });
});
