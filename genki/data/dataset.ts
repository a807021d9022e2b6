import * as z from 'zod';
import { BadSubmission, InvalidInput } from '../errors.ts';
import type { Clip, Codes } from '../music/clip.ts';
import { fileDigest } from '../protocol/digests.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../protocol/safetensors.ts';
import { compose } from './composer.ts';

/** Music to learn from. What is private never leaves its miner; only its manifest does. */
export type Dataset = {
  readonly name: string;
  /** SPDX identifier, such as `CC0-1.0`. */
  readonly licence: string;
  readonly sharing: 'shared' | 'private';
  /** Digest of the codec whose codes the clips are (`codecDigest`); none: the sound chip's. */
  readonly codec?: string | undefined;
  /** At least one, all with as many codebooks and codes of the same width; pieces that end early have fewer frames. */
  readonly clips: readonly Clip[];
};

/** What may be said of a dataset in public: never the clips. */
export type DatasetManifest = Pick<Dataset, 'name' | 'licence' | 'sharing'> & { readonly digest: string; readonly clips: number };

const FORMAT = 'genki-dataset-1';
const MAX_CLIPS = 2 ** 20;
const MAX_CODES = 2 ** 31;
const MAX_CODEBOOKS = 32;

const text = (max: number) => z.string().min(1).max(max);
const About = z.strictObject({ format: z.literal(FORMAT), name: text(128), licence: text(64), sharing: z.enum(['shared', 'private']), codec: text(64).optional(), clips: z.string() });
const Label = z.strictObject({ caption: z.string().max(1024), style: text(64), /** of a clip that is shorter than the longest */ frames: z.int().positive().optional() });

/**
 * The dataset as a file: safetensors with `codes` U8 or U16 [clips, codebooks, frames], as the clips hold them, shorter
 * ones filled up with 0; the rest in its metadata. The same dataset gives the same bytes.
 * @throws {InvalidInput} when there is no clip, clips differ in codebooks or width, or it could not be read back
 */
export function encodeDataset({ clips, ...about }: Dataset): Uint8Array {
  const [first] = clips;
  if (first === undefined) throw new InvalidInput(`Expected dataset ${about.name} to have clips, got none`);
  const { numCodebooks } = first;
  const frames = clips.reduce((most, clip) => Math.max(most, clip.frames), 0);
  const size = numCodebooks * frames;
  const isWide = first.codes instanceof Uint16Array;
  const codes = isWide ? new Uint16Array(clips.length * size) : new Uint8Array(clips.length * size);
  clips.forEach((clip, i) => {
    if (clip.codes instanceof Uint16Array !== isWide) throw new InvalidInput(`Expected clip ${i} of dataset ${about.name} to have codes of ${isWide ? 16 : 8} bits, got ${isWide ? 8 : 16}`);
    if (clip.numCodebooks !== numCodebooks || clip.codes.length !== numCodebooks * clip.frames) {
      throw new InvalidInput(`Expected clip ${i} of dataset ${about.name} to have ${numCodebooks} codebooks of ${clip.frames} codes, got ${clip.numCodebooks} and ${clip.codes.length} codes in all`);
    }
    for (let k = 0; k < numCodebooks; k++) codes.set(clip.codes.subarray(k * clip.frames, (k + 1) * clip.frames), i * size + k * frames);
  });
  const tensor: HostTensor = { shape: [clips.length, numCodebooks, frames], dtype: isWide ? 'U16' : 'U8', data: codes };
  const labels = clips.map(({ caption, style, frames: own }) => ({ caption, style, ...(own < frames && { frames: own }) }));
  const metadata = { format: FORMAT, name: about.name, licence: about.licence, sharing: about.sharing, ...(about.codec !== undefined && { codec: about.codec }), clips: JSON.stringify(labels) };
  const wrong = [About.safeParse(metadata), ...labels.map((label) => Label.safeParse(label))].find(({ success }) => !success);
  if (wrong?.error) throw new InvalidInput(`Expected a dataset that can be read back, got one with\n${z.prettifyError(wrong.error)}`);
  return encodeSafetensors(new Map([['codes', tensor]]), metadata);
}

/** @throws {InvalidInput} when a dataset cannot be called so */
export function checkAbout(about: Omit<Dataset, 'clips'>): void {
  const { error } = About.safeParse({ format: FORMAT, clips: '', ...about });
  if (error) throw new InvalidInput(`Expected a dataset that can be read back, got one with\n${z.prettifyError(error)}`);
}

/**
 * The dataset in a file.
 * @throws {BadSubmission} when it is another kind of file, or says one thing and holds another
 */
export function decodeDataset(bytes: Uint8Array): Dataset {
  const { tensors, metadata } = decodeSafetensors(bytes, { maxTensors: 1, maxElements: MAX_CODES, maxHeaderBytes: 2 ** 30 });
  const { name, licence, sharing, codec, clips } = parsed(About, metadata, 'a dataset');
  const labels = labelsOf(json(clips));
  const codes = tensors.get('codes');
  const [count, numCodebooks = 0, frames = 0, ...more] = codes?.shape ?? [];
  const data = codes?.data;
  const isCodes = data instanceof Uint8Array || data instanceof Uint16Array;
  if (!isCodes || more.length > 0 || numCodebooks < 1 || numCodebooks > MAX_CODEBOOKS || frames < 1) {
    throw new BadSubmission(`Expected codes U8 or U16 [clips, codebooks, frames], got ${codes === undefined ? 'none' : `${codes.dtype} [${codes.shape.join(', ')}]`}`);
  }
  if (count !== labels.length) throw new BadSubmission(`Expected codes of ${labels.length} clips, got ${count}`);
  const size = numCodebooks * frames;
  const clipOf = ({ frames: wanted, ...label }: z.infer<typeof Label>, clip: number): Clip => ({ numCodebooks, ...beginningOf(data.subarray(clip * size, (clip + 1) * size), { frames, wanted, clip }), ...label });
  return { name, licence, sharing, ...(codec !== undefined && { codec }), clips: labels.map(clipOf) };
}

/**
 * @param file the dataset's own, whose digest is the manifest's
 */
export function manifestOf(dataset: Dataset, file = encodeDataset(dataset)): DatasetManifest {
  const { name, licence, sharing, clips } = dataset;
  return { name, licence, sharing, digest: fileDigest(file), clips: clips.length };
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

/** The first frames of each codebook. */
function beginningOf(codes: Codes, { frames, wanted = frames, clip }: { frames: number; wanted?: number | undefined; clip: number }): Pick<Clip, 'codes' | 'frames'> {
  if (wanted > frames) throw new BadSubmission(`Expected clip ${clip} to have at most ${frames} frames, got ${wanted}`);
  if (wanted === frames) return { codes, frames };
  const short = codes.slice(0, (codes.length / frames) * wanted);
  for (let k = 0; k * wanted < short.length; k++) short.set(codes.subarray(k * frames, k * frames + wanted), k * wanted);
  return { codes: short, frames: wanted };
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
