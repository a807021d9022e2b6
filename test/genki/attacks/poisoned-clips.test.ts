import { describe, expect, it } from 'vitest';
import { constantCodes, heldNote, mislabelled, oneForAll, randomCodes, shuffledInTime } from '../../../genki/attacks/poisoned-clips.ts';
import { composeDataset } from '../../../genki/data/dataset.ts';
import { HOLD, REST, VOCABULARY } from '../../../genki/music/apu/codes.ts';
import { renderCodes } from '../../../genki/music/apu/synthesizer.ts';
import { technicalGate } from '../../../genki/music/apu/technical-gate.ts';
import type { Clip, Codes } from '../../../genki/music/clip.ts';
import { Random } from '../../../genki/protocol/random.ts';

const composed = (style: string): readonly Clip[] => composeDataset({ name: style, styles: [style], clips: 3, seed: 'test', licence: 'CC0-1.0', sharing: 'shared' }).clips;
const clips = composed('swing');
const sorted = (codes: Codes): number[] => [...codes].sort((a, b) => a - b);
const gate = (played: readonly Clip[]) => technicalGate(played.map(({ codes }) => renderCodes(codes)), played.map(({ codes }) => codes));

describe('poisoned clips', () => {
  it('shuffled in time have the same chords in another order', () => {
    const shuffled = shuffledInTime(clips, new Random('order'));
    for (const [i, { codes, frames, caption }] of shuffled.entries()) {
      const chords = (of: Codes): string[] => Array.from({ length: frames }, (_, t) => [0, 1, 2, 3].map((k) => of[k * frames + t]).join()).sort();
      expect(chords(codes)).toEqual(chords(clips[i]!.codes));
      expect(codes).not.toEqual(clips[i]!.codes);
      expect(caption).toBe(clips[i]!.caption);
    }
  });

  it('mislabelled keep their music under others’ captions', () => {
    const other = composed('march');
    for (const [i, { codes, caption }] of mislabelled(clips, other.slice(0, 2)).entries()) {
      expect(codes).toEqual(clips[i]!.codes);
      expect(caption).toBe(other[i % 2]!.caption);
    }
  });

  it('of random codes have all of them about alike often', () => {
    const [{ codes }] = randomCodes(clips, new Random('codes'), VOCABULARY) as [Clip];
    expect(new Set(codes).size).toBe(VOCABULARY);
    expect(sorted(codes).at(-1)).toBe(VOCABULARY - 1);
  });

  it('leave the clips that they are made from as they were', () => {
    const before = JSON.stringify(clips.map(({ codes }) => [...codes]));
    shuffledInTime(clips, new Random('order'));
    constantCodes(clips, REST);
    expect(JSON.stringify(clips.map(({ codes }) => [...codes]))).toBe(before);
  });
});

describe('what a miner could play to please a measure', () => {
  it('passes the technical gate when it is music', () => expect(gate(clips)).toEqual({ ok: true }));

  it.each([
    ['silence', constantCodes(clips, REST), 'silence'],
    ['a held note', heldNote(clips, { first: 20, held: HOLD }), 'a held note'],
    ['one clip for all prompts', oneForAll(clips), 'identical although their prompts differ'],
  ])('does not when it is %s', (_, played, reason) => {
    const verdict = gate(played);
    expect(verdict.ok ? '' : verdict.reason).toContain(reason);
  });
});
