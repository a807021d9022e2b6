import * as z from 'zod';
import { BadSubmission, InvalidInput } from '../errors.ts';
import type { Clip } from '../music/clip.ts';
import { fileDigest } from '../protocol/digests.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../protocol/safetensors.ts';
import { compose } from './composer.ts';

/** Music to learn from. What is private never leaves its miner; only its manifest does. */
export type Dataset = {
  readonly name: string;
  /** SPDX identifier, such as `CC0-1.0`. */
  readonly licence: string;
  readonly sharing: 'shared' | 'private';
  /** At least one, all with the same numbers of codebooks and frames. */
  readonly clips: readonly Clip[];
};

/** What may be said of a dataset in public: never the clips. */
export type DatasetManifest = Pick<Dataset, 'name' | 'licence' | 'sharing'> & { readonly digest: string; readonly clips: number };

const FORMAT = 'genki-dataset-1';
const MAX_CLIPS = 2 ** 20;
const MAX_CODES = 2 ** 31;
const MAX_CODEBOOKS = 32;

const text = (max: number) => z.string().min(1).max(max);
const About = z.strictObject({ format: z.literal(FORMAT), name: text(128), licence: text(64), sharing: z.enum(['shared', 'private']), clips: z.string() });
const Label = z.strictObject({ caption: z.string().max(1024), style: text(64) });

/**
 * The dataset as a file: safetensors with `codes` U8 [clips, codebooks, frames], the rest in its metadata. The same
 * dataset gives the same bytes.
 * @throws {InvalidInput} when there is no clip, clips differ in shape, or it could not be read back
 */
export function encodeDataset({ clips, ...about }: Dataset): Uint8Array {
  const [first] = clips;
  if (first === undefined) throw new InvalidInput(`Expected dataset ${about.name} to have clips, got none`);
  const { numCodebooks, frames } = first;
  const size = numCodebooks * frames;
  const codes = new Uint8Array(clips.length * size);
  clips.forEach((clip, i) => {
    if (clip.numCodebooks !== numCodebooks || clip.frames !== frames || clip.codes.length !== size) {
      throw new InvalidInput(`Expected clip ${i} of dataset ${about.name} to have [${numCodebooks}, ${frames}] codes, got [${clip.numCodebooks}, ${clip.frames}]`);
    }
    codes.set(clip.codes, i * size);
  });
  const tensor: HostTensor = { shape: [clips.length, numCodebooks, frames], dtype: 'U8', data: codes };
  const labels = clips.map(({ caption, style }) => ({ caption, style }));
  const metadata = { format: FORMAT, name: about.name, licence: about.licence, sharing: about.sharing, clips: JSON.stringify(labels) };
  const wrong = [About.safeParse(metadata), ...labels.map((label) => Label.safeParse(label))].find(({ success }) => !success);
  if (wrong?.error) throw new InvalidInput(`Expected a dataset that can be read back, got one with\n${z.prettifyError(wrong.error)}`);
  return encodeSafetensors(new Map([['codes', tensor]]), metadata);
}

/**
 * The dataset in a file.
 * @throws {BadSubmission} when it is another kind of file, or says one thing and holds another
 */
export function decodeDataset(bytes: Uint8Array): Dataset {
  const { tensors, metadata } = decodeSafetensors(bytes, { maxTensors: 1, maxElements: MAX_CODES, maxHeaderBytes: 2 ** 30 });
  const { name, licence, sharing, clips } = parsed(About, metadata, 'a dataset');
  const labels = labelsOf(json(clips));
  const codes = tensors.get('codes');
  const [count, numCodebooks = 0, frames = 0, ...more] = codes?.shape ?? [];
  if (!(codes?.data instanceof Uint8Array) || more.length > 0 || numCodebooks < 1 || numCodebooks > MAX_CODEBOOKS || frames < 1) {
    throw new BadSubmission(`Expected codes U8 [clips, codebooks, frames], got ${codes === undefined ? 'none' : `${codes.dtype} [${codes.shape.join(', ')}]`}`);
  }
  if (count !== labels.length) throw new BadSubmission(`Expected codes of ${labels.length} clips, got ${count}`);
  const { data } = codes;
  const size = numCodebooks * frames;
  return { name, licence, sharing, clips: labels.map((label, i) => ({ codes: data.subarray(i * size, (i + 1) * size), numCodebooks, frames, ...label })) };
}

/** @returns the digest is of the dataset's own file */
export function manifestOf(dataset: Dataset): DatasetManifest {
  const { name, licence, sharing, clips } = dataset;
  return { name, licence, sharing, digest: fileDigest(encodeDataset(dataset)), clips: clips.length };
}

/**
 * A dataset by the composer: so many clips of each style, the same for the same seed.
 * @throws {InvalidInput} when there is no such style
 */
export function composeDataset(of: { name: string; styles: readonly string[]; clips: number; seed: string; licence: string; sharing: Dataset['sharing'] }): Dataset {
  const { name, licence, sharing, styles, seed } = of;
  const clips = styles.flatMap((style) => Array.from({ length: of.clips }, (_, i) => compose({ style, seed: `dataset/${seed}/${i}` })));
  return { name, licence, sharing, clips };
}

/** One by one: of a long list of wrong ones the first is enough to know. */
function labelsOf(value: unknown): z.infer<typeof Label>[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_CLIPS) throw new BadSubmission(`Expected captions and styles of 1 to ${MAX_CLIPS} clips, got ${Array.isArray(value) ? value.length : 'no list'}`);
  return value.map((one, i) => parsed(Label, one, `a caption and a style of clip ${i}`));
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new BadSubmission(`Expected ${what}, got one with\n${z.prettifyError(result.error)}`);
  return result.data;
}

function json(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new BadSubmission('Expected the clips of a dataset in JSON, got other text', { cause });
  }
}
