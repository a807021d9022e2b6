/** What is known of a song without listening, or by it; what a caption is made of. */
export type Facts = {
  /** The caption itself: nothing is added to it. */
  readonly caption?: string;
  /** The group that a held-out loss is reported under. */
  readonly style?: string;
  readonly description?: string;
  readonly title?: string;
  readonly genres?: readonly string[];
  readonly moods?: readonly string[];
  readonly instruments?: readonly string[];
  readonly keywords?: readonly string[];
  /** Beats a minute. */
  readonly bpm?: number;
  /** Such as `A minor`. */
  readonly key?: string;
};

/** Each fact from the first source that has it. */
export function mergedFacts(sources: readonly Facts[]): Facts {
  return Object.assign({}, ...[...sources].reverse().map((facts) => Object.fromEntries(Object.entries(facts).filter(([, value]) => isSaid(value))))) as Facts;
}

const isSaid = (value: Facts[keyof Facts]): boolean => (typeof value === 'number' ? Number.isFinite(value) : value !== undefined && value.length > 0);

/** Names that stand in one text, or in several, one each: `happy, dark` are two. */
export const listed = (texts: readonly string[], separators: RegExp): string[] => [...new Set(texts.flatMap((text) => text.split(separators)).map(oneLine).filter((text) => text !== ''))];

/** Without what cannot be seen, in one line. */
export const oneLine = (text: string): string => text.replace(/[\s\p{C}]+/gu, ' ').trim();
