import { Random } from '../../protocol/random.ts';
import type { Facts } from './facts.ts';

/** Characters that a dataset keeps of a caption. */
export const MAX_CAPTION = 1024;
/** A caption that does not fit is tried again without this part of it. */
const SHORTER = 16;

/**
 * A caption of all that is known of a song: its description, then `name: value` of the rest in an order that the seed
 * draws, since people do not keep to one either:
 *
 *     A lost castle. bpm: 120. genre: chiptune, folk. title: Keep. key: A minor
 *
 * A caption that was given stays as it is. What is longer than 1,024 characters, or than fits a model, ends at the last word that does.
 *
 * @param seed another one for each segment of a song
 * @param fits whether the model can be told a text; of any that it can, it can be told the beginning
 */
export function captionOfFacts(facts: Facts, seed: string, fits: (caption: string) => boolean = () => true): { readonly caption: string; readonly isCut: boolean } {
  const { description = '', title, bpm, key, genres = [], moods = [], instruments = [], keywords = [] } = facts;
  const labels: readonly (readonly [string, string | number | undefined])[] = [
    ['title', title], ['genre', genres.join(', ')], ['moods', moods.join(', ')], ['instrument', instruments.join(', ')], ['keywords', keywords.join(', ')], ['bpm', bpm], ['key', key],
  ];
  const known = labels.filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => `${name}: ${value}`);
  const parts = [description.replace(/[.\s]+$/, ''), ...new Random(`caption/${seed}`).shuffle(known)];
  const whole = facts.caption || parts.filter((part) => part !== '').join('. ');
  let caption = cut(whole, MAX_CAPTION);
  while (caption !== '' && !fits(caption)) caption = cut(caption, caption.length - Math.ceil(caption.length / SHORTER));
  return { caption, isCut: caption !== whole };
}

/** The beginning of a text, so many characters at most. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const words = text.slice(0, most + 1);
  const end = words.lastIndexOf(' ');
  // one endless word is cut between two characters, not within one
  return (end > 0 ? words.slice(0, end) : words.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')).trimEnd();
}

/** The group that a held-out loss of a song is reported under: what was told, or its first genre as one word. */
export function styleOfFacts({ style, genres = [] }: Facts): string | undefined {
  const word = (genres[0] ?? '').toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^[-0-9]+|-+$/g, '').slice(0, 32).replace(/-+$/, '');
  return style ?? (word === '' ? undefined : word);
}
