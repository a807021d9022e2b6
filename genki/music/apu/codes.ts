import { InvalidInput } from '../../errors.ts';
import type { Codes } from '../clip.ts';
import { DRUMS, type Drum } from './drums.ts';

/**
 * What an 8-bit console's sound chip plays, as codes: 12 frames a second, one code of 0 … 63 per channel and frame.
 *
 * | codebook | channel  | 0    | 1    | 2 … 63                                                                      |
 * |----------|----------|------|------|-----------------------------------------------------------------------------|
 * | 0        | pulse1   | rest | hold | 2 + 31 duty + (midi − 57): midi 57 … 87, duty 0 (50 %) or 1 (25 %)          |
 * | 1        | pulse2   | rest | hold | 2 + 31 duty + (midi − 45): midi 45 … 75, duty 0 or 1                        |
 * | 2        | triangle | rest | hold | 2 + (midi − 24): midi 24 … 85                                               |
 * | 3        | noise    | rest | hold | 2 + 4 drum + volume: drum 0 … 15 of `DRUMS`, volume 0 … 3 (drum 15: 0 or 1) |
 *
 * So every code below 64 means something in every channel, and whatever a model samples can be played. A note starts
 * in its frame and sounds through the holds behind it; a hold with nothing to hold is silent.
 */
export const CHANNELS = ['pulse1', 'pulse2', 'triangle', 'noise'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Codes per channel. */
export const VOCABULARY = 64;
/** Frames a second. */
export const FRAME_RATE = 12;
/** Frames in a clip: 10.67 s, which is 8 bars of 4/4 at 180 bpm. */
export const CLIP_FRAMES = 128;
export const REST = 0;
export const HOLD = 1;

export type Duty = 0 | 1;
export type Volume = 0 | 1 | 2 | 3;
/** When a note begins and how long it sounds, in frames. */
type Span = { readonly at: number; readonly frames: number };
export type PulseNote = Span & { readonly channel: 'pulse1' | 'pulse2'; readonly midi: number; readonly duty: Duty };
export type TriangleNote = Span & { readonly channel: 'triangle'; readonly midi: number };
export type DrumHit = Span & { readonly channel: 'noise'; readonly drum: Drum; readonly volume: Volume };
export type NoteEvent = PulseNote | TriangleNote | DrumHit;

/** The notes that a pitched channel has, lowest and highest, as MIDI numbers. */
export const RANGE = {
  pulse1: { lowest: 57, highest: 87 },
  pulse2: { lowest: 45, highest: 75 },
  triangle: { lowest: 24, highest: 85 },
} as const;

const FIRST_NOTE = 2;
const PULSE_NOTES = 31;
const VOLUMES = 4;

/**
 * The codes of some notes. A channel plays one note at a time: a later one cuts off what still sounds, and the end of
 * the clip does too.
 * @returns shape [4, frames]
 * @throws {InvalidInput} naming the channel and frame of a note that the channel cannot play
 */
export function encodeNotes(notes: readonly NoteEvent[], frames: number): Uint8Array {
  const codes = new Uint8Array(CHANNELS.length * frames);
  for (const note of [...notes].sort((a, b) => a.at - b.at)) {
    const row = CHANNELS.indexOf(note.channel) * frames;
    if (!Number.isInteger(note.at) || note.at < 0 || note.at >= frames) {
      throw new InvalidInput(`Expected a note of ${note.channel} to begin in frame 0 to ${frames - 1}, got ${note.at}`);
    }
    if (!Number.isInteger(note.frames) || note.frames < 1) throw refused(note, 'to last whole frames', note.frames);
    if (codes[row + note.at]! >= FIRST_NOTE) throw refused(note, 'to begin alone', 'two');
    const end = Math.min(note.at + note.frames, frames);
    codes[row + note.at] = codeOf(note);
    codes.fill(HOLD, row + note.at + 1, row + end);
    cutOff(codes, row, { end, frames });
  }
  return codes;
}

/**
 * The notes of some codes, by channel, then time.
 * @param codes shape [4, frames]
 * @throws {InvalidInput} naming the channel, frame and value of a code that is none
 */
export function decodeNotes(codes: Codes, frames: number): NoteEvent[] {
  checkCodes(codes, frames);
  return CHANNELS.flatMap((channel, c) => {
    const row = codes.subarray(c * frames, (c + 1) * frames);
    const notes: NoteEvent[] = [];
    for (let at = 0; at < frames; at++) {
      if (row[at]! < FIRST_NOTE) continue;
      let end = at + 1;
      while (end < frames && row[end] === HOLD) end++;
      notes.push(noteOf(channel, row[at]!, { at, frames: end - at }));
    }
    return notes;
  });
}

/** @throws {InvalidInput} naming the channel, frame and value of a code that is none */
export function checkCodes(codes: Codes, frames: number): void {
  const count = CHANNELS.length * frames;
  if (codes.length !== count) throw new InvalidInput(`Expected ${count} codes (${CHANNELS.length} channels of ${frames} frames), got ${codes.length}`);
  const bad = codes.findIndex((code) => code >= VOCABULARY);
  if (bad >= 0) {
    const channel = CHANNELS[Math.floor(bad / frames)]!;
    throw new InvalidInput(`Expected a code of 0 to ${VOCABULARY - 1} in channel ${channel} at frame ${bad % frames}, got ${codes[bad]}`);
  }
}

/** The note before a new one may have been longer: what it left behind the new one's end falls silent. */
function cutOff(codes: Uint8Array, row: number, { end, frames }: { end: number; frames: number }): void {
  for (let t = end; t < frames && codes[row + t] === HOLD; t++) codes[row + t] = REST;
}

function codeOf(note: NoteEvent): number {
  if (note.channel === 'noise') {
    const code = FIRST_NOTE + VOLUMES * DRUMS.indexOf(note.drum) + note.volume;
    if (!DRUMS.includes(note.drum) || !isBelow(note.volume, VOLUMES) || code >= VOCABULARY) {
      throw refused(note, 'a drum and a volume that it has', `${note.drum} at ${note.volume}`);
    }
    return code;
  }
  const { lowest, highest } = RANGE[note.channel];
  if (!isBelow(note.midi - lowest, highest - lowest + 1)) throw refused(note, `a note of ${lowest} to ${highest}`, note.midi);
  if (note.channel === 'triangle') return FIRST_NOTE + note.midi - lowest;
  if (!isBelow(note.duty, 2)) throw refused(note, 'a duty of 0 or 1', note.duty);
  return FIRST_NOTE + PULSE_NOTES * note.duty + note.midi - lowest;
}

function noteOf(channel: Channel, code: number, span: Span): NoteEvent {
  const index = code - FIRST_NOTE;
  if (channel === 'noise') return { channel, ...span, drum: DRUMS[index >> 2]!, volume: (index & 3) as Volume };
  const { lowest } = RANGE[channel];
  if (channel === 'triangle') return { channel, ...span, midi: lowest + index };
  return { channel, ...span, midi: lowest + (index % PULSE_NOTES), duty: index < PULSE_NOTES ? 0 : 1 };
}

const isBelow = (n: number, bound: number): boolean => Number.isInteger(n) && n >= 0 && n < bound;
const refused = (note: NoteEvent, expected: string, got: unknown): InvalidInput =>
  new InvalidInput(`Expected ${expected} in channel ${note.channel} at frame ${note.at}, got ${String(got)}`);
