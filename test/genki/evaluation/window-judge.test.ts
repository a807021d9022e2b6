import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BadSubmission, InvalidInput, StoreUnavailable } from '../../../genki/errors.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { judgeWindow, type Peer, type WindowBase } from '../../../genki/evaluation/window-judge.ts';
import { flatten, layoutOf, unflatten } from '../../../genki/federation/layout.ts';
import type { Clip } from '../../../genki/music/clip.ts';
import { Scorer } from '../../../genki/music/scorer.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from '../music/support/engines.ts';
import { TOY, TOY_HYPER, toyClips } from '../music/support/toys.ts';

const layout = layoutOf(TOY);
const weights = flatten(layout, initialWeights(TOY, new Random('window-judge')));
/** Motifs of four codes only: what there is to learn beyond the clips themselves. */
const clips = (count: number, seed: string): Clip[] => toyClips(count, seed).map((clip) => ({ ...clip, codes: Uint8Array.from(clip.codes, (code) => code % 4) }));
const holdout = clips(24, 'holdout');
const norm = { floor: 0.01, cap: 10 };
const goOn = async (): Promise<boolean> => true;
let engine: Engine;
let base: WindowBase;
let worker: Float32Array;
let other: Float32Array;
let elsewhere: Float32Array;
const [ownA, ownB] = [clips(12, 'a'), clips(12, 'b')];

/** A few steps on some clips. */
async function learnt(from: readonly Clip[]): Promise<Float32Array> {
  const trainer = await Trainer.create(engine, TOY, unflatten(layout, weights), { kind: 'full' }, { ...TOY_HYPER, learningRate: 4e-3, warmup: 0, guidanceDropout: 0, schedule: 'constant' }, 'window-judge');
  for (let step = 0; step < 8; step++) await trainer.step(from);
  const after = flatten(layout, trainer.weights());
  await trainer.dispose();
  return after.map((value, i) => value - weights[i]!);
}

const peer = (hotkey: string, update: Float32Array, own: readonly Clip[] | null): Peer => ({ hotkey, update: async () => update, own });
const judge = async (peers: readonly Peer[]) => (await judgeWindow(base, { peers, holdout, norm, goOn }))!;

beforeAll(async () => {
  engine = await createEngine();
  base = { engine, music: TOY, scorer: await Scorer.create(engine, TOY), layout, weights };
  [worker, other, elsewhere] = [await learnt(ownA), await learnt(ownB), await learnt(clips(12, 'elsewhere'))];
});
afterAll(async () => {
  await base.scorer.dispose();
  await engine.dispose();
});

describe('judging a window', () => {
  it('finds who trained on its pages, who on another\'s, and who goes the other way', async () => {
    const scores = await judge([peer('a', worker, ownA), peer('b', other, ownB), peer('lazy', elsewhere, clips(12, 'c')), peer('flipped', worker.map((value) => -value), ownA)]);
    expect(scores.map(({ hotkey, verdict }) => [hotkey, verdict])).toEqual([['a', 'sound'], ['b', 'sound'], ['lazy', 'lazy'], ['flipped', 'harmful']]);
    const [a, b, , flipped] = scores;
    expect(a!.own!.gain).toBeGreaterThan(a!.holdout!.gain);
    expect(a!.agreement).toBeGreaterThan(0.3);
    expect(b!.agreement).toBeGreaterThan(0.3);
    expect(flipped!.agreement).toBeCloseTo(-a!.agreement!, 12);
  });

  it('does not see how long an update is', async () => {
    const [short] = await judge([peer('a', worker.map((value) => value / 16), ownA), peer('b', other, ownB), peer('c', other.map((value) => -value), ownB)]);
    const [long] = await judge([peer('a', worker.map((value) => value * 16), ownA), peer('b', other, ownB), peer('c', other.map((value) => -value), ownB)]);
    expect(short!.own!.gain).toBeCloseTo(long!.own!.gain, 9);
    expect(short!.gap!.gain).toBeCloseTo(long!.gap!.gain, 9);
    expect(short!.agreement).toBeCloseTo(long!.agreement!, 9);
  });

  it('goes by holdout music without pages, and alone without others', async () => {
    const [alone] = await judge([peer('a', worker, ownA)]);
    expect(alone).toMatchObject({ verdict: 'sound' });
    const [own] = await judge([peer('a', worker, null)]);
    expect(own).toMatchObject({ own: null, gap: null });
    expect(own!.holdout!.gain).toBeCloseTo(alone!.holdout!.gain, 9);
  });

  it('measures the others where one cannot be read, and nobody where the store does not answer', async () => {
    const unreadable: Peer = { hotkey: 'x', update: () => Promise.reject(new BadSubmission('Expected an update, got junk')), own: ownB };
    const scores = await judge([peer('a', worker, ownA), unreadable]);
    expect(scores).toMatchObject([{ hotkey: 'a', verdict: 'sound' }, { hotkey: 'x', verdict: 'unmeasured', reason: 'Expected an update, got junk', agreement: null }]);
    const [alone] = await judge([peer('a', worker, ownA)]);
    expect(scores[0]).toEqual(alone);
    await expect(judge([{ ...unreadable, update: () => Promise.reject(new StoreUnavailable('later')) }])).rejects.toThrow(StoreUnavailable);
  });

  it('gives an update of nothing nothing', async () => {
    const [nothing] = await judge([peer('zero', new Float32Array(layout.size), ownA), peer('a', worker, ownA)]);
    expect(nothing).toMatchObject({ agreement: 0, own: { gain: 0 }, holdout: { gain: 0 }, verdict: 'lazy' });
  });

  it('stops when it is asked to, and refuses an empty holdout', async () => {
    expect(await judgeWindow(base, { peers: [peer('a', worker, ownA)], holdout, norm, goOn: async () => false })).toBeUndefined();
    await expect(judgeWindow(base, { peers: [peer('a', worker, ownA)], holdout: [], norm, goOn })).rejects.toThrow(InvalidInput);
  });
});
