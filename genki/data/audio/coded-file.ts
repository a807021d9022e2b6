import * as z from 'zod';
import { BadSubmission } from '../../errors.ts';
import type { Codes } from '../../music/clip.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors, type HostTensor } from '../../protocol/safetensors.ts';
import type { CodedSong, Heard } from './code-song.ts';
import type { Facts } from './facts.ts';

/** All that an import needs of a song whose file it has seen before. */
export type KnownSong = { readonly heard: Heard; readonly song: CodedSong; /** what the file's own tags say */ readonly tags: Facts; /** what there is to say about its reading */ readonly notes: readonly string[] };

const FORMAT = 'genki-coded-song-2';
const MAX_ELEMENTS = 2 ** 28;

const count = z.int().nonnegative();
const names = z.array(z.string()).optional();
const About = z.strictObject({
  seconds: z.number().positive(),
  bpm: z.number().optional(),
  key: z.string().optional(),
  tags: z.strictObject({ title: z.string().optional(), description: z.string().optional(), genres: names, moods: names, instruments: names, keywords: names, bpm: z.number().optional(), key: z.string().optional() }),
  notes: z.array(z.string()),
  flaws: z.strictObject({ silence: count, clipping: count, unplayable: count }),
  segments: z.array(z.strictObject({ beginSeconds: z.number().nonnegative(), frames: z.int().positive() })),
});

/** A song as a file: safetensors with `codes` [numCodebooks · all segments' frames] and `words` of its fingerprint. */
export function encodeKnownSong({ heard: { fingerprint, ...heard }, song, tags, notes }: KnownSong): Uint8Array {
  const words = Int32Array.from(fingerprint.words);
  const codes = joined(song.segments.map((segment) => segment.codes));
  const tensors = new Map<string, HostTensor>([
    ['codes', { shape: [codes.length], dtype: codes instanceof Uint16Array ? 'U16' : 'U8', data: codes }],
    ['words', { shape: [words.length], dtype: 'I32', data: words }],
  ]);
  const segments = song.segments.map(({ beginSeconds, frames }) => ({ beginSeconds, frames }));
  const about: z.infer<typeof About> = { seconds: fingerprint.seconds, ...heard, tags: tags as z.infer<typeof About>['tags'], notes: [...notes], flaws: song.flaws, segments };
  return encodeSafetensors(tensors, { format: FORMAT, about: JSON.stringify(about), digest: contentDigest(tensors) });
}

/**
 * The song in a file.
 * @throws {BadSubmission} when it is another kind of file, or not whole
 */
export function decodeKnownSong(bytes: Uint8Array, { numCodebooks }: { readonly numCodebooks: number }): KnownSong {
  const { tensors, metadata } = decodeSafetensors(bytes, { maxTensors: 2, maxElements: MAX_ELEMENTS });
  const [codes, words] = ['codes', 'words'].map((name) => tensors.get(name)?.data);
  if (metadata.format !== FORMAT || metadata.digest !== contentDigest(tensors)) throw new BadSubmission('Expected a song as codes, got another file or a part of one');
  if (!(codes instanceof Uint8Array || codes instanceof Uint16Array) || !(words instanceof Int32Array)) throw new BadSubmission('Expected codes and words of a song, got other tensors');
  const { seconds, bpm, key, tags, notes, flaws, segments } = aboutOf(metadata.about ?? '');
  const total = numCodebooks * segments.reduce((sum, { frames }) => sum + frames, 0);
  if (codes.length !== total) throw new BadSubmission(`Expected ${total} codes of ${segments.length} segments, got ${codes.length}`);
  let at = 0;
  return {
    heard: { fingerprint: { words: Uint32Array.from(words), seconds }, ...(bpm !== undefined && { bpm }), ...(key !== undefined && { key }) },
    song: { flaws, segments: segments.map((segment) => ({ ...segment, codes: codes.subarray(at, (at += numCodebooks * segment.frames)) })) },
    tags: tags as Facts,
    notes,
  };
}

function aboutOf(text: string): z.infer<typeof About> {
  try {
    return About.parse(JSON.parse(text));
  } catch (cause) {
    throw new BadSubmission('Expected what is known of a song, got other text', { cause });
  }
}

function joined(parts: readonly Codes[]): Codes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = parts[0] instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
