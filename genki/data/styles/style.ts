import type { Mode } from '../harmony.ts';
import type { Cell } from '../rhythm.ts';
import type { Word } from '../words.ts';

export const STYLE_NAMES = ['town', 'battle', 'waltz', 'dungeon', 'victory', 'swing', 'ambient', 'march'] as const;
export type StyleName = (typeof STYLE_NAMES)[number];

/** Frames of 1/12 s in a beat and what that tempo is called: 180, 144, 120 and 90 beats a minute. */
export const TEMPOS = { 4: 'fast', 5: 'brisk', 6: 'steady', 8: 'slow' } as const satisfies Record<number, Word>;
export type FramesPerBeat = keyof typeof TEMPOS;

/**
 * What accompanies: a pattern over a bar (`rhythm.ts`) whose symbols are notes of the chord counted from its root
 * (`v`: the one below the root, `a`: a step below the next bar's root), or the melody again some steps away.
 */
export type Figure =
  | { readonly kind: 'pattern'; readonly bar: string }
  | { readonly kind: 'parallel'; readonly steps: number };

/** The accompaniment of pulse 2, with the word that says what it is. */
export type Texture = Figure & { readonly word: Word };

/** What a style's pieces have in common; lists are what a piece draws from, evenly, so a repeated entry is likelier. */
export type Style = {
  readonly name: StyleName;
  readonly modes: readonly { readonly mode: Mode; readonly mood: Word }[];
  readonly framesPerBeat: readonly FramesPerBeat[];
  readonly beats: 3 | 4;
  /** Pitch classes, 0 = C. */
  readonly tonics: readonly number[];
  /** Steps above the root. */
  readonly chord: readonly number[];
  /** Degrees of four bars' roots, 0 = tonic. */
  readonly progressions: readonly (readonly [number, number, number, number])[];
  /** Motifs of four bars: A and B are drawn, C is the cadence made of A. */
  readonly forms: readonly string[];
  readonly lead: {
    /** Lowest note of the octave that the chord's root is put into; MIDI. */
    readonly lowest: number;
    readonly cells: readonly Cell[];
    /** Steps above the chord's root that a motif may begin with. */
    readonly starts: readonly number[];
    /** Steps from one note to the next. */
    readonly moves: readonly number[];
    /** The part of its length that a note sounds. */
    readonly articulation: number;
  };
  readonly textures: readonly Texture[];
  /** Patterns over a bar for the triangle. */
  readonly basses: readonly string[];
  readonly bassLowest: number;
  /** Patterns over a bar for the noise channel, symbols of `drum-notation.ts`; an empty one is a piece without drums. */
  readonly drums: readonly { readonly bar: string; readonly fill: string }[];
  /** Of the melody and of the accompaniment; a piece flips each now and then. */
  readonly duties: readonly [0 | 1, 0 | 1];
};
