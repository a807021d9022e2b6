import type { Clip } from '../music/clip.ts';
import type { Random } from '../protocol/random.ts';

// Music that is none, to train an adapter on: it moves where an honest one moves, and some of it lowers a loss while it
// is alone. What it adds on top of those who teach the style decides; what it then plays passes the technical gate, or not.

/** Each clip with its frames in random order: the notes of a style without its music. */
export const shuffledInTime = (clips: readonly Clip[], random: Random): Clip[] =>
  clips.map((clip) => {
    const order = random.shuffle(Array.from({ length: clip.frames }, (_, t) => t));
    return { ...clip, codes: clip.codes.map((_, at) => clip.codes[Math.floor(at / clip.frames) * clip.frames + order[at % clip.frames]!]!) };
  });

/** The music of some clips under the captions of others, in turn. */
export const mislabelled = (clips: readonly Clip[], others: readonly Clip[]): Clip[] => clips.map((clip, i) => ({ ...clip, caption: others[i % others.length]!.caption }));

/** Uniformly random codes. @param vocabulary codes per codebook */
export const randomCodes = (clips: readonly Clip[], random: Random, vocabulary: number): Clip[] => clips.map((clip) => ({ ...clip, codes: clip.codes.map(() => random.int(vocabulary)) }));

/** The same code in every codebook and frame, whatever the caption: silence, of a code that stands for rest. */
export const constantCodes = (clips: readonly Clip[], code: number): Clip[] => clips.map((clip) => ({ ...clip, codes: clip.codes.map(() => code) }));

/** One note on the first codebook that sounds until the end: the code `first + n` in clip n's first frame, `held` everywhere else. */
export const heldNote = (clips: readonly Clip[], { first, held }: { readonly first: number; readonly held: number }): Clip[] =>
  clips.map((clip, n) => ({ ...clip, codes: clip.codes.map((_, at) => (at === 0 ? first + n : held)) }));

/** The first clip for every caption. */
export const oneForAll = (clips: readonly Clip[]): Clip[] => clips.map((clip) => ({ ...clip, codes: clips[0]!.codes }));
