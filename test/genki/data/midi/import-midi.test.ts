import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compose } from '../../../../genki/data/composer.ts';
import { importMidi, withoutDuplicates, type Imported } from '../../../../genki/data/midi/import-midi.ts';
import { pianoRoll } from '../../../../genki/data/piano-roll.ts';
import { STYLE_NAMES, TEMPOS } from '../../../../genki/data/styles/style.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import { CLIP_FRAMES, decodeNotes, FRAME_RATE } from '../../../../genki/music/apu/codes.ts';
import type { Codes } from '../../../../genki/music/clip.ts';
import { meter, midiFile, midiOfClip, tempo, type WrittenNote } from './write-midi.ts';

const OPTIONS = { frames: CLIP_FRAMES, frameRate: FRAME_RATE, maxClips: 64, seed: '1' };
const imported = (file: Uint8Array, words: string[] = [], options: Partial<typeof OPTIONS> = {}): Imported => importMidi(file, { words }, { ...OPTIONS, ...options });

/** At 120 bpm and 480 ticks a beat, a frame of 1/12 s is 80 ticks. */
const at = (frame: number, frames: number, midi: number, velocity = 100): WrittenNote => ({ from: frame * 80, until: (frame + frames) * 80, midi, velocity });
const notesOf = ({ arrangement: { codes, frames } }: Imported) => decodeNotes(codes, frames).map((note) => [note.channel, note.at, note.frames, note.channel === 'noise' ? `${note.drum} ${note.volume}` : note.midi]);

const framesPerBeatOf = (caption: string): number => Number(Object.entries(TEMPOS).find(([, word]) => caption.split(' ').includes(word))![0]);

describe('a song of the composer, written as MIDI', () => {
  const songs = STYLE_NAMES.flatMap((style) => [1, 2, 3].map((n) => [style, compose({ style, seed: `midi/${n}` })] as const));
  it.each(songs)('comes back as the same codes (%s)', (style, clip) => {
    const file = midiOfClip(clip, { framesPerBeat: framesPerBeatOf(clip.caption), beats: style === 'waltz' ? 3 : 4 });
    const { clips, arrangement, silentClips } = imported(file);
    expect(clips.map(({ codes }) => codes)).toEqual([clip.codes]);
    expect([silentClips, arrangement.losses]).toEqual([0, { otherParts: 0, polyphony: 0, unknownDrums: 0, transposed: 0, endless: 0 }]);
    const words = clips[0]!.caption.split(' ').filter((word) => word !== arrangement.key?.mode);
    expect(clip.caption.split(' ')).toEqual(expect.arrayContaining(words)); // what is measured is what the composer said
    expect(words).toContain(TEMPOS[framesPerBeatOf(clip.caption) as keyof typeof TEMPOS]);
  });
});

describe('arranging', () => {
  it('gives the bass to the triangle, the highest part to pulse 1, the busiest of the rest to pulse 2', () => {
    const file = midiFile([
      { channel: 0, program: 32, notes: [at(0, 12, 60)] }, // the highest but one, and a bass by its instrument
      { channel: 1, notes: [at(0, 6, 50)] },
      { channel: 2, notes: [at(0, 6, 72)] },
      { channel: 3, notes: [at(0, 3, 55), at(3, 3, 57)] },
      { channel: 9, notes: [at(0, 1, 36, 127), at(0, 1, 42, 60), at(6, 1, 38, 20), at(7, 1, 5)] },
    ]);
    const song = imported(file);
    expect(song.arrangement.parts.map(({ role }) => role)).toEqual(['triangle', 'left', 'pulse1', 'pulse2', 'noise']);
    expect(notesOf(song)).toEqual([
      ['pulse1', 0, 6, 72], ['pulse2', 0, 3, 55], ['pulse2', 3, 3, 57], ['triangle', 0, 12, 60],
      ['noise', 0, 2, 'kick 3'], ['noise', 6, 1, 'snare 0'],
    ]);
    expect(song.arrangement.losses).toEqual({ otherParts: 1, polyphony: 1, unknownDrums: 1, transposed: 0, endless: 0 });
    expect(song.arrangement.peakPolyphony).toBe(6);
  });

  it('takes a lone part apart: its top, its bottom, and the top of what is left', () => {
    const song = imported(midiFile([{ channel: 0, notes: [60, 64, 67, 76].map((midi) => at(0, 4, midi)) }]));
    expect(notesOf(song)).toEqual([['pulse1', 0, 4, 76], ['pulse2', 0, 4, 67], ['triangle', 0, 4, 60]]);
    expect(song.arrangement.losses.polyphony).toBe(1);
  });

  it('leaves a lower note under a higher one to another channel, unless it sounds longer after it', () => {
    // 62 lies under 74 altogether; 72 begins in its last frame
    const song = imported(midiFile([{ name: 'pulse 1', channel: 0, notes: [at(0, 8, 74), at(2, 3, 62), at(7, 6, 72)] }]));
    expect(notesOf(song)).toEqual([['pulse1', 0, 7, 74], ['pulse1', 7, 6, 72], ['triangle', 2, 3, 62]]);
  });

  it('moves a part by octaves into its channel, and what is still outside by itself', () => {
    const song = imported(midiFile([{ name: 'pulse1', channel: 0, notes: [at(0, 1, 36), at(1, 1, 40), at(2, 1, 76)] }]));
    expect(notesOf(song).map(([, , , midi]) => midi)).toEqual([60, 64, 76]);
    expect(song.arrangement.losses.transposed).toBe(2);
  });

  it('follows the tempo, and knows when a beat is none', () => {
    const file = midiFile([{ channel: 0, notes: [at(0, 1, 70), { from: 480, until: 960, midi: 72 }, { from: 960, until: 1440, midi: 74 }] }], { conductor: [tempo(480, 1_000_000)] });
    expect(notesOf(imported(file)).map(([, from, frames]) => [from, frames])).toEqual([[0, 1], [6, 12], [18, 12]]);
    const smpte = file.slice();
    smpte.set([256 - 25, 40], 12); // 1,000 ticks a second
    const song = imported(smpte);
    expect(notesOf(song).map(([, from]) => from)).toEqual([0, 6, 12]);
    expect(song.arrangement.tempo.tempoAt(0)).toBeUndefined();
  });
});

describe('cutting', () => {
  const scale = (bars: number): WrittenNote[] => Array.from({ length: bars * 4 }, (_, beat) => at(beat * 6, 5, 60 + (beat % 24)));

  it('begins clips at bar lines, leaves no gap, and reaches the end', () => {
    // a bar is 24 frames; 5 fit into a clip; 17 bars are 408 frames
    const song = imported(midiFile([{ channel: 0, notes: scale(17) }]));
    const whole = song.arrangement.codes.subarray(0, song.arrangement.frames);
    const isAt = (from: number, codes: Codes): boolean => codes.subarray(0, CLIP_FRAMES).every((code, t) => code === (whole[from + t] ?? 0));
    expect(song.clips.map(({ codes }, i) => isAt([0, 120, 240, 288][i]!, codes))).toEqual([true, true, true, true]);
    expect(song.arrangement.frames).toBe(17 * 24 - 1);
  });

  it('draws so many clips of a song by the seed, in their order', () => {
    const file = midiFile([{ channel: 0, notes: scale(60) }]);
    const all = imported(file).clips;
    const some = (seed: string) => imported(file, [], { maxClips: 3, seed }).clips.map(({ codes }) => all.findIndex((clip) => isDeepStrictEqual(clip.codes, codes)));
    expect(some('1')).toEqual(some('1'));
    expect(some('1')).toEqual([...some('1')].sort((a, b) => a - b));
    expect(new Set(['1', '2', '3', '4'].map((seed) => some(seed).join())).size).toBeGreaterThan(1);
  });

  it('drops what is silent and what was there before, and pads what is short', () => {
    const song = imported(midiFile([{ channel: 0, notes: [at(0, 2, 60), at(600, 2, 60)] }]));
    expect([song.clips.length, song.silentClips]).toEqual([2, 3]);
    expect(withoutDuplicates([...song.clips, song.clips[0]!])).toHaveLength(2);
    expect([...song.clips[0]!.codes.subarray(0, 4)]).toEqual([5, 1, 0, 0]);
    expect(pianoRoll(song.clips[0]!.codes)[0]).toBe(`pulse1   C-${'.'.repeat(126)}`);
  });
});

describe('captions', () => {
  const file = midiFile([{ channel: 0, notes: [at(0, 6, 60), at(6, 6, 64), at(12, 6, 67), at(18, 12, 60)] }], { conductor: [tempo(0, 333_333), meter(0, 3, 4)] });

  it('hold what is told, then what is measured and was not told, and no unknown word', () => {
    const song = imported(file, ['A Slow, WISTFUL tune!', 'zyzzyva']);
    expect(song.clips[0]!.caption).toBe('slow wistful major triple low square');
    expect(song.unknownWords).toEqual(['a', 'tune', 'zyzzyva']);
    expect(imported(file).clips[0]!.caption).toBe('major fast triple low square');
  });

  it('hold 8 words at most, and name the style if there is one', () => {
    const song = imported(file, ['calm dark eerie fierce proud solemn waltz cool jazzy']);
    expect(song.clips[0]).toMatchObject({ caption: 'calm dark eerie fierce proud solemn waltz cool', style: 'waltz' });
    expect(imported(file).clips[0]!.style).toBe('imported');
  });
});

describe('a file that is none', () => {
  const good = midiFile([{ channel: 0, notes: [at(0, 2, 60)] }]);
  const changed = (...bytes: [number, number][]): Uint8Array => {
    const file = good.slice();
    for (const [place, value] of bytes) file[place] = value;
    return file;
  };
  const track = (...events: number[]): Uint8Array => Uint8Array.from([...good.subarray(0, 8), 0, 0, 0, 1, 0, 96, 77, 84, 114, 107, 0, 0, 0, events.length, ...events]);

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'Expected a MIDI file (MThd), got 0 other bytes'],
    ['a picture', Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256), 'Expected a MIDI file (MThd), got 64 other bytes'],
    ['no tracks', changed([11, 0]), 'Expected 1 to 256 tracks, got 0'],
    ['too few tracks', changed([11, 3]), 'Expected 3 tracks, got 2 and the end of the file'],
    ['format 2', changed([9, 2]), 'Expected a MIDI file of format 0 or 1, got format 2'],
    ['no ticks', changed([12, 0], [13, 0]), 'Expected at least one tick in a quarter note, got 0'],
    ['a torn end', good.subarray(0, good.length - 3), 'Expected track 2 to hold 13 bytes, got 10'],
    ['a track longer than the file', changed([18, 255]), 'Expected track 1 to hold 4278190084 bytes'],
    ['a status that is missing', track(0, 60, 100), 'Expected a status before its parameters at byte 1 of track 1, got 60'],
    ['a damaged parameter', track(0, 0x90, 60, 200), 'Expected parameters below 128 at byte 1 of track 1'],
    ['a delta time of five bytes', track(0x81, 0x80, 0x80, 0x80, 0, 0x90), 'Expected a number of at most 4 bytes at byte 0 of track 1'],
    // the library would add this length to its place, go back by it, and read the event for ever
    ['a message with a length that wraps round', track(0, 0xf0, 0x8f, 0xff, 0xff, 0xff, 0x7b), 'Expected a number of at most 4 bytes'],
    ['a message longer than the track', track(0, 0xf0, 0x40, 1), 'Expected 64 more bytes of an event at byte 2 of track 1, got 1'],
    ['a text longer than any', track(0, 0xff, 1, 0xff, 0xff, 0x7f, 0), 'Expected at most 65536 bytes in an event'],
    ['a message of the wire', track(0, 0xf8), 'Expected an event of a file at byte 1 of track 1'],
    ['no time in a beat', track(0, 0xff, 0x51, 3, 0, 0, 0), 'got no time in a beat'],
    ['a time signature of 0/4', track(0, 0xff, 0x58, 4, 0, 2, 24, 8), 'Expected a time signature at tick 0, got 0/4'],
    ['a time signature whose denominator wraps round', track(0, 0xff, 0x58, 4, 4, 63, 24, 8), 'Expected a time signature at tick 0'],
    ['a tempo of two bytes', track(0, 0xff, 0x51, 2, 0, 0), 'Expected events of a MIDI file, got a damaged one: Expected length for setTempo'],
    ['a song of a year', track(0, 0x90, 60, 100, 0xff, 0xff, 0xff, 0x7f, 0x80, 60, 0), 'Expected at most 3600 s of music, got 1398101 s'],
  ])('is refused: %s', (_, file, message) => {
    expect(() => imported(file)).toThrow(InvalidInput);
    expect(() => imported(file)).toThrow(message);
  });

  it('has limits on its bytes, events and notes', () => {
    expect(() => imported(new Uint8Array(2 ** 24 + 1))).toThrow('Expected a MIDI file of at most 16777216 bytes, got 16777217');
    const many = (event: number[], count: number): Uint8Array => {
      const body = Uint8Array.from({ length: event.length * count }, (_, i) => event[i % event.length]!);
      return Buffer.concat([track().subarray(0, 18), Uint8Array.of(0, body.length >> 16, (body.length >> 8) & 255, body.length & 255), body]);
    };
    expect(() => imported(many([0, 0xc0, 1], 2 ** 18 + 1))).toThrow('Expected at most 262144 events, got more in track 1');
    expect(() => imported(many([0, 0x90, 60, 1], 70_000))).toThrow('Expected at most 65536 notes, got 70000');
  });

  it('is taken with notes that do not end, chunks of other kinds and bytes behind', () => {
    const endless = track(0, 0x90, 60, 100, 96, 0x90, 64, 100, 96, 0xff, 0x2f, 0, 1, 2, 3);
    const song = imported(Buffer.concat([endless.subarray(0, 14), Buffer.from('XFIH\0\0\0\x02ab'), endless.subarray(14), Buffer.from('tail')]));
    expect(song.arrangement.losses.endless).toBe(2);
    expect(song.song.ignoredBytes).toBe(14);
    expect(song.clips).toHaveLength(1);
  });
});
