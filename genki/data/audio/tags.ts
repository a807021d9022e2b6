import { type Facts, listed, oneLine } from './facts.ts';
import { readKey } from './key-name.ts';

/** Names under which formats and programs keep one fact, lower case. */
const NAMES = {
  title: ['title', 'tit2'],
  genre: ['genre', 'tcon'],
  mood: ['mood', 'moods', 'tmoo'],
  keywords: ['keywords', 'keyword'],
  bpm: ['bpm', 'tbpm', 'tmpo', 'tempo'],
  key: ['initialkey', 'initial_key', 'initial key', 'key', 'tkey'],
  comment: ['description', 'comment'],
} as const;
const SEPARATORS = /[;,/\0|]/;
/** Programs and shops leave their own names and addresses in comments: those say nothing of the music. */
const NOT_OF_MUSIC = /https?:|www\.|\.com\b|@|^[\d\s.:-]*$|^(?:[0-9a-f]{8}\s?)+$|encode|ripp|lame|ffmpeg|youtube|copyright|©/i;
const [SLOWEST, FASTEST] = [20, 400];

/**
 * What a file's tags say of its music; who plays it is none of a caption's.
 * @param ffmetadata what ffmpeg writes of a file under this name: `key=value` lines, escaped by `\`, the file's first, then
 *   those of `[STREAM]`; chapters are passed over
 */
export function factsOfTags(ffmetadata: string): Facts {
  const tags = readTags(ffmetadata);
  const tag = (kind: keyof typeof NAMES): string | undefined => NAMES[kind].map((name) => tags.get(name)).find((value) => value !== undefined && oneLine(value) !== '');
  const list = (kind: keyof typeof NAMES): string[] => listed([tag(kind) ?? ''], SEPARATORS);
  const bpm = Number.parseFloat(tag('bpm') ?? '');
  const comment = oneLine(tag('comment') ?? '');
  return {
    title: oneLine(tag('title') ?? ''),
    genres: list('genre').filter((genre) => !/^\(?\d+\)?$|^(other|unknown|misc)$/i.test(genre)),
    moods: list('mood'),
    keywords: list('keywords'),
    ...(bpm >= SLOWEST && bpm <= FASTEST && { bpm: Math.round(bpm) }),
    ...(/^\s*[A-G]/i.test(tag('key') ?? '') && { key: oneLine(readKey(tag('key')!)) }),
    ...(!NOT_OF_MUSIC.test(comment) && { description: comment }),
  };
}

/** By name in lower case, the first of two. */
function readTags(ffmetadata: string): Map<string, string> {
  const tags = new Map<string, string>();
  let section = '';
  for (const [line] of ffmetadata.matchAll(/(?:[^\\\n]|\\[^])+/g)) {
    const [, header] = /^\[(\w+)\]\s*$/.exec(line) ?? [];
    if (header !== undefined) section = header;
    const [, name, value] = /^((?:[^\\=]|\\[^])*)=([^]*)$/.exec(line) ?? [];
    if (name === undefined || /^[;#]/.test(line) || section === 'CHAPTER') continue;
    const key = unescaped(name).toLowerCase();
    if (!tags.has(key)) tags.set(key, unescaped(value!));
  }
  return tags;
}

const unescaped = (text: string): string => text.replace(/\\([^])/g, '$1');
