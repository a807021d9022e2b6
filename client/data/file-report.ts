import { plainText } from '../../activities/plain-text.ts';
import type { Clip } from '../../genki/music/clip.ts';

/** What became of one file: its clips and what is not in them, or why there are none. */
export type FileReport = {
  readonly file: string;
  readonly clips: number;
  readonly dropped: readonly string[];
  readonly unknownWords: readonly string[];
  /** What else there is to know. */
  readonly notes?: readonly string[];
  readonly error?: string;
};

export type ImportedFile = { readonly report: FileReport; readonly clips: readonly Clip[] };

/** A file that could not be imported. */
export const notImported = (file: string, error: string): ImportedFile => ({ clips: [], report: { file, clips: 0, dropped: [], unknownWords: [], error } });

export function lineOf({ file, clips, dropped, unknownWords, notes = [], error }: FileReport): string {
  if (error !== undefined) return `${named(file)}: not imported: ${plainText(error)}`;
  const without = [...(dropped.length === 0 ? [] : [`without ${named(dropped.join(', '))}`]), ...(unknownWords.length === 0 ? [] : [`words that no model knows: ${plainText(unknownWords.join(' '))}`]), ...notes.map(plainText)];
  return `${named(file)}: ${clips} ${clips === 1 ? 'clip' : 'clips'}${without.length === 0 ? '' : `; ${without.join('; ')}`}`;
}

/** A file's name may hold what moves a terminal's cursor. */
export const named = (file: string): string => file.replaceAll(/\p{C}/gu, '?');
