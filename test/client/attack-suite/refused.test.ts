import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cast, commitsOf, type Play } from '../../../client/attack-suite/cast.ts';
import { lay } from '../../../client/attack-suite/lay.ts';
import { evaluateSubmission } from '../../../client/attack-suite/round.ts';
import { commits } from '../../../client/attack-suite/scenarios/commits.ts';
import { files } from '../../../client/attack-suite/scenarios/files.ts';
import { minerNamed, type Epoch, type Honest, type Stage } from '../../../client/attack-suite/stage.ts';
import { openStreet } from '../../../client/attack-suite/street.ts';
import { handIn, type Ground } from '../../../genki/attacks/hand-in.ts';
import { decodeAdapter } from '../../../genki/music/lora.ts';
import type { Outcome } from '../../../workflows/evaluate-submission.ts';
import { actor, adapterFile, openShelf, type Shelf } from '../../activities/support/federation.ts';
import { roundOf } from '../../activities/support/hand-in.ts';
import { TOY, TOY_LORA } from '../../genki/music/support/toys.ts';

let shelf: Shelf;
let cast: Cast;
const streets = mkdtempSync(join(tmpdir(), 'genki-streets-'));

/** Honest miners of adapters that were never trained: whoever is refused is refused before it is played. */
beforeAll(async () => {
  shelf = await openShelf();
  const { competition, competitionDigest: digest, genesisDama } = shelf.deployment;
  const on: Ground = { competition: { id: competition.id, digest, endpoint: 'local' }, base: genesisDama.digest };
  const honest = ['dungeon', 'swing', 'march'].map((name): Honest => {
    const miner = minerNamed(name);
    const file = adapterFile(name);
    return { name, miner, adapter: decodeAdapter(file, { music: TOY, lora: TOY_LORA }), handed: handIn(file, { by: miner, on }) };
  });
  for (const { handed } of honest) await lay(shelf.root, handed);
  const epoch = { plan: roundOf(shelf, actor('validator')), on, honest } as unknown as Epoch;
  cast = new Cast({ ...shelf } as unknown as Stage, epoch, () => expect.unreachable('there is one epoch'));
});
afterAll(() => {
  shelf.remove();
  rmSync(streets, { recursive: true });
});

/** What becomes of the attacker's submission, on a chain of its own; undefined for one that is not looked at. */
async function outcomeOf(name: string, play: Play): Promise<Outcome | undefined> {
  for (const { handed } of play.attackers) await lay(shelf.root, handed);
  const end = await play.meanwhile?.(shelf.root);
  const street = await openStreet(join(streets, name), commitsOf(play), shelf.deployment.competition);
  try {
    const hostile = play.attackers.map(({ miner }) => miner.signer.hotkey);
    const submission = street.submissions.find(({ hotkey }) => hostile.includes(hotkey));
    return submission && (await evaluateSubmission(cast.stage, play.epoch, { submission, chain: street.chain }));
  } finally {
    await end?.();
    await street.close();
  }
}

describe('refused is', () => {
  it.each([
    ['copied-record', 'Expected a signature of'],
    ['copied-objects', 'Expected a signature of'],
    ['front-run', 'that its key opens for this hotkey'],
    ['impersonation', 'Expected a manifest with bucket'],
  ])('%s: %s', async (name, reason) => {
    expect(await outcomeOf(name, await commits.get(name)!.play(cast))).toMatchObject({ kind: 'rejected', reason: expect.stringContaining(reason) as string });
  });

  it.each([
    ['truncated-file', 'bytes of tensors'],
    ['lying-header', 'Expected a header of at most'],
    ['not-a-number', 'to be finite, got NaN'],
    ['infinity', 'to be finite, got Infinity'],
    ['wrong-shape', 'got F32'],
    ['wrong-dtype', 'got F16'],
    ['oversized-object', 'to have at most 65573 bytes'],
    ['endless-object', 'Expected an object'],
    ['changing-object', 'Expected'],
    ['infinite-norm', 'Expected an update of norm at most 1000'],
  ])('%s: %s', async (name, reason) => {
    expect(await outcomeOf(name, await files.get(name)!.play(cast))).toMatchObject({ kind: 'rejected', reason: expect.stringContaining(reason) as string });
  });

  it('nobody who commits after the snapshot, since it is not looked at', async () => {
    const play = (await commits.get('forged-clock')!.play(cast)) as Play;
    expect(await outcomeOf('late', { ...play, place: { at: 'late' } })).toBeUndefined();
  });
});
