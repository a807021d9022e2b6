import { CHANNELS, decodeNotes } from '../../music/apu/codes.ts';
import { registerOf } from '../caption.ts';
import { MODES, type Key } from '../harmony.ts';
import { TEMPOS } from '../styles/style.ts';
import { MAX_WORDS, type Word, WORDS } from '../words.ts';

const SECONDS_OF_FRAME = 1 / 12;
/** Words that say the same thing of a piece: what is told is not measured too. */
const KINDS: readonly (readonly string[])[] = [Object.keys(MODES), Object.values(TEMPOS), ['low', 'middle', 'high'], ['square', 'thin']];

/** What is known of a clip without listening. */
export type Measured = { readonly codes: Uint8Array; readonly key: Key | undefined; readonly tempo: number | undefined; readonly beatsOfBar: number };

/** What can be measured of a clip in words: mode, tempo, `triple`, the melody's register and pulse, `drums`. */
export function measuredWords({ codes, key, tempo, beatsOfBar }: Measured): Word[] {
  const notes = decodeNotes(codes, codes.length / CHANNELS.length);
  const melody = notes.flatMap((note) => (note.channel === 'pulse1' ? [note] : []));
  return [
    ...(key === undefined ? [] : [key.mode]),
    ...(tempo === undefined ? [] : [tempoWord(tempo)]),
    ...(beatsOfBar === 3 ? ['triple' as const] : []),
    ...(melody.length === 0 ? [] : [registerOf(melody), 2 * melody.filter(({ duty }) => duty === 1).length > melody.length ? 'thin' as const : 'square' as const]),
    ...(notes.some(({ channel }) => channel === 'noise') ? ['drums' as const] : []),
  ];
}

/** The composer's word for the tempo nearest by ratio. */
function tempoWord(tempo: number): Word {
  const distance = (framesPerBeat: string): number => Math.abs(Math.log(tempo / (60 / (Number(framesPerBeat) * SECONDS_OF_FRAME))));
  const nearest = Object.keys(TEMPOS).reduce((best, candidate) => (distance(candidate) < distance(best) ? candidate : best));
  return TEMPOS[Number(nearest) as keyof typeof TEMPOS];
}

/**
 * A caption of known words: what is told first, then what is measured and not told, at most 8.
 * @returns `unknown`: words that were told and that no model knows
 */
export function captionOfWords(told: readonly string[], measured: readonly Word[]): { caption: string; unknown: string[] } {
  const words = told.flatMap((text) => text.toLowerCase().split(/[^\p{L}]+/u)).filter((word) => word !== '');
  const known = words.filter(isWord);
  const isTold = (word: Word): boolean => KINDS.some((kind) => kind.includes(word) && known.some((one) => kind.includes(one)));
  const all = new Set([...known, ...measured.filter((word) => !isTold(word))]);
  return { caption: [...all].slice(0, MAX_WORDS).join(' '), unknown: [...new Set(words.filter((word) => !isWord(word)))] };
}

export const isWord = (word: string): word is Word => (WORDS as readonly string[]).includes(word);
