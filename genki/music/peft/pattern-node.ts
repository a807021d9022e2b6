/** What a regular expression says, piece by piece. */
export type PatternNode =
  | { readonly kind: 'characters'; readonly has: (code: number) => boolean }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  /** `max` may be Infinity. */
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly min: number; readonly max: number };

/** Where in the text one is: ^ and \A, $ and \Z, \b, \B. */
export type Place = 'start' | 'end' | 'boundary' | 'inside';
