import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { CHANNELS, checkCodes, decodeNotes, encodeNotes, type NoteEvent, VOCABULARY } from '../../../../genki/music/apu/codes.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const rows = (codes: Uint8Array, frames: number): number[][] => CHANNELS.map((_, c) => [...codes.subarray(c * frames, (c + 1) * frames)]);

describe('APU codes', () => {
  it('write a bar by hand as the table says', () => {
    const notes: NoteEvent[] = [
      { channel: 'pulse1', at: 0, frames: 2, midi: 57, duty: 0 },
      { channel: 'pulse1', at: 3, frames: 1, midi: 87, duty: 1 },
      { channel: 'pulse2', at: 1, frames: 3, midi: 60, duty: 1 },
      { channel: 'triangle', at: 0, frames: 4, midi: 24 },
      { channel: 'noise', at: 0, frames: 1, drum: 'kick', volume: 3 },
      { channel: 'noise', at: 2, frames: 2, drum: 'gust', volume: 1 },
    ];
    const codes = encodeNotes(notes, 4);
    expect(rows(codes, 4)).toEqual([[2, 1, 0, 63], [0, 48, 1, 1], [2, 1, 1, 1], [5, 0, 63, 1]]);
    expect(decodeNotes(codes, 4)).toEqual(notes);
  });

  it('play one note at a time: a later one cuts off what sounds, and what lay behind it', () => {
    const codes = encodeNotes([{ channel: 'triangle', at: 0, frames: 9, midi: 30 }, { channel: 'triangle', at: 2, frames: 1, midi: 31 }], 5);
    expect(rows(codes, 5)[2]).toEqual([8, 1, 9, 0, 0]);
  });

  it.each(CHANNELS.map((channel, c) => ({ channel, c })))('mean something for all 64 codes of $channel, each read and written again', ({ c }) => {
    const codes = new Uint8Array(4 * VOCABULARY);
    for (let code = 0; code < VOCABULARY; code++) codes[c * VOCABULARY + code] = code;
    codes[c * VOCABULARY + 1] = 0; // a hold with nothing to hold is silence
    expect(encodeNotes(decodeNotes(codes, VOCABULARY), VOCABULARY)).toEqual(codes);
  });

  it.each([1, 2, 3, 4])('are the same after reading and writing, random ones of seed %i, once holds without a note are rests', (seed) => {
    const random = new Random(`codes/${seed}`);
    const codes = Uint8Array.from({ length: 4 * 64 }, () => (random.chance(0.5) ? random.int(2) : random.int(VOCABULARY)));
    const once = encodeNotes(decodeNotes(codes, 64), 64);
    expect(encodeNotes(decodeNotes(once, 64), 64)).toEqual(once);
    expect(codes.every((code, i) => code === once[i] || (code === 1 && once[i] === 0))).toBe(true);
  });

  it('are refused with channel, frame and value', () => {
    const codes = new Uint8Array(4 * 8);
    codes[2 * 8 + 5] = 64;
    expect(() => checkCodes(codes, 8)).toThrow(new InvalidInput('Expected a code of 0 to 63 in channel triangle at frame 5, got 64'));
    expect(() => decodeNotes(new Uint8Array(31), 8)).toThrow('Expected 32 codes (4 channels of 8 frames), got 31');
  });

  it.each<[string, NoteEvent]>([
    ['Expected a note of 57 to 87 in channel pulse1 at frame 0, got 56', { channel: 'pulse1', at: 0, frames: 1, midi: 56, duty: 0 }],
    ['Expected a note of 45 to 75 in channel pulse2 at frame 1, got 76', { channel: 'pulse2', at: 1, frames: 1, midi: 76, duty: 0 }],
    ['Expected a note of 24 to 85 in channel triangle at frame 0, got 24.5', { channel: 'triangle', at: 0, frames: 1, midi: 24.5 }],
    ['Expected a drum and a volume that it has in channel noise at frame 0, got gust at 2', { channel: 'noise', at: 0, frames: 1, drum: 'gust', volume: 2 }],
    ['Expected a note of noise to begin in frame 0 to 3, got 4', { channel: 'noise', at: 4, frames: 1, drum: 'kick', volume: 0 }],
    ['Expected to last whole frames in channel triangle at frame 0, got 0', { channel: 'triangle', at: 0, frames: 0, midi: 30 }],
  ])('are not written for a note that the chip cannot play: %s', (message, note) => {
    expect(() => encodeNotes([note], 4)).toThrow(new InvalidInput(message));
  });

  it('are not written for two notes at once', () => {
    const note: NoteEvent = { channel: 'pulse1', at: 2, frames: 1, midi: 60, duty: 0 };
    expect(() => encodeNotes([note, { ...note, midi: 64 }], 4)).toThrow('Expected to begin alone in channel pulse1 at frame 2, got two');
  });
});
