import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lineOf } from '../../activities/window-line.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { windowKey } from '../../genki/protocol/window-log.ts';
import { actor, BLOCK_MS, bytesOf, openShelf, openStreet, textOf, type Actor, type Shelf, type Street } from './support/federation.ts';
import { TOY } from '../genki/music/support/toys.ts';
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

describe('a checkpoint of a leader', () => {
  it('brings its weights, not what computes with them, nor objects that are its leader’s to delete', async () => {
    await open();
    for (let window = 0; window <= 1; window++) await town.play(window, { by: (await lineIn(window))[0], miners: [anna] });
    const [by] = await lineIn(2);
    const honest = await by.before(2);
    const entry = await town.play(2, { by, miners: [] });
    const checkpoint = JSON.parse(textOf(await town.store.get(entry.checkpoint!, { maxBytes: 2 ** 20 }))) as { state: { dama: { config: { sha256: string } } } };
    const other = await town.store.putOnce(by.who.bucket, 'other.json', bytesOf(canonicalJson({ ...TOY, decoder: { ...TOY.decoder, activation: 'relu' } })));
    checkpoint.state.dama.config = other;
    await town.store.delete(by.who.bucket, entry.checkpoint!.key);
    const ref = await town.store.putOnce(by.who.bucket, 'checkpoints/rw/lie.json', bytesOf(canonicalJson(checkpoint)));
    await town.store.delete(by.who.bucket, windowKey('rw', 2));
    const wallet = createWalletActivities({ chain: street.chain, signer: by.who, blockMs: BLOCK_MS });
    await town.store.putOnce(by.who.bucket, windowKey('rw', 2), bytesOf(await wallet.signWindowEntry({ ...entry, checkpoint: ref })));
    const { state } = await town.validatorOf(late).follow(3);
    expect(state.digest).toBe(honest.state.digest);
    expect(state.dama.config.sha256).toBe(town.deployment.genesisDama.config.sha256);
    expect([state.dama.weights.bucket, state.dama.config.bucket]).toEqual([late.privateBucket, late.privateBucket]);
  }, 60_000);

  it('is read no further than a model is long', async () => {
    await open();
    const { genesisDama } = town.deployment;
    const long = await town.store.putOnce('hub', 'momentum.safetensors', new Uint8Array(2 ** 24));
    const jobs = town.validatorOf(late).jobs;
    const input = { from: { dama: genesisDama, momentum: long, digest: null }, steps: [], terms: { ...town.deployment.competition.delta! }, competition: town.digest, bucket: late.privateBucket, prefix: 'states' };
    await expect(jobs.advance(input, { progress: async () => true })).rejects.toThrow(/at most \d+ bytes/);
  }, 60_000);
});
