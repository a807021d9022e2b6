import type { NoteEvent } from '../../../../../genki/music/apu/codes.ts';

/** How many notes there are, how many were found, and how many of those are right. */
export type Score = { readonly wanted: number; readonly found: number; readonly right: number };

const NONE: Score = { wanted: 0, found: 0, right: 0 };

/** Each note is paired with one that is the same and begins in its frame, or else in a neighbouring one. */
export function scoreOf(wanted: readonly NoteEvent[], found: readonly NoteEvent[], isSame: (a: NoteEvent, b: NoteEvent) => boolean): Score {
  const open = new Set(found);
  const missed = new Set(wanted);
  for (const apart of [0, 1]) {
    for (const note of missed) {
      const like = [...open].find((other) => Math.abs(other.at - note.at) <= apart && isSame(note, other));
      if (like !== undefined && open.delete(like)) missed.delete(note);
    }
  }
  return { wanted: wanted.length, found: found.length, right: wanted.length - missed.size };
}

export const sumOf = (scores: readonly Score[]): Score => scores.reduce((a, b) => ({ wanted: a.wanted + b.wanted, found: a.found + b.found, right: a.right + b.right }), NONE);

/** The harmonic mean of precision and recall. */
export const f1 = ({ wanted, found, right }: Score): number => (2 * right) / (wanted + found);

export const isSameNote = (a: NoteEvent, b: NoteEvent): boolean => a.channel === b.channel && 'midi' in a && 'midi' in b && a.midi === b.midi;
export const isSameDrum = (a: NoteEvent, b: NoteEvent): boolean => a.channel === 'noise' && b.channel === 'noise' && a.drum === b.drum;
