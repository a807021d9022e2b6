import { heldOut } from '../../genki/data/held-out.ts';
import { MODES } from '../../genki/data/harmony.ts';
import { STYLE_NAMES, TEMPOS } from '../../genki/data/styles/style.ts';
import type { Embedder, Heard } from '../../genki/evaluation/clap/embedder.ts';
import { JUNK_KINDS } from '../../genki/evaluation/clap/junk.ts';
import { frechetDistance } from '../../genki/evaluation/frechet-distance.ts';
import { renderCodes } from '../../genki/music/apu/synthesizer.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { junkOf } from './corpus.ts';
import { composeMixture } from './mixture.ts';
import { SEEDS } from './recipe.ts';

/** Clips of each style, mixtures, and clips of each kind of junk that are measured by. */
export const HELD_OUT = { clipsOfEachStyle: 16, mixtures: 128, junkOfEachKind: 8, frechetClips: 8 } as const;

export type Spread = { readonly mean: number; readonly deviation: number; readonly most: number };
/** Share of clips for which the right one of so many texts came first. */
export type Retrieval = { readonly of: number; readonly right: number };

/** What an embedder makes of music that it never heard. */
export type NanoMeasurement = {
  readonly retrieval: Readonly<Record<string, Retrieval>>;
  /** Cosines with a clip's own caption, another style's captions, and of junk with all captions. */
  readonly cosines: Readonly<Record<string, Spread>>;
  /** Of each kind of junk with the caption that suits it best. */
  readonly bestCaption: Readonly<Record<string, Spread>>;
  /** Fréchet distances of as many clips: two sets of one style, of two styles, of a style and a kind of junk. */
  readonly frechet: Readonly<Record<string, Spread & { readonly least: number }>>;
};

type Sung = { readonly caption: string; readonly style: string; readonly heard: Heard };

export async function measure(embedder: Embedder): Promise<NanoMeasurement> {
  const styles = STYLE_NAMES;
  const hear = async (clips: readonly Clip[]): Promise<Sung[]> => {
    const heard = await embedder.audio(clips.map(({ codes }) => renderCodes(codes)), SEEDS.heldOut);
    return clips.map(({ caption, style }, i) => ({ caption, style, heard: heard[i]! }));
  };
  const music = await hear(heldOut({ clips: Object.fromEntries(styles.map((style) => [style, HELD_OUT.clipsOfEachStyle])), seed: SEEDS.heldOut }));
  const mixtures = await hear(Array.from({ length: HELD_OUT.mixtures }, (_, i) => composeMixture(styles[i % styles.length]!, `${SEEDS.heldOut}/${i}`)));
  const junk = new Map<string, Heard[]>();
  for (const kind of JUNK_KINDS) junk.set(kind, await embedder.audio(Array.from({ length: HELD_OUT.junkOfEachKind }, (_, i) => junkOf(kind, `${SEEDS.heldOut}/${i}`)), SEEDS.heldOut));
  const captions = await textsOf(embedder, [...new Set(music.map(({ caption }) => caption))]);
  return { retrieval: await retrievals(embedder, music, mixtures), ...cosinesOf(music, junk, captions), frechet: distances(music, junk) };
}

type Texts = ReadonlyMap<string, Float32Array>;

async function textsOf(embedder: Embedder, captions: readonly string[]): Promise<Texts> {
  const texts = await embedder.text(captions);
  return new Map(captions.map((caption, i) => [caption, texts[i]!]));
}

async function retrievals(embedder: Embedder, music: readonly Sung[], mixtures: readonly Sung[]): Promise<Record<string, Retrieval>> {
  const alone = (words: readonly string[]) => (): readonly string[] => words;
  const instead = (words: readonly string[]) => ({ caption }: Sung): readonly string[] => words.map((word) => caption.split(' ').map((one) => (words.includes(one) ? word : one)).join(' '));
  const captions = [...new Set(music.map(({ caption }) => caption))];
  const said = (words: readonly string[]) => ({ caption }: Sung): string => caption.split(' ').find((word) => words.includes(word))!;
  const whole = ({ caption }: Sung): string => caption;
  const tempos = Object.values(TEMPOS);
  const modes = Object.keys(MODES);
  return {
    'style, by its name alone': await retrieval(embedder, music, { right: ({ style }) => style, among: alone(STYLE_NAMES) }),
    'whole caption': await retrieval(embedder, music, { right: whole, among: alone(captions) }),
    'tempo, the other words being right': await retrieval(embedder, music, { right: whole, among: instead(tempos) }),
    'mode, the other words being right': await retrieval(embedder, music, { right: whole, among: instead(modes) }),
    'style of a mixture, by its name alone': await retrieval(embedder, mixtures, { right: ({ style }) => style, among: alone(STYLE_NAMES) }),
    'tempo of a mixture, by its name alone': await retrieval(embedder, mixtures, { right: said(tempos), among: alone(tempos) }),
    'tempo of a mixture, the other words being right': await retrieval(embedder, mixtures, { right: whole, among: instead(tempos) }),
    'mode of a mixture, the other words being right': await retrieval(embedder, mixtures, { right: whole, among: instead(modes) }),
  };
}

async function retrieval(embedder: Embedder, clips: readonly Sung[], { right, among }: { right: (clip: Sung) => string; among: (clip: Sung) => readonly string[] }): Promise<Retrieval> {
  const texts = await textsOf(embedder, [...new Set(clips.flatMap(among))]);
  const hits = clips.filter((clip) => {
    const cosines = among(clip).map((text) => dot(texts.get(text)!, clip.heard.clip));
    return dot(texts.get(right(clip))!, clip.heard.clip) === Math.max(...cosines);
  });
  return { of: among(clips[0]!).length, right: hits.length / clips.length };
}

function cosinesOf(music: readonly Sung[], junk: ReadonlyMap<string, readonly Heard[]>, captions: Texts): Pick<NanoMeasurement, 'cosines' | 'bestCaption'> {
  const styleOf = new Map(music.map(({ caption, style }) => [caption, style]));
  const foreign = music.flatMap(({ style, heard }) => [...captions].filter(([caption]) => styleOf.get(caption) !== style).map(([, text]) => dot(text, heard.clip)));
  const allOf = (clip: Heard): number[] => [...captions.values()].map((text) => dot(text, clip.clip));
  const junkRows = [...junk].map(([kind, clips]) => [kind, spread(clips.flatMap(allOf))] as const);
  return {
    cosines: { 'own caption': spread(music.map(({ caption, heard }) => dot(captions.get(caption)!, heard.clip))), 'captions of other styles': spread(foreign), ...Object.fromEntries(junkRows) },
    bestCaption: Object.fromEntries([...junk].map(([kind, clips]) => [kind, spread(clips.map((clip) => Math.max(...allOf(clip))))])),
  };
}

function distances(music: readonly Sung[], junk: ReadonlyMap<string, readonly Heard[]>): NanoMeasurement['frechet'] {
  const size = HELD_OUT.frechetClips;
  const sets = STYLE_NAMES.map((style) => {
    const own = music.filter((clip) => clip.style === style);
    return [own.slice(0, size), own.slice(size, 2 * size)].map((part) => part.flatMap(({ heard }) => heard.windows));
  });
  const within = sets.map(([a, b]) => frechetDistance(a!, b!));
  const between = sets.flatMap(([a], i) => sets.slice(i + 1).map(([b]) => frechetDistance(a!, b!)));
  const junkRows = [...junk].map(([kind, clips]) => [kind, least(sets.map(([a]) => frechetDistance(a!, clips.slice(0, size).flatMap(({ windows }) => windows))))] as const);
  return { 'within a style': least(within), 'between styles': least(between), ...Object.fromEntries(junkRows) };
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function spread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length), most: Math.max(...values) };
}

const least = (values: readonly number[]): Spread & { least: number } => ({ ...spread(values), least: Math.min(...values) });
