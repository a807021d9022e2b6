import { CHANNELS } from '../../music/apu/codes.ts';
import type { Clip } from '../../music/clip.ts';
import { fileDigest } from '../../protocol/digests.ts';
import { isStyleName } from '../styles/styles.ts';
import { arrange, type Arrangement } from './arrange.ts';
import { clipStarts, cutAt, isSilent, type CutOptions } from './cut.ts';
import { readSong, type MidiSong } from './song.ts';
import { captionOfWords, measuredWords } from './words-of.ts';

/** What is told of a file beside its bytes. */
export type Told = { /** words for the caption */ readonly words: readonly string[]; /** that a held-out loss would be reported under */ readonly style?: string };

/** A song as clips, and what became of the rest. */
export type Imported = {
  readonly song: MidiSong;
  readonly arrangement: Arrangement;
  /** In the order of the song. */
  readonly clips: readonly Clip[];
  /** Clips in which nothing sounds. */
  readonly silentClips: number;
  /** Words that were told and that no model knows. */
  readonly unknownWords: readonly string[];
};

/** The group of clips whose style nobody told. */
export const UNKNOWN_STYLE = 'imported';

/**
 * A MIDI file, from outside, as clips of the chip's codes: arranged for four channels, cut at bar lines, captioned.
 * The same bytes, options and seed give the same clips.
 * @throws {InvalidInput} naming what was expected and found
 */
export function importMidi(bytes: Uint8Array, told: Told, options: CutOptions): Imported {
  const song = readSong(bytes);
  const arrangement = arrange(song, options);
  const { tempo, key } = arrangement;
  const isEmpty = arrangement.frames === 0;
  const cuts = isEmpty ? [] : clipStarts(arrangement, options).map((from) => cutAt(arrangement, from, options.frames));
  const clips = cuts.filter(({ codes }) => !isSilent(codes));
  const unknown = new Set<string>();
  return {
    song,
    arrangement,
    clips: clips.map(({ from, codes }) => {
      const at = tempo.tickAt((from + options.frames / 2) / options.frameRate);
      const words = captionOfWords(told.words, measuredWords({ codes, key, tempo: tempo.tempoAt(at), beatsOfBar: tempo.meterAt(at).numerator }));
      for (const word of words.unknown) unknown.add(word);
      const style = told.style ?? words.caption.split(' ').find(isStyleName) ?? UNKNOWN_STYLE;
      return { codes, numCodebooks: CHANNELS.length, frames: options.frames, caption: words.caption, style };
    }),
    silentClips: cuts.length - clips.length,
    unknownWords: [...unknown],
  };
}

/** Clips whose codes no earlier one has. */
export function withoutDuplicates<T extends Pick<Clip, 'codes'>>(clips: readonly T[]): T[] {
  const seen = new Set<string>();
  return clips.filter(({ codes }) => {
    const digest = fileDigest(new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength));
    return seen.size < seen.add(digest).size;
  });
}
