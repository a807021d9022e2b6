import { describe, expect, it } from 'vitest';
import { compose } from '../../../../genki/data/composer.ts';
import { STYLE_NAMES } from '../../../../genki/data/styles/style.ts';
import { encodeNotes } from '../../../../genki/music/apu/codes.ts';
import { renderCodes } from '../../../../genki/music/apu/synthesizer.ts';
import { technicalGate } from '../../../../genki/music/apu/technical-gate.ts';
import type { Codes } from '../../../../genki/music/clip.ts';

const music = STYLE_NAMES.map((style) => compose({ style, seed: 'gate' }).codes);
const sound = music.map((codes) => renderCodes(codes));
const judged = (codes: readonly Codes[]) => technicalGate(codes.map((clip) => renderCodes(clip)), codes);
const held = (midi: number): Uint8Array => encodeNotes([{ channel: 'triangle', at: 0, frames: 128, midi }], 128);

describe('the technical gate', () => {
  it('lets music of every style pass', () => {
    expect(technicalGate(sound, music)).toEqual({ ok: true });
    for (let i = 0; i < music.length; i++) expect(technicalGate([sound[i]!], [music[i]!])).toEqual({ ok: true });
  });

  it('refuses silence', () => {
    expect(judged([new Uint8Array(512), music[0]!, new Uint8Array(512).fill(1)])).toEqual({ ok: false, reason: '2 of 3 clips are no music: silence' });
  });

  it('refuses music that stops after a second', () => {
    const short = music[0]!.map((code, i) => (i % 128 < 12 ? code : 0));
    expect(judged([short])).toEqual({ ok: false, reason: '1 of 1 clips are no music: silence' });
  });

  it('refuses one held note', () => {
    expect(judged([held(50), held(51)])).toEqual({ ok: false, reason: '2 of 2 clips are no music: a held note' });
  });

  it('refuses clipped sound, a constant offset and what is no number', () => {
    const [codes, audio] = [music[0]!, sound[0]!];
    const reasonOf = (change: (x: number) => number) => technicalGate([audio.map(change)], [codes]);
    expect(reasonOf((x) => Math.max(-1, Math.min(1, 9 * x)))).toEqual({ ok: false, reason: '1 of 1 clips are no music: clipping' });
    expect(reasonOf((x) => x / 2 + 0.05)).toEqual({ ok: false, reason: '1 of 1 clips are no music: a constant offset' });
    expect(reasonOf(() => NaN)).toEqual({ ok: false, reason: '1 of 1 clips are no music: not a sound' });
  });

  it('bears with a poor clip among good ones', () => {
    expect(judged([held(50), music[0]!])).toEqual({ ok: true });
  });

  it('refuses the same clip for two prompts', () => {
    expect(technicalGate([sound[0]!, sound[1]!, sound[0]!], [music[0]!, music[1]!, music[0]!.slice()])).toEqual({
      ok: false,
      reason: 'clips 1 and 3 are identical although their prompts differ',
    });
  });

  it('has nothing against no clips at all', () => {
    expect(technicalGate([], [])).toEqual({ ok: true });
  });
});
