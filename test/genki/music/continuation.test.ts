import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import type { Codes } from '../../../genki/music/clip.ts';
import { generateLong, planWindows, windowsOf } from '../../../genki/music/continuation.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { wordsOf } from '../../../genki/music/text.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from './support/engines.ts';
import { TOY } from './support/toys.ts';

const K = TOY.decoder.numCodebooks;
const REQUEST = { seed: 'long', guidance: 1, temperature: 1, topK: 8 };
const WINDOWS = { window: 20, stride: 12 };
const text = wordsOf(TOY.text, ['fast town', 'waltz']);
/** Frames `from` up to `to` of codes of so many frames. */
const part = (codes: Codes, frames: number, from: number, to: number): Codes => codes.filter((_code, i) => i % frames >= from && i % frames < to);

describe('planWindows', () => {
  it("is audiocraft's of a minute: 30 s, and 18 s more each time on 12 s of what was", () => {
    expect(planWindows({ frames: 3000, known: 0 }, { window: 1500, stride: 900 })).toEqual([
      { from: 0, to: 1500, known: 0 },
      { from: 900, to: 2400, known: 600 },
      { from: 1800, to: 3000, known: 600 },
    ]);
  });

  it('hears a beginning whole where it fits, else its end', () => {
    expect(planWindows({ frames: 25, known: 19 }, WINDOWS)).toEqual([{ from: 0, to: 20, known: 19 }, { from: 12, to: 25, known: 8 }]);
    expect(planWindows({ frames: 50, known: 40 }, WINDOWS)).toEqual([{ from: 32, to: 50, known: 8 }]);
    expect(planWindows({ frames: 21, known: 20 }, WINDOWS)).toEqual([{ from: 12, to: 21, known: 8 }]);
  });

  it('covers every frame once, never more than a window at a time', () => {
    const random = new Random('windows');
    for (let i = 0; i < 400; i++) {
      const window = 2 + random.int(40);
      const stride = 1 + random.int(window - 1);
      const frames = 1 + random.int(200);
      const known = random.int(frames);
      let done = known;
      for (const { from, to, known: heard } of planWindows({ frames, known }, { window, stride })) {
        if (from + heard !== done || heard < 0 || to - from > window || to <= done) expect.fail(`${from} to ${to}, ${heard} known, after ${done} of ${frames}`);
        done = to;
      }
      expect(done).toBe(frames);
    }
  });

  it.each([
    ['nothing to add', { frames: 5, known: 5 }, WINDOWS, 'more frames than the 5'],
    ['a window of nothing', { frames: 5, known: 0 }, { window: 0, stride: 1 }, 'a window of 1 frame'],
    ['windows that do not overlap', { frames: 21, known: 0 }, { window: 20, stride: 20 }, 'a stride of 1 to 19 frames, got 20'],
    ['windows that do not move', { frames: 21, known: 0 }, { window: 20, stride: 0 }, 'a stride of 1 to 19 frames, got 0'],
  ])('refuses %s', (_what, of, windows, message) => {
    expect(() => planWindows(of, windows)).toThrow(InvalidInput);
    expect(() => planWindows(of, windows)).toThrow(message);
  });

  it('needs no stride where one window is enough', () => {
    expect(planWindows({ frames: 20, known: 0 }, { window: 20, stride: 20 })).toEqual([{ from: 0, to: 20, known: 0 }]);
  });
});

describe('windowsOf', () => {
  it("are MusicGen's 30 s and 18 s, and all that a smaller model hears", () => {
    expect(windowsOf({ ...TOY, decoder: { ...TOY.decoder, maxPositions: 2048 } }, 50)).toEqual({ window: 1500, stride: 900 });
    expect(windowsOf(TOY, 12)).toEqual({ window: 61, stride: 37 });
  });
});

describe('generateLong', () => {
  let engine: Engine;
  let generator: Generator;
  beforeAll(async () => {
    engine = await createEngine();
    generator = await Generator.create(engine, TOY, initialWeights(TOY, new Random('continuation')));
  });
  afterAll(async () => {
    await generator.dispose();
    await engine.dispose();
  });

  it('gives within a window what generate gives', async () => {
    for (const frames of [1, 20]) {
      expect(await generateLong({ generator, text }, { ...REQUEST, frames, windows: WINDOWS })).toEqual(await generator.generateFrom(text, { ...REQUEST, frames }));
    }
  });

  it('begins with the first window, and goes on from the end of each as if that were given', async () => {
    const frames = 50;
    const pieces = await generateLong({ generator, text }, { ...REQUEST, frames, windows: WINDOWS });
    expect(pieces.map(({ length }) => length)).toEqual([K * frames, K * frames]);
    expect(pieces.map((codes) => part(codes, frames, 0, 20))).toEqual(await generator.generateFrom(text, { ...REQUEST, frames: 20 }));
    const start = pieces.map((codes) => ({ codes: part(codes, frames, 12, 20), frames: 8 }));
    expect(pieces.map((codes) => part(codes, frames, 12, 32))).toEqual(await generator.generateFrom(text, { ...REQUEST, frames: 20, start, offset: 12 }));
  });

  it('gives the same for the same seed, and at another place in the piece something else', async () => {
    const request = { ...REQUEST, frames: 30, windows: WINDOWS };
    const pieces = await generateLong({ generator, text }, request);
    expect(await generateLong({ generator, text }, request)).toEqual(pieces);
    expect(await generateLong({ generator, text }, { ...request, seed: 'another' })).not.toEqual(pieces);
    expect(await generateLong({ generator, text }, { ...request, offset: 5 })).not.toEqual(pieces);
  });

  it('keeps a beginning that is longer than a window as it is', async () => {
    const known = Array.from({ length: 2 }, (_clip, c) => ({ frames: 33, codes: Uint8Array.from({ length: K * 33 }, (_code, i) => (i + c) % TOY.decoder.vocabSize) }));
    const pieces = await generateLong({ generator, text }, { ...REQUEST, frames: 40, windows: WINDOWS, start: known });
    expect(pieces.map((codes) => part(codes, 40, 0, 33))).toEqual(known.map(({ codes }) => codes));
    const start = known.map(({ codes }) => ({ codes: part(codes, 33, 25, 33), frames: 8 }));
    expect(pieces.map((codes) => part(codes, 40, 25, 40))).toEqual(await generator.generateFrom(text, { ...REQUEST, frames: 15, start, offset: 25 }));
  });

  it('tells how far it is, and ends with what it is told', async () => {
    const told: number[] = [];
    const request = { ...REQUEST, frames: 50, windows: WINDOWS };
    await generateLong({ generator, text }, request, (done, of) => void told.push(done / of));
    expect(told.length).toBe(23 + 15 + 15 + 9); // 20, 12, 12 and 6 new frames, and 3 for the delay each time
    expect(told.every((part, i) => part > (told[i - 1] ?? 0))).toBe(true);
    expect(told.at(-1)).toBe(1);
    const enough = new Error('enough');
    await expect(generateLong({ generator, text }, request, (done) => { if (done > 1) throw enough; })).rejects.toBe(enough);
  });

  it.each([
    ['too few starts', [{ codes: new Uint8Array(K), frames: 1 }], 'a start for each of 2 clips, got 1'],
    ['starts of two lengths', [1, 2].map((frames) => ({ codes: new Uint8Array(K * frames), frames })), 'starts of one length'],
    ['a start that is all', [30, 30].map((frames) => ({ codes: new Uint8Array(K * frames), frames })), 'more frames than the 30'],
    ['half a start', [2, 2].map((frames) => ({ codes: new Uint8Array(K), frames })), 'codebooks of 2 frames, got 4 codes'],
    ['codes that the model does not have', [1, 1].map((frames) => ({ codes: new Uint8Array(K).fill(16), frames })), 'codes below 16, got 16'],
  ])('refuses %s', async (_what, start, message) => {
    const long = generateLong({ generator, text }, { ...REQUEST, frames: 30, windows: WINDOWS, start });
    await expect(long).rejects.toThrow(InvalidInput);
    await expect(long).rejects.toThrow(message);
  });
});
