import { promptClips } from '../data/prompts.ts';
import { EmbedderUnfit } from '../errors.ts';
import { renderCodes, SAMPLE_RATE } from '../music/apu/synthesizer.ts';
import type { Clip } from '../music/clip.ts';
import { Random } from '../protocol/random.ts';
import type { Anchors } from './anchors.ts';
import { checkClips } from './clap/check-clips.ts';
import type { Embedder, Heard } from './clap/embedder.ts';
import { frechetDistance } from './frechet-distance.ts';
import { pairInOrder, quality } from './quality.ts';

/** What a round's numbers are held against, from the data's own music through the codec, and from noise. */
export type RoundAnchors = {
  /** Mean cosine with the captions: of white noise, and of the pieces that the captions were written for. */
  readonly quality: Anchors;
  /** Fréchet distance of as many clips: 0, of the same ones, and the mean of two different styles. */
  readonly diversity: Anchors;
  /** Mean cosine of two independent pieces of one style. */
  readonly alike: number;
};

export type AnchorRound = {
  readonly styles: readonly string[];
  /** Prompts, and so clips of each miner. */
  readonly count: number;
  /** Of the prompts (`promptClips`). */
  readonly promptsSeed: string;
  readonly frameRate: number;
  readonly seed: string;
};

/**
 * The anchors of a round, each measured on as many clips as a miner plays.
 * @throws {EmbedderUnfit} when noise fits the captions as well as the music that they were written for, or all styles sound
 *   the same: with such ears nothing can be scored
 */
export async function roundAnchors(embedder: Embedder, { styles, count, promptsSeed, frameRate, seed }: AnchorRound): Promise<RoundAnchors> {
  const hear = async (clips: readonly Clip[]): Promise<Heard[]> =>
    await embedder.audio(checkClips(clips.map(({ codes }) => ({ channels: [renderCodes(codes, { frameRate })], sampleRate: SAMPLE_RATE })), embedder.sampleRate), seed);
  const asked = promptClips({ styles, count, seed: promptsSeed });
  const own = await hear(asked);
  const again = await hear(promptClips({ styles, count, seed: promptsSeed, draw: 1 }));
  const texts = await embedder.text(asked.map(({ caption }) => caption));
  const noise = await embedder.audio(whiteNoise(count, { length: clipLength(asked, frameRate, embedder.sampleRate), seed }), seed);
  const fit = (heard: readonly Heard[]): number => quality(pairInOrder(texts, heard.map(({ clip }) => clip))).cosine;

  const ofStyles = [];
  for (const style of styles) ofStyles.push(windows(await hear(promptClips({ styles: [style], count, seed: promptsSeed, draw: 2 }))));
  const apart = pairsOf(ofStyles).map(([a, b]) => frechetDistance(a, b));
  const anchors: RoundAnchors = {
    quality: { floor: fit(noise), ceiling: fit(own) },
    diversity: { floor: 0, ceiling: mean(apart) },
    alike: mean(own.map(({ clip }, i) => dot(clip, again[i]!.clip))),
  };
  check('fit of captions', anchors.quality, 'noise', 'the music that they were written for');
  check('distances', anchors.diversity, 'the same clips', 'different styles');
  return anchors;
}

function check(what: string, { floor, ceiling }: Anchors, low: string, high: string): void {
  if (!(ceiling > floor)) throw new EmbedderUnfit(`Expected ${what} of ${high} above those of ${low}, got ${ceiling.toFixed(3)} and ${floor.toFixed(3)}`);
}

/** As loud as music is: a standard deviation of a tenth of full scale. */
const LOUDNESS = 0.1;

function whiteNoise(count: number, { length, seed }: { length: number; seed: string }): Float32Array[] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(`${seed}/noise/${i}`);
    return Float32Array.from({ length }, () => Math.max(-1, Math.min(1, LOUDNESS * random.normal())));
  });
}

const clipLength = (clips: readonly Clip[], frameRate: number, sampleRate: number): number => Math.round(((clips[0]?.frames ?? 0) / frameRate) * sampleRate);
const windows = (heard: readonly Heard[]): Float32Array[] => heard.flatMap((clip) => [...clip.windows]);
const pairsOf = <T>(items: readonly T[]): [T, T][] => items.flatMap((one, i) => items.slice(i + 1).map((other): [T, T] => [one, other]));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
