import { CHANNELS, decodeNotes, type NoteEvent } from '../music/apu/codes.ts';
import type { Drum } from '../music/apu/drums.ts';
import type { Codes } from '../music/clip.ts';

const NOTES = ['C', 'c', 'D', 'd', 'E', 'F', 'f', 'G', 'g', 'A', 'a', 'B'] as const;
const DRUM_SIGNS: Readonly<Record<Drum, string>> = {
  kick: 'K', snare: 'S', hat: 'h', 'open-hat': 'o', 'low-tom': 'L', 'mid-tom': 'M', 'high-tom': 'T', crash: 'C',
  ride: 'D', clap: 'P', rim: 'i', shaker: 'z', bell: 'b', tambourine: 't', boom: 'B', gust: 'g',
};

/**
 * One line a channel and one character a frame: a note's name where it begins (`c` is C sharp), a drum's sign
 * (`drum-notation.ts`), `-` where it sounds on and `.` where nothing does.
 * @param codes shape [4, frames]
 */
export function pianoRoll(codes: Codes): string[] {
  const frames = codes.length / CHANNELS.length;
  const notes = decodeNotes(codes, frames);
  return CHANNELS.map((channel) => {
    const line = Array.from({ length: frames }, () => '.');
    for (const note of notes) {
      if (note.channel !== channel) continue;
      line.fill('-', note.at, note.at + note.frames);
      line[note.at] = signOf(note);
    }
    return `${channel.padEnd(8)} ${line.join('')}`;
  });
}

const signOf = (note: NoteEvent): string => (note.channel === 'noise' ? DRUM_SIGNS[note.drum] : NOTES[note.midi % 12]!);
