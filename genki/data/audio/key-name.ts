import type { Key } from '../harmony.ts';

const TONICS = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'] as const;

/** `A minor`, `Eb major`. */
export const nameOfKey = ({ tonic, mode }: Key): string => `${TONICS[tonic]!} ${mode}`;

/** A key as people and programs write it, in full: `Am`, `F#min` and `bb` are A minor, F# minor and Bb major; what is none of these stays as it is. */
export function readKey(text: string): string {
  const [, letter, accidental = '', mode = ''] = /^\s*([A-Ga-g])([#b♯♭]?)\s*(M|m|maj|min|major|minor|Major|Minor|MAJOR|MINOR)?\s*$/.exec(text) ?? [];
  if (letter === undefined) return text.trim();
  const isMinor = mode === 'm' || mode.toLowerCase().startsWith('min');
  return `${letter.toUpperCase()}${accidental.replace('♯', '#').replace('♭', 'b')} ${isMinor ? 'minor' : 'major'}`;
}
