import { describe, expect, it } from 'vitest';
import { pairInOrder, type PromptPair, quality } from '../../../genki/evaluation/quality.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { Random } from '../../../genki/protocol/random.ts';

const pair = (prompt: number, text: readonly number[], audio: readonly number[]): PromptPair => ({ prompt, text: Float32Array.from(text), audio: Float32Array.from(audio) });
const PAIRS = [pair(0, [3, 4], [4, 3]), pair(2, [1, 0], [0, 2]), pair(1, [1, 1], [-1, -1])];

function randomPairs(seed: string, count: number, width: number): PromptPair[] {
  const random = new Random(seed);
  const vector = (): number[] => Array.from({ length: width }, () => random.normal());
  return Array.from({ length: count }, (_, prompt) => pair(prompt, vector(), vector()));
}

describe('quality', () => {
  it('is the mean cosine of each prompt with its own clip', () => {
    const { cosine, standardError, perPrompt, anchored } = quality(PAIRS, { floor: -0.2, ceiling: 0.3 });
    expect(perPrompt.map(({ prompt }) => prompt)).toEqual([0, 2, 1]);
    [0.96, 0, -1].forEach((expected, i) => expect(perPrompt[i]!.cosine).toBeCloseTo(expected, 7));
    expect(cosine).toBeCloseTo(-0.04 / 3, 7);
    // variance of .96, 0, -1 is .960533…, of their mean a third
    expect(standardError).toBeCloseTo(Math.sqrt(0.9605333333 / 3), 7);
    expect(anchored).toBeCloseTo((-0.04 / 3 + 0.2) / 0.5, 7);
    expect(quality(PAIRS)).not.toHaveProperty('anchored');
  });

  it('adds 1e-8 to each norm, so nothing fits nothing', () => {
    expect(quality([pair(0, [0, 0], [0, 0])]).cosine).toBe(0);
    expect(quality([pair(0, [1e-8, 0], [1, 0])]).cosine).toBeCloseTo(0.5, 6);
  });

  it('of a single prompt has the largest error there is', () => {
    expect(quality([PAIRS[0]!])).toMatchObject({ cosine: expect.closeTo(0.96, 7), standardError: 1 });
  });

  it('lies in -1 … 1, is 1 for the same direction, and knows no length and no order', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const pairs = randomPairs(`${seed}`, 2 + (seed % 7), 4 + (seed % 33));
      const { cosine, standardError } = quality(pairs);
      expect(Math.abs(cosine)).toBeLessThanOrEqual(1);
      expect(standardError).toBeLessThanOrEqual(1);
      const shuffled = quality(new Random(`${seed}`).shuffle(pairs.map(({ prompt, text, audio }) => ({ prompt, text: text.map((x) => 8 * x), audio }))));
      expect(shuffled.cosine).toBeCloseTo(cosine, 7);
      expect(shuffled.standardError).toBeCloseTo(standardError, 7);
      expect(quality(pairs.map((one) => ({ ...one, audio: one.text.map((x) => 3 * x) }))).cosine).toBeCloseTo(1, 6);
    }
  });

  it('pairs clips with their own prompts: swapped clips score otherwise', () => {
    const [a, b] = randomPairs('swap', 2, 8) as [PromptPair, PromptPair];
    expect(quality([{ ...a, audio: a.text }, { ...b, audio: b.text }]).cosine).toBeCloseTo(1, 6);
    expect(quality([{ ...a, audio: b.text }, { ...b, audio: a.text }]).cosine).toBeLessThan(0.9);
  });

  const missing = undefined as unknown as Float32Array;
  it.each([
    ['no clips', [], 'Expected at least one prompt with its clip, got none'],
    ['a prompt twice', [PAIRS[0]!, PAIRS[0]!], 'Expected each prompt once, got prompt 0 twice'],
    ['a prompt without audio', [{ ...PAIRS[0]!, audio: missing }], 'Expected an embedding of the audio of prompt 0, got none'],
    ['audio without a prompt', [{ ...PAIRS[0]!, text: missing }], 'Expected an embedding of the text of prompt 0, got none'],
    ['an empty embedding', [pair(0, [], [])], 'Expected an embedding of the text of prompt 0, got none'],
    ['another width', [PAIRS[0]!, pair(7, [1, 0], [1, 0, 0])], 'Expected the embedding of the audio of prompt 7 to have 2 numbers as the first, got 3'],
    ['texts of another width', [PAIRS[0]!, pair(7, [1, 0, 0], [1, 0, 0])], 'Expected the embedding of the text of prompt 7 to have 2 numbers as the first, got 3'],
    ['NaN', [pair(0, [1, 0], [NaN, 0])], 'Expected the embedding of the audio of prompt 0 to hold numbers, got NaN'],
    ['infinity', [pair(0, [1, -Infinity], [1, 0])], 'Expected the embedding of the text of prompt 0 to hold numbers, got -Infinity'],
    ['no number of a prompt', [pair(0.5, [1, 0], [1, 0])], "Expected a prompt's number, got 0.5"],
  ])('refuses %s', (_, pairs, message) => {
    expect(() => quality(pairs)).toThrow(InvalidInput);
    expect(() => quality(pairs)).toThrow(message);
  });
});

describe('pairInOrder', () => {
  const vectors = (count: number): Float32Array[] => Array.from({ length: count }, (_, i) => Float32Array.of(i));

  it('gives each prompt the clip in its place', () => {
    expect(pairInOrder(vectors(2), [Float32Array.of(5), Float32Array.of(6)])).toEqual([pair(0, [0], [5]), pair(1, [1], [6])]);
  });

  it.each([[2, 3], [3, 2], [0, 1], [1, 0]])('refuses %i prompts with %i clips', (texts, clips) => {
    expect(() => pairInOrder(vectors(texts), vectors(clips))).toThrow(`Expected a clip for each of ${texts} prompts, got ${clips}`);
  });
});
