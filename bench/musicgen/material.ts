import { type Batch, batchOfClips } from '../../genki/music/batch.ts';
import { newCodes } from '../../genki/music/clip.ts';
import type { LanguageConfig } from '../../genki/music/config.ts';
import { longestDelay } from '../../genki/music/delay-pattern.ts';
import type { TextBatch } from '../../genki/music/text.ts';
import { Random } from '../../genki/protocol/random.ts';
import type { Size } from './sizes.ts';

/** States of a text encoder for one caption, the longest. */
const WORDS = 16;

/** What every side learns from: random codes of full length, told random states. */
export function randomBatch(music: LanguageConfig, { name, rows, positions }: Size): Batch {
  const { decoder } = music;
  const random = new Random(`bench/batch/${name}`);
  const frames = positions - longestDelay(decoder);
  const clips = Array.from({ length: rows }, () => ({
    codes: newCodes(decoder.vocabSize, decoder.numCodebooks * frames).map(() => random.int(decoder.vocabSize)),
    numCodebooks: decoder.numCodebooks,
    frames,
    caption: '',
    style: 'bench',
  }));
  return batchOfClips(music, clips, randomText(music, rows));
}

/** States as a text encoder would give them, each row's three shorter than the one before, as captions differ. */
export function randomText({ text }: LanguageConfig, rows: number): TextBatch {
  const random = new Random('bench/text');
  const mask = Float32Array.from({ length: rows * WORDS }, (_, i) => (i % WORDS < WORDS - 3 * (Math.floor(i / WORDS) % 4) ? 1 : 0));
  const states = Float32Array.from({ length: rows * WORDS * text.hiddenSize }, () => random.normal());
  return { rows, length: WORDS, mask, content: { kind: 'states', states } };
}
