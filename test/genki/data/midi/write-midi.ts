import { writeMidi, type MidiEvent } from 'midi-file';
import { keyOf } from '../../../../genki/data/midi/percussion.ts';
import { CHANNELS, decodeNotes, type NoteEvent } from '../../../../genki/music/apu/codes.ts';
import type { Clip } from '../../../../genki/music/clip.ts';

export type WrittenNote = { readonly from: number; readonly until: number; readonly midi: number; readonly velocity?: number };
export type WrittenTrack = { readonly name?: string; readonly channel: number; readonly program?: number; readonly notes: readonly WrittenNote[]; readonly extra?: readonly Timed[] };
type Timed = { readonly tick: number; readonly event: DistributiveOmit<MidiEvent, 'deltaTime'> };
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** A MIDI file of format 1 by the library's own writer, one track for each given one. */
export function midiFile(tracks: readonly WrittenTrack[], { ticksPerBeat = 480, conductor = [] }: { ticksPerBeat?: number; conductor?: readonly Timed[] } = {}): Uint8Array {
  const all = [inOrder(conductor), ...tracks.map(trackEvents)];
  return Uint8Array.from(writeMidi({ header: { format: 1, numTracks: all.length, ticksPerBeat }, tracks: all }));
}

export const tempo = (tick: number, microsecondsPerBeat: number): Timed => ({ tick, event: { type: 'setTempo', meta: true, microsecondsPerBeat } });
export const meter = (tick: number, numerator: number, denominator: number): Timed => ({ tick, event: { type: 'timeSignature', meta: true, numerator, denominator, metronome: 24, thirtyseconds: 8 } });

function trackEvents({ name, channel, program, notes, extra = [] }: WrittenTrack): MidiEvent[] {
  return inOrder([
    ...(name === undefined ? [] : [{ tick: 0, event: { type: 'trackName', meta: true, text: name } } as const]),
    ...(program === undefined ? [] : [{ tick: 0, event: { type: 'programChange', channel, programNumber: program } } as const]),
    ...extra,
    ...notes.flatMap(({ from, until, midi, velocity = 100 }): Timed[] => [
      { tick: until, event: { type: 'noteOff', channel, noteNumber: midi, velocity: 0 } },
      { tick: from, event: { type: 'noteOn', channel, noteNumber: midi, velocity } },
    ]),
  ]);
}

/** Ends come before beginnings of the same tick; sorting is stable. */
function inOrder(events: readonly Timed[]): MidiEvent[] {
  const sorted = [...events].sort((a, b) => a.tick - b.tick || Number(a.event.type === 'noteOn') - Number(b.event.type === 'noteOn'));
  return [...sorted.map(({ tick, event }, i) => ({ ...event, deltaTime: tick - (sorted[i - 1]?.tick ?? 0) }) as MidiEvent), { deltaTime: 0, meta: true, type: 'endOfTrack' }];
}

/** The square lead for 50 %, the sawtooth lead for 25 %. */
const PROGRAMS = [80, 81] as const;

/** A clip as MIDI at `framesPerBeat` frames of 1/12 s a beat, each channel a track of its name; without names, the rule of parts has to find out. */
export function midiOfClip({ codes, frames }: Pick<Clip, 'codes' | 'frames'>, { framesPerBeat = 6, beats = 4, named = true }: { framesPerBeat?: number; beats?: number; named?: boolean } = {}): Uint8Array {
  const notes = decodeNotes(codes, frames);
  const ticks = 120;
  const tracks = CHANNELS.map((name, c): WrittenTrack => {
    const own = notes.filter(({ channel }) => channel === name);
    const channel = name === 'noise' ? 9 : c;
    return {
      ...(named && { name }),
      channel,
      notes: own.map((note) => ({ from: note.at * ticks, until: (note.at + note.frames) * ticks, ...keyAndVelocity(note) })),
      extra: own.flatMap((note): Timed[] => ('duty' in note ? [{ tick: note.at * ticks, event: { type: 'programChange', channel, programNumber: PROGRAMS[note.duty] } }] : [])),
    };
  });
  return midiFile(tracks, { ticksPerBeat: ticks * framesPerBeat, conductor: [tempo(0, Math.round((framesPerBeat * 1e6) / 12)), meter(0, beats, 4)] });
}

const keyAndVelocity = (note: NoteEvent): { midi: number; velocity: number } => (note.channel === 'noise' ? { midi: keyOf(note.drum), velocity: 32 * note.volume + 16 } : { midi: note.midi, velocity: 100 });
