import { CHANNELS, encodeNotes, RANGE, type Channel, type Duty, type NoteEvent, type Volume } from '../../music/apu/codes.ts';
import { ringFrames } from '../../music/apu/drums.ts';
import type { Codes } from '../../music/clip.ts';
import { folded, type Key } from '../harmony.ts';
import { keyOf } from './key.ts';
import { drumOf } from './percussion.ts';
import { DRUM_CHANNEL, type MidiPart, type MidiSong } from './song.ts';
import { tempoMapOf, type TempoMap } from './tempo-map.ts';
import { type FrameNote, octaveShift, outerVoice, peakPolyphony } from './voices.ts';

/** What a part of a song is on the chip; `left`: the chip has no channel for it. */
export type Role = Channel | 'left';
export type ArrangedPart = { readonly name: string; readonly track: number; readonly channel: number; readonly notes: number; readonly role: Role };

/** Notes of a song that are not in its codes as they were, by why. */
export type Losses = {
  /** Of parts that the chip has no channel for. */
  readonly otherParts: number;
  /** That sounded together with the note that their channel plays. */
  readonly polyphony: number;
  /** Keys that are no drum. */
  readonly unknownDrums: number;
  /** Kept, in another octave. */
  readonly transposed: number;
  /** Kept; they have no end in the file. */
  readonly endless: number;
};

/** A whole song on the four channels. */
export type Arrangement = {
  /** Shape [4, frames]. */
  readonly codes: Uint8Array;
  readonly frames: number;
  readonly parts: readonly ArrangedPart[];
  readonly losses: Losses;
  readonly peakPolyphony: number;
  readonly key: Key | undefined;
  readonly tempo: TempoMap;
};

/** Names of tracks that say which channel they are for; such a track is taken as it is. */
const CHANNEL_NAMES: Readonly<Record<string, Channel>> = {
  pulse1: 'pulse1', p1: 'pulse1', square1: 'pulse1', pulse2: 'pulse2', p2: 'pulse2', square2: 'pulse2',
  triangle: 'triangle', tr: 'triangle', tri: 'triangle', noise: 'noise', no: 'noise',
};
/** General MIDI's basses, and the families with bright tones: guitars, strings, brass, reeds, and the sawtooth lead. */
const isBass = (program: number): boolean => program >= 32 && program <= 39;
const isThin = (program: number): boolean => (program >= 24 && program <= 31) || (program >= 40 && program <= 71) || program === 81;

/**
 * A song for four channels:
 * - drums (channel 10) are the noise channel's, each ringing at least as long as the chip's drum rings;
 * - the lowest part, a bass by its instrument before others, is the triangle's;
 * - of the others the highest part is pulse 1's, and the one with the most notes of the rest pulse 2's; where there is
 *   no rest, pulse 2 plays what pulse 1 leaves, and where there is no bass, the triangle the lowest of that;
 * - of notes that sound together pulses play the highest, the triangle the lowest (`outerVoice`);
 * - each part is moved by octaves into its channel's range, then each note that is still outside.
 * Tracks that are named after a channel are that channel's.
 * @throws {InvalidInput} when the song lasts longer than the limit
 */
export function arrange(song: MidiSong, { frameRate }: { frameRate: number }): Arrangement {
  const tempo = tempoMapOf(song);
  const parts = song.parts.map((part) => ({ part, notes: inFrames(part, tempo, frameRate) }));
  const roles = rolesOf(parts);
  const of = (role: Role): FrameNote[] => parts.flatMap(({ notes }, i) => (roles[i] === role ? notes : []));
  const { drums, unknown } = drumHits(of('noise'));
  const pulse1 = outerVoice(of('pulse1'), 'highest');
  // what has no part of its own is filled from what the lead leaves
  const hasBass = roles.includes('triangle');
  const triangle = outerVoice(hasBass ? of('triangle') : pulse1.left, 'lowest');
  const leftByLead = hasBass ? [...pulse1.left, ...triangle.left] : triangle.left;
  const hasSecond = roles.includes('pulse2');
  const pulse2 = outerVoice(hasSecond ? of('pulse2') : leftByLead, 'highest');
  const polyphony = drums.left.length + pulse2.left.length + (hasSecond ? leftByLead.length : 0);

  const pitched = { pulse1: ranged('pulse1', pulse1.voice), pulse2: ranged('pulse2', pulse2.voice), triangle: ranged('triangle', triangle.voice) };
  const notes: NoteEvent[] = [...pitched.pulse1.notes, ...pitched.pulse2.notes, ...pitched.triangle.notes, ...drums.notes];
  const sounding = [...pulse1.voice, ...pulse2.voice, ...triangle.voice, ...drums.struck];
  const frames = sounding.reduce((last, note) => Math.max(last, note.at + note.frames), 0);
  const melodic = parts.flatMap(({ notes: all }, i) => (roles[i] === 'noise' ? [] : all));
  return {
    codes: encodeNotes(notes, frames),
    frames,
    parts: song.parts.map(({ name, track, channel, notes: all }, i) => ({ name, track, channel, notes: all.length, role: roles[i]! })),
    losses: {
      otherParts: of('left').length,
      polyphony,
      unknownDrums: unknown,
      transposed: pitched.pulse1.transposed + pitched.pulse2.transposed + pitched.triangle.transposed,
      endless: song.endless,
    },
    peakPolyphony: peakPolyphony(parts.flatMap(({ notes: all }) => all)),
    key: keyOf(melodic),
    tempo,
  };
}

type FramePart = { readonly part: MidiPart; readonly notes: readonly FrameNote[] };

/** Every note lasts a frame at least. */
function inFrames({ notes }: MidiPart, tempo: TempoMap, frameRate: number): FrameNote[] {
  return notes.map(({ from, until, midi, velocity, program }) => {
    const at = Math.round(tempo.secondsAt(from) * frameRate);
    return { at, frames: Math.max(1, Math.round(tempo.secondsAt(until) * frameRate) - at), midi, velocity, program };
  });
}

function rolesOf(parts: readonly FramePart[]): Role[] {
  const roles = parts.map(({ part }): Role => CHANNEL_NAMES[part.name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')] ?? (part.channel === DRUM_CHANNEL ? 'noise' : 'left'));
  const isFree = (channel: Channel): boolean => !roles.includes(channel);
  const give = (channel: Channel, best: (a: FramePart, b: FramePart) => number): void => {
    const open = parts.flatMap((part, i) => (roles[i] === 'left' && part.part.channel !== DRUM_CHANNEL ? [{ part, i }] : []));
    const [first] = open.sort((a, b) => best(a.part, b.part) || a.i - b.i);
    if (first !== undefined && isFree(channel)) roles[first.i] = channel;
  };
  const melodic = roles.filter((role, i) => role === 'left' && parts[i]!.part.channel !== DRUM_CHANNEL).length;
  const isAlone = melodic < 2 && isFree('pulse1');
  if (!isAlone) give('triangle', (a, b) => bassness(b) - bassness(a) || meanMidi(a) - meanMidi(b));
  give('pulse1', (a, b) => meanMidi(b) - meanMidi(a));
  give('pulse2', (a, b) => b.notes.length - a.notes.length);
  return roles;
}

/** Whether most notes of a part are a bass's. */
const bassness = ({ notes }: FramePart): number => Number(2 * notes.filter(({ program }) => isBass(program)).length > notes.length);

function meanMidi({ notes }: FramePart): number {
  const frames = notes.reduce((sum, note) => sum + note.frames, 0);
  return notes.reduce((sum, note) => sum + note.midi * note.frames, 0) / frames;
}

function ranged(channel: 'pulse1' | 'pulse2' | 'triangle', voice: readonly FrameNote[]): { notes: NoteEvent[]; transposed: number } {
  const shift = octaveShift(voice, RANGE[channel]);
  let transposed = 0;
  const notes = voice.map((note): NoteEvent => {
    const midi = folded(note.midi + shift, RANGE[channel]);
    if (midi !== note.midi) transposed++;
    const span = { at: note.at, frames: note.frames, midi };
    return channel === 'triangle' ? { channel, ...span } : { channel, ...span, duty: Number(isThin(note.program)) as Duty };
  });
  return { notes, transposed };
}

/** Of drums struck together the one that is struck hardest, the deepest by its key of equal ones. */
function drumHits(struck: readonly FrameNote[]): { drums: { notes: NoteEvent[]; struck: FrameNote[]; left: FrameNote[] }; unknown: number } {
  const known = struck.filter(({ midi }) => drumOf(midi) !== undefined);
  const kept: FrameNote[] = [];
  const left: FrameNote[] = [];
  for (const hit of known.sort((a, b) => a.at - b.at || b.velocity - a.velocity || a.midi - b.midi)) (kept.at(-1)?.at === hit.at ? left : kept).push(hit);
  const notes = kept.map((hit): NoteEvent => {
    const drum = drumOf(hit.midi)!;
    const volume = (hit.velocity >> 5) as Volume;
    return { channel: 'noise', at: hit.at, frames: Math.max(hit.frames, ringFrames(drum)), drum, volume: drum === 'gust' ? (Math.min(volume, 1) as Volume) : volume };
  });
  return { drums: { notes, struck: kept, left }, unknown: struck.length - known.length };
}

/** Whether a channel of some codes plays anything. */
export function channelsUsed(codes: Codes): Channel[] {
  const frames = codes.length / CHANNELS.length;
  return CHANNELS.filter((_, c) => codes.subarray(c * frames, (c + 1) * frames).some((code) => code > 1));
}
