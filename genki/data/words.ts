/**
 * Every word that a caption may hold, sorted. A model keeps the list in its configuration, in the order of the rows of
 * its word table, so a model trained earlier stays right when a word is added here.
 */
export const WORDS = Object.freeze([
  'ambient', 'arpeggio', 'battle', 'breezy', 'brisk', 'calm', 'cheerful', 'cool',
  'dark', 'dorian', 'dreamy', 'drums', 'dungeon', 'eerie', 'fast', 'fierce',
  'graceful', 'harmonic', 'harmony', 'heroic', 'high', 'jazzy', 'low', 'lydian',
  'major', 'march', 'middle', 'minor', 'mixolydian', 'offbeat', 'ostinato', 'phrygian',
  'proud', 'radiant', 'slow', 'solemn', 'square', 'stabs', 'steady', 'swing',
  'thin', 'town', 'triple', 'triumphant', 'victory', 'waltz', 'wistful',
] as const);
export type Word = (typeof WORDS)[number];

/** The most words in a caption. */
export const MAX_WORDS = 8;
