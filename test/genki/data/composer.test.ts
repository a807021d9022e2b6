import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { registerOf } from '../../../genki/data/caption.ts';
import { compose, perform } from '../../../genki/data/composer.ts';
import { MODES } from '../../../genki/data/harmony.ts';
import { drawPlan } from '../../../genki/data/plan.ts';
import { STYLE_NAMES, TEMPOS } from '../../../genki/data/styles/style.ts';
import { styleNamed } from '../../../genki/data/styles/styles.ts';
import { MAX_WORDS, WORDS } from '../../../genki/data/words.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { CLIP_FRAMES, decodeNotes, encodeNotes } from '../../../genki/music/apu/codes.ts';
import type { Clip } from '../../../genki/music/clip.ts';
import { Random } from '../../../genki/protocol/random.ts';

const CLIPS = 40;
const clipsOf = Object.fromEntries(STYLE_NAMES.map((style) => [style, Array.from({ length: CLIPS }, (_, i) => compose({ style, seed: `test/${i}` }))]));
const all = Object.values(clipsOf).flat();
const words = ({ caption }: Clip): string[] => caption.split(' ');

/** How often each code of each channel is used, shape [4 · 64], summing up to 4. */
function usage(clips: readonly Clip[]): number[] {
  const counts = Array.from({ length: 4 * 64 }, () => 0);
  for (const { codes, frames } of clips) codes.forEach((code, i) => (counts[64 * Math.floor(i / frames) + code]! += 1 / (frames * clips.length)));
  return counts;
}

describe('the composer', () => {
  // whoever changes these changes the corpus that the shipped Dama was trained on
  it.each([
    ['town', '6d67ea57403b3a72'],
    ['battle', '929bcbd4919d0f0f'],
    ['waltz', '680764e3063afb80'],
    ['dungeon', '47c186df90adb614'],
    ['victory', '738fc8efdb972745'],
    ['swing', '3be704999c299848'],
    ['ambient', '0e336573983e03ad'],
    ['march', '82649f28aa8d29e2'],
  ])('writes the same piece for the same seed: %s', (style, digest) => {
    const { codes, caption } = compose({ style, seed: 'pinned' });
    expect(createHash('sha256').update(codes).update(caption).digest('hex').slice(0, 16)).toBe(digest);
  });

  it('writes another piece for another seed', () => {
    expect(new Set(all.map(({ codes }) => codes.join())).size).toBe(all.length);
  });

  it('refuses a style that it does not know, or that is only a property of objects', () => {
    expect(() => compose({ style: 'polka', seed: '1' })).toThrow(new InvalidInput('Expected a style of town, battle, waltz, dungeon, victory, swing, ambient, march, got "polka"'));
    expect(() => compose({ style: 'constructor', seed: '1' })).toThrow(InvalidInput);
  });

  it.each(STYLE_NAMES)('writes what the chip can play, every hold with a note: %s', (style) => {
    for (const { codes, frames, numCodebooks } of clipsOf[style]!) {
      expect([numCodebooks, frames, codes.length]).toEqual([4, CLIP_FRAMES, 4 * CLIP_FRAMES]);
      expect(encodeNotes(decodeNotes(codes, frames), frames)).toEqual(codes);
    }
  });

  it.each(STYLE_NAMES)('stays in its key: %s', (name) => {
    const style = styleNamed(name);
    for (let i = 0; i < 10; i++) {
      const plan = drawPlan(style, new Random(`key/${i}`));
      const scale = MODES[plan.key.mode].map((step) => (step + plan.key.tonic) % 12);
      for (const note of perform(style, plan)) if (note.channel !== 'noise') expect(scale).toContain(note.midi % 12);
    }
  });

  it('repeats its motifs: the bars of a plain AAAC over one chord are alike, and the cadence is not', () => {
    const style = styleNamed('town');
    const plan = { ...drawPlan(style, new Random('form')), form: 'AAAC', progression: [0, 0, 0, 0], variation: 'plain', framesPerBeat: 5 } as const;
    const lead = perform(style, plan).filter(({ channel }) => channel === 'pulse1');
    const bar = (n: number) => lead.filter(({ at }) => Math.floor(at / 20) === n).map((note) => ({ ...note, at: note.at % 20 }));
    expect(bar(0).length).toBeGreaterThan(0);
    expect([1, 2, 4, 5].map(bar)).toEqual(Array.from({ length: 4 }, () => bar(0)));
    expect(bar(3)).not.toEqual(bar(0));
  });

  it('varies the second four bars when the plan says so', () => {
    const style = styleNamed('battle');
    const plan = drawPlan(style, new Random('variation'));
    const second = (variation: (typeof plan)['variation']) => perform(style, { ...plan, form: 'AABC', variation }).filter(({ channel, at }) => channel === 'pulse1' && at >= 64);
    expect(second('lifted')).not.toEqual(second('plain'));
    expect(second('running')).not.toEqual(second('plain'));
  });

  it('gives each style a use of the codes of its own', () => {
    const styles = STYLE_NAMES.map((style) => ({ half: usage(clipsOf[style]!.slice(0, CLIPS / 2)), other: usage(clipsOf[style]!.slice(CLIPS / 2)) }));
    const distance = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + Math.abs(x - b[i]!), 0);
    for (const [i, { half, other }] of styles.entries()) {
      for (const [j, { other: foreign }] of styles.entries()) if (i !== j) expect(distance(half, foreign)).toBeGreaterThan(distance(half, other));
    }
  });

  it('lets the base styles hear every register and both pulses of the melody', () => {
    const used = usage(['town', 'battle', 'waltz'].flatMap((style) => Array.from({ length: 200 }, (_, i) => compose({ style, seed: `wide/${i}` })))).slice(2, 64);
    expect(used.filter((share) => share > 0).length).toBeGreaterThan(50);
  });

  it('uses three-four and four-four time, and four tempos', () => {
    const tempos = new Set(all.flatMap((clip) => words(clip).filter((word) => Object.values<string>(TEMPOS).includes(word))));
    expect([...tempos].sort()).toEqual(['brisk', 'fast', 'slow', 'steady']);
    expect(new Set(all.filter((clip) => words(clip).includes('triple')).map(({ style }) => style))).toEqual(new Set(['waltz']));
  });
});

describe('captions', () => {
  it('hold 3 to 8 different words, all of them known', () => {
    for (const clip of all) {
      const said = words(clip);
      expect(said.length).toBeLessThanOrEqual(MAX_WORDS);
      expect(new Set(said).size).toBe(said.length);
      for (const word of said) expect(WORDS).toContain(word);
    }
  });

  it('say drums when, and only when, the noise channel plays', () => {
    for (const clip of all) {
      const plays = decodeNotes(clip.codes, clip.frames).some(({ channel }) => channel === 'noise');
      expect(words(clip).includes('drums')).toBe(plays);
    }
    const drummed = all.filter((clip) => words(clip).includes('drums')).length;
    expect(drummed).toBeGreaterThan(0);
    expect(drummed).toBeLessThan(all.length);
  });

  it('name the pulse and the register of the melody as they are', () => {
    for (const clip of all) {
      const notes = decodeNotes(clip.codes, clip.frames);
      const duties = new Set(notes.flatMap((note) => (note.channel === 'pulse1' ? [note.duty] : [])));
      expect([...duties]).toEqual([words(clip).includes('square') ? 0 : 1]);
      expect(words(clip).includes('thin')).not.toBe(words(clip).includes('square'));
      expect(words(clip)).toContain(registerOf(notes));
    }
  });

  it('say harmony when the second pulse moves with the melody', () => {
    for (const clip of all.filter((one) => words(one).includes('harmony'))) {
      const onsets = (channel: string): number[] => decodeNotes(clip.codes, clip.frames).flatMap((note) => (note.channel === channel ? [note.at] : []));
      expect(onsets('pulse2')).toEqual(onsets('pulse1'));
    }
  });

  it('name style, mood, mode and tempo', () => {
    for (const clip of all) {
      const style = styleNamed(clip.style);
      expect(words(clip)).toContain(clip.style);
      expect(style.modes.some(({ mode, mood }) => words(clip).includes(mode) && words(clip).includes(mood))).toBe(true);
      expect(style.framesPerBeat.some((fpb) => words(clip).includes(TEMPOS[fpb]))).toBe(true);
    }
  });

  it('use the whole vocabulary, which is sorted and closed', () => {
    const many = STYLE_NAMES.flatMap((style) => Array.from({ length: 150 }, (_, i) => compose({ style, seed: `words/${i}` })));
    expect([...new Set(many.flatMap(words))].sort()).toEqual([...WORDS]);
    expect([...WORDS].sort()).toEqual([...WORDS]);
    expect(Object.isFrozen(WORDS)).toBe(true);
  });
});
