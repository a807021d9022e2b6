import { WORDS } from '../../genki/data/words.ts';
import { MODES } from '../../genki/data/harmony.ts';
import { STYLE_NAMES, TEMPOS } from '../../genki/data/styles/style.ts';
import { type ContrastiveBatch, contrastiveBatch, type Example } from '../../genki/evaluation/clap/nano/batch.ts';
import { PITCH_CLASSES, PROFILE_SIZE } from '../../genki/evaluation/clap/pitch-profile.ts';
import { RHYTHM_SIZE } from '../../genki/evaluation/clap/rhythm.ts';
import { Random } from '../../genki/protocol/random.ts';
import type { Corpus } from './corpus.ts';
import { BATCH, CONFIG, SEEDS } from './recipe.ts';

/** How often a clip is searched for by a part of its words. */
const PARTIAL = 0.5;
/** Decibels that a clip is made louder or softer by, at most. */
const GAIN_DB = 6;

const KINDS: readonly (readonly string[])[] = [
  STYLE_NAMES,
  Object.keys(MODES),
  Object.values(TEMPOS),
  ['arpeggio', 'harmony', 'offbeat', 'ostinato', 'stabs', 'triple'],
  ['low', 'middle', 'high'],
  ['square', 'thin'],
];
/** Words of which a caption has one at most; what is left are moods. */
const GROUPS = [...KINDS, WORDS.filter((word) => word !== 'drums' && !KINDS.flat().includes(word))];

/** The batch of a step, from 1; drawn from the seed and the step alone. */
export function batchAt(corpus: Corpus, step: number): ContrastiveBatch {
  const random = new Random(`${SEEDS.batches}/${step}`);
  const drawn = (from: readonly Example[], count: number): Example[] => Array.from({ length: count }, () => random.pick(from));
  const music = drawn(corpus.music, BATCH.clips);
  const examples = [...music, ...drawn(corpus.junk, BATCH.junk)].map((example) => varied(example, random));
  const said = music.map(({ caption }) => (random.chance(PARTIAL) ? part(caption, random) : caption));
  const foils = Array.from({ length: BATCH.foils }, () => foil(random.pick(music).caption, random));
  return contrastiveBatch(CONFIG, examples, [...said, ...foils, '']);
}

/** The clip begun anywhere else, a little louder or softer, its pitch profile in any key. */
function varied({ sound: { patches, summary }, caption }: Example, random: Random): Example {
  const { bands } = CONFIG.mel;
  const turn = bands * random.int(patches.length / bands);
  const louder = (GAIN_DB * (2 * random.float() - 1) * (Math.LN10 / 10)) / CONFIG.normalization.deviation;
  const values = new Float32Array(patches.length);
  values.set(patches.subarray(turn));
  values.set(patches.subarray(0, turn), patches.length - turn);
  return { sound: { patches: values.map((value) => value + louder), summary: transposed(summary, random.int(PITCH_CLASSES)) }, caption };
}

function transposed(summary: Float32Array, semitones: number): Float32Array {
  const out = summary.slice();
  for (let i = 0; i < PROFILE_SIZE; i++) {
    const register = i - (i % PITCH_CLASSES);
    out[RHYTHM_SIZE + register + ((i + semitones) % PITCH_CLASSES)] = summary[RHYTHM_SIZE + i]!;
  }
  return out;
}

/** Any number of its words, as likely one as all. */
function part(caption: string, random: Random): string {
  const words = caption.split(' ');
  return random.shuffle(words).slice(0, 1 + random.int(words.length)).join(' ');
}

/** The caption with a word that is not true, in another's place or, for drums, beside them. */
function foil(caption: string, random: Random): string {
  const words = caption.split(' ');
  const at = random.int(words.length + (words.includes('drums') ? 0 : 1));
  if (at === words.length) return `${caption} drums`;
  const group = GROUPS.find((one) => one.includes(words[at]!)) ?? WORDS;
  return words.with(at, random.pick(group.filter((word) => !words.includes(word)))).join(' ');
}
