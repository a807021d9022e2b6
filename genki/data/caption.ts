import type { NoteEvent } from '../music/apu/codes.ts';
import type { Plan } from './plan.ts';
import { TEMPOS, type Style } from './styles/style.ts';
import type { Word } from './words.ts';

/** Mean notes of the melody, MIDI, below and from which it counts as low and high. */
const LOW = 66;
const HIGH = 74;

/**
 * What a piece is, in at most 8 words: mood, style, mode, tempo, `triple` or what accompanies, the melody's register
 * and pulse, and `drums` where there are any.
 */
export function captionOf(style: Style, plan: Plan, notes: readonly NoteEvent[]): string {
  const words: Word[] = [
    plan.mood,
    style.name,
    plan.key.mode,
    TEMPOS[plan.framesPerBeat],
    style.beats === 3 ? 'triple' : plan.texture.word,
    registerOf(notes),
    plan.duties[0] === 0 ? 'square' : 'thin',
    ...(notes.some(({ channel }) => channel === 'noise') ? ['drums' as const] : []),
  ];
  return words.join(' ');
}

/** Where the melody lies: `low`, `middle` or `high`. */
export function registerOf(notes: readonly NoteEvent[]): Word {
  const melody = notes.flatMap((note) => (note.channel === 'pulse1' ? [note.midi] : []));
  const mean = melody.reduce((sum, midi) => sum + midi, 0) / melody.length;
  return mean < LOW ? 'low' : mean < HIGH ? 'middle' : 'high';
}
