import type { Clip } from '../../music/clip.ts';
import { UNKNOWN_STYLE } from '../midi/import-midi.ts';
import { captionOfWords, measuredWords } from '../midi/words-of.ts';
import { isStyleName } from '../styles/styles.ts';
import { captionOfFacts, styleOfFacts } from './caption.ts';
import type { CodedSegment } from './code-song.ts';
import type { Facts } from './facts.ts';
import type { SoundCoder } from './sound-coder.ts';

/** Clips with their captions. */
export type CaptionedClips = {
  readonly clips: readonly Clip[];
  /** Whether a caption was longer than a dataset keeps. */
  readonly isCut: boolean;
  /** Words that were told, and that a model which knows only some does not. */
  readonly unknownWords: readonly string[];
};

/** The segments of a song as clips: told in any text, or in the words of the sound chip's model. */
export function clipsOfSong(segments: readonly CodedSegment[], facts: Facts, { coder: { numCodebooks, captions, fits }, seed }: { readonly coder: Pick<SoundCoder, 'numCodebooks' | 'captions' | 'fits'>; readonly seed: string }): CaptionedClips {
  const captioned = segments.map((segment, i) => (captions === 'text' ? inText(facts, `${seed}/${i}`, fits) : inWords(segment, facts)));
  return {
    clips: segments.map(({ codes, frames }, i) => ({ codes, numCodebooks, frames, caption: captioned[i]!.caption, style: captioned[i]!.style })),
    isCut: captioned.some(({ isCut }) => isCut),
    unknownWords: [...new Set(captioned.flatMap(({ unknown }) => unknown))],
  };
}

type Captioned = { readonly caption: string; readonly style: string; readonly isCut: boolean; readonly unknown: readonly string[] };

function inText(facts: Facts, seed: string, fits: SoundCoder['fits']): Captioned {
  return { ...captionOfFacts(facts, seed, fits), style: styleOfFacts(facts) ?? UNKNOWN_STYLE, unknown: [] };
}

function inWords({ codes }: CodedSegment, facts: Facts): Captioned {
  const { caption = '', description = '', title = '', genres = [], moods = [], instruments = [], keywords = [], key = '', bpm } = facts;
  const [, mode] = key.split(' ');
  const measured = codes instanceof Uint8Array ? measuredWords({ codes, key: mode === 'major' || mode === 'minor' ? { tonic: 0, mode } : undefined, tempo: bpm, beatsOfBar: 4 }) : [];
  const told = caption === '' ? [...moods, ...genres, description, title, ...instruments, ...keywords] : [caption];
  const words = captionOfWords(told, measured);
  return { caption: words.caption, style: facts.style ?? words.caption.split(' ').find(isStyleName) ?? UNKNOWN_STYLE, isCut: false, unknown: words.unknown };
}
