import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ChecksumMismatch, InvalidInput, StoreUnavailable, TooLarge } from '../../errors.ts';
import { dirDigest } from '../../protocol/digests.ts';
import { draftName } from '../../store/drafts.ts';
import { PATIENCE, watched } from '../../store/retry.ts';
import { codeOf, rethrow } from '../../store/system-errors.ts';
import type { EmbedderSpec } from './embedder.ts';

export type LaionSpec = Extract<EmbedderSpec, { kind: 'laion-clap' }>;

/** What a LAION-CLAP consists of; nothing else of its folder is read, and `digest` is over these and no others. */
export const LAION_FILES = ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/audio_model.onnx', 'onnx/text_model.onnx'] as const;

const HUB = 'https://huggingface.co';
/** Of one file: the largest of LAION's, the text network in float32, has 0.5 GB. */
const MAX_BYTES = 2 ** 31;

/** How an ONNX file begins to say where other files hold its weights, which no digest would cover: the key of an `external_data` entry. */
const ELSEWHERE = Buffer.from('\n\blocation');

export type LaionSource = {
  /** Of the six files; used instead of the hub. */
  readonly folder?: string;
  /** Where what the hub gave is kept, under repository and revision. */
  readonly cacheDir?: string;
  /** Another address of the hub, as mirrors have. */
  readonly hub?: string;
};

/**
 * A folder with the six files of a LAION-CLAP, their digest checked.
 *
 * @throws {InvalidInput} for a repository that is no `owner/name`, a revision that is not 40 hex digits, neither folder nor
 *   cacheDir, a file that is not there, or a network with weights in further files
 * @throws {ChecksumMismatch} when the files are not those of `spec.digest`
 * @throws {StoreUnavailable} when the hub does not answer; {TooLarge} when it gives more than 2 GiB
 */
export async function laionFolder(spec: LaionSpec, source: LaionSource): Promise<string> {
  const { repository, revision, digest } = spec;
  const isName = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(repository) && !repository.includes('..');
  if (!isName) throw new InvalidInput(`Expected a repository owner/name, got ${repository.slice(0, 80)}`);
  if (!/^[0-9a-f]{40}$/.test(revision)) throw new InvalidInput(`Expected a revision of 40 hex digits, got ${revision.slice(0, 80)}`);
  // absolute, lest a short path be taken for the name of a repository
  const folder = source.folder === undefined ? await download(spec, source) : resolve(source.folder);
  const got = await laionDigest(folder);
  if (got === digest) return folder;
  if (source.folder === undefined) await rm(folder, { recursive: true, force: true }); // asked for anew the next time
  throw new ChecksumMismatch(`Expected LAION-CLAP in ${folder} to have digest ${digest}, got ${got}`);
}

/**
 * Digest of a LAION-CLAP: `dirDigest` over its six files.
 * @throws {InvalidInput} for a file that is not there, or a network with weights in further files
 */
export async function laionDigest(folder: string): Promise<string> {
  const digests = new Map<string, string>();
  for (const file of LAION_FILES) digests.set(file, await digestOfFile(folder, file));
  return dirDigest(digests);
}

async function digestOfFile(folder: string, file: string): Promise<string> {
  const hash = createHash('sha256');
  let before = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(join(folder, file), { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      const joined = Buffer.concat([before, chunk]);
      if (file.endsWith('.onnx') && joined.includes(ELSEWHERE)) throw new InvalidInput(`Expected ${file} of LAION-CLAP to hold its weights, got one that takes them from another file`);
      before = joined.subarray(1 - ELSEWHERE.length);
    }
  } catch (cause) {
    if (cause instanceof InvalidInput) throw cause;
    throw new InvalidInput(`Expected a file ${file} of LAION-CLAP in ${folder}, got ${codeOf(cause)}`, { cause });
  }
  return hash.digest('base64');
}

/** Asks the hub for what the cache does not have, by the pinned revision. */
async function download({ repository, revision }: LaionSpec, { cacheDir, hub = HUB }: LaionSource): Promise<string> {
  if (cacheDir === undefined) throw new InvalidInput('Expected a folder with the files of LAION-CLAP or a cacheDir for them, got neither');
  const folder = resolve(cacheDir, 'laion-clap', repository, revision);
  for (const file of LAION_FILES) {
    const path = join(folder, file);
    if (!(await isFile(path))) await fetchFile(`${hub}/${repository}/resolve/${revision}/${file}`, path);
  }
  return folder;
}

/** The file appears under its path whole or not at all. */
async function fetchFile(url: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch(rethrow);
  const draft = `${path}.${draftName()}`;
  const file = await open(draft, 'wx').catch(rethrow);
  try {
    await watched({ stallMs: PATIENCE.stallMs }, (signal, alive) => copyBody(url, file, { signal, alive }));
    await file.sync();
    await rename(draft, path);
  } catch (cause) {
    if (cause instanceof InvalidInput || cause instanceof TooLarge) throw cause;
    if (codeOf(cause) !== '') rethrow(cause);
    throw new StoreUnavailable(`Expected ${url}, got ${reasonOf(cause)}; where the hub cannot be reached, put ${LAION_FILES.join(', ')} into a folder and name it`, { cause });
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}

async function copyBody(url: string, file: FileHandle, { signal, alive }: { signal: AbortSignal; alive: () => void }): Promise<void> {
  const { status, body } = await fetch(url, { signal });
  if (status >= 400 && status < 500 && status !== 429) throw new InvalidInput(`Expected ${url}, got status ${status}`);
  if (status !== 200 || body === null) throw new Error(`status ${status}`);
  let bytes = 0;
  for await (const chunk of body) {
    alive();
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_BYTES) throw new TooLarge(`Expected ${url} to have at most ${MAX_BYTES} bytes, got more`);
    await file.writeFile(chunk as Uint8Array);
  }
}

/** fetch says why only in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

const isFile = (path: string): Promise<boolean> => lstat(path).then((found) => found.isFile(), () => false);
