import { afterAll, beforeAll, expect, it } from 'vitest';
import { lineOf } from '../../../activities/window-line.ts';
import { surveyWindows } from '../../../client/status/windows.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import { quickly, runRecord, townOf } from '../../activities/support/closings.ts';
import { actor, openShelf, openStreet, participant, type Actor, type Shelf, type Street } from '../../activities/support/federation.ts';

const validators = ['vera', 'viktor'].map(actor) as [Actor, Actor];
const anna = actor('anna');
let engine: Engine;
let shelf: Shelf;
let street: Street;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  shelf = await openShelf();
  street = await openStreet({ validators: validators.map((one) => [one, 10n ** 10n] as const), miners: [anna] }, { finalityLag: 0 });
});
afterAll(async () => {
  await engine.dispose();
  await street.stop();
  shelf.remove();
});

it('says the window in progress, the last one closed, by whom, and who has its model', async () => {
  const town = townOf(shelf, street, { engine, competition: quickly() });
  for (const one of [...validators, anna]) street.say(one, runRecord(one));
  await street.blocks(5);
  const survey = () => surveyWindows({ chain: street.chain, store: town.store, deployment: town.deployment, participants: validators.map((one) => participant(one, 'validator')) });
  expect(await survey()).toEqual({ current: { window: 0, step: 'open', deadline: 15, last: 19 }, closed: null });
  const { leaders } = await lineOf({ chain: street.chain, deployment: town.deployment }, 0);
  const by = validators.find(({ hotkey }) => hotkey === leaders[0])!;
  await town.play(0, { by: town.validatorOf(by), miners: [anna] });
  const closed = { window: 0, leader: by.hotkey, rank: 0, peers: [anna.hotkey], refused: [], models: { there: 1, same: 1 } };
  expect(await survey()).toEqual({ current: { window: 1, step: 'open', deadline: 35, last: 39 }, closed });
  // after a pause it is still known
  await town.at(town.firstOf(9) + 16);
  expect(await survey()).toEqual({ current: { window: 9, step: 'uploaded', deadline: 195, last: 199 }, closed });
  expect(await surveyWindows({ chain: street.chain, store: shelf.store, deployment: shelf.deployment, participants: [] })).toBeUndefined();
});
