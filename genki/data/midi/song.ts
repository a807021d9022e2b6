import { parseMidi, type MidiEvent } from 'midi-file';
import { InvalidInput } from '../../errors.ts';
import { checkMidiBytes, MIDI_LIMITS } from './check-bytes.ts';

/** One note, in ticks from the beginning. */
export type MidiNote = { readonly from: number; readonly until: number; readonly midi: number; readonly velocity: number; /** General MIDI's number of the instrument, 0 … 127 */ readonly program: number };
/** What one track says to one of the 16 channels; at least a note, in the order in which they begin. */
export type MidiPart = { readonly name: string; readonly track: number; /** 0 … 15 */ readonly channel: number; readonly notes: readonly MidiNote[] };

export type MidiSong = {
  readonly format: number;
  /** `beats`: ticks of a quarter note, whose length the tempos say; `seconds`: ticks of a second (SMPTE). */
  readonly division: { readonly of: 'beats' | 'seconds'; readonly ticks: number };
  /** From which tick on; ascending. */
  readonly tempos: readonly { readonly tick: number; readonly microsecondsPerBeat: number }[];
  readonly meters: readonly { readonly tick: number; readonly numerator: number; readonly denominator: number }[];
  readonly parts: readonly MidiPart[];
  /** Notes without an end, which sound to the end of their track. */
  readonly endless: number;
  /** Bytes that belong to no track. */
  readonly ignoredBytes: number;
};

/** The channel that General MIDI plays drums on. */
export const DRUM_CHANNEL = 9;
const SMPTE_RATES: Readonly<Record<number, number>> = { 24: 24, 25: 25, 29: 30_000 / 1001, 30: 30 };
const MAX_DENOMINATOR = 64;

/**
 * The music of a MIDI file of format 0 or 1, from outside.
 * @throws {InvalidInput} naming what was expected and found
 */
export function readSong(bytes: Uint8Array): MidiSong {
  const { bytes: checked, format, division, ignoredBytes } = checkMidiBytes(bytes);
  const tracks = eventsOf(checked);
  const song = { tempos: [] as { tick: number; microsecondsPerBeat: number }[], meters: [] as { tick: number; numerator: number; denominator: number }[] };
  const read = tracks.map((events, track) => readTrack(events, { track, ...song }));
  const notes = read.reduce((sum, { parts }) => sum + parts.reduce((n, part) => n + part.notes.length, 0), 0);
  if (notes > MIDI_LIMITS.notes) throw new InvalidInput(`Expected at most ${MIDI_LIMITS.notes} notes, got ${notes}`);
  return {
    format,
    division: divisionOf(division),
    tempos: song.tempos.sort((a, b) => a.tick - b.tick),
    meters: song.meters.sort((a, b) => a.tick - b.tick),
    parts: read.flatMap(({ parts }) => parts),
    endless: read.reduce((sum, { endless }) => sum + endless, 0),
    ignoredBytes,
  };
}

/** The library throws texts; every length in the bytes is checked already. */
function eventsOf(checked: Uint8Array): readonly (readonly MidiEvent[])[] {
  try {
    return parseMidi(checked).tracks;
  } catch (cause) {
    throw new InvalidInput(`Expected events of a MIDI file, got a damaged one: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function divisionOf(division: number): MidiSong['division'] {
  if (division < 0x8000) {
    if (division === 0) throw new InvalidInput('Expected at least one tick in a quarter note, got 0');
    return { of: 'beats', ticks: division };
  }
  const [rate, ticks] = [256 - (division >> 8), division & 0xff];
  const perSecond = SMPTE_RATES[rate];
  if (perSecond === undefined || ticks === 0) throw new InvalidInput(`Expected 24, 25, 29 or 30 SMPTE frames a second of at least one tick, got ${rate} of ${ticks}`);
  return { of: 'seconds', ticks: perSecond * ticks };
}

type Into = { readonly track: number; readonly tempos: { tick: number; microsecondsPerBeat: number }[]; readonly meters: { tick: number; numerator: number; denominator: number }[] };
type Sounding = { from: number; until: number; midi: number; velocity: number; program: number };

function readTrack(events: readonly MidiEvent[], { track, tempos, meters }: Into): { parts: MidiPart[]; endless: number } {
  let tick = 0;
  let name = '';
  const programs = new Uint8Array(16);
  const notes = Array.from({ length: 16 }, (): Sounding[] => []);
  const sounding = new Map<number, Sounding>();
  const end = (key: number): void => {
    const note = sounding.get(key);
    if (note) note.until = tick;
    sounding.delete(key);
  };
  for (const event of events) {
    tick += event.deltaTime;
    switch (event.type) {
      case 'noteOn': {
        // struck again, a key that sounds begins anew
        const key = event.channel * 128 + event.noteNumber;
        end(key);
        const note = { from: tick, until: tick, midi: event.noteNumber, velocity: event.velocity, program: programs[event.channel]! };
        notes[event.channel]!.push(note);
        sounding.set(key, note);
        break;
      }
      case 'noteOff':
        end(event.channel * 128 + event.noteNumber);
        break;
      case 'programChange':
        programs[event.channel] = event.programNumber;
        break;
      case 'setTempo':
        if (event.microsecondsPerBeat === 0) throw new InvalidInput(`Expected a tempo at tick ${tick} of track ${track + 1}, got no time in a beat`);
        tempos.push({ tick, microsecondsPerBeat: event.microsecondsPerBeat });
        break;
      case 'timeSignature':
        meters.push(meterAt(tick, event));
        break;
      case 'trackName':
        if (name === '') name = event.text.slice(0, 64);
        break;
    }
  }
  const endless = sounding.size;
  for (const key of [...sounding.keys()]) end(key);
  const parts = notes.flatMap((all, channel) => (all.length === 0 ? [] : [{ name, track, channel, notes: all }]));
  return { parts, endless };
}

function meterAt(tick: number, { numerator, denominator }: { numerator: number; denominator: number }): { tick: number; numerator: number; denominator: number } {
  // the library shifts by a byte from outside, which wraps round
  if (numerator < 1 || denominator < 1 || denominator > MAX_DENOMINATOR) throw new InvalidInput(`Expected a time signature at tick ${tick}, got ${numerator}/${denominator}`);
  return { tick, numerator, denominator };
}
