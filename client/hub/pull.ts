import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { downloadFile, listFiles, modelInfo, type ListFileEntry } from '@huggingface/hub';
import { ChecksumMismatch, InvalidInput, StoreUnavailable, TooLarge } from '../../genki/errors.ts';
import { saveFile } from '../../genki/store/partial-file.ts';
import { Passing } from '../../genki/store/retry.ts';
import { MemorySink, type Sink } from '../../genki/store/sink.ts';
import { rethrow } from '../../genki/store/system-errors.ts';
import { asked, askHub, type Hub } from './hub.ts';
import { strictest } from './licence.ts';
import { isCommit, type Repository } from './repository.ts';
import { readSource, SOURCE_FILE, type Source } from './source.ts';
import { type WantedFile, wantedFiles } from './wanted-files.ts';

export type PullOptions = {
  /** Folder that the model appears in, whole. */
  readonly folder: string;
  /** Of all its files together. */
  readonly maxBytes: number;
  readonly onProgress?: (progress: { readonly file: string; readonly done: number; readonly total: number }) => void;
};

/** A repository's files beyond this many are not listed: a model has dozens. */
const MAX_ENTRIES = 10_000;

/**
 * A model or adapter from the hub, in a folder of its own with a `source.json`. The revision is resolved once and every file
 * fetched by its commit, checked by its digest. What an interrupted pull has left is continued; until all is there the
 * folder is not. One that is there already, of the same commit, is left as it is.
 *
 * @throws {InvalidInput} when the hub has no such thing or the folder holds something else; {TooLarge} for more than
 *   `maxBytes`, {ChecksumMismatch} for other bytes than the hub names, {StoreUnavailable} when it does not answer, or the disk is full
 */
export async function pull(hub: Hub, repository: Repository, { folder, maxBytes, onProgress = () => undefined }: PullOptions): Promise<{ source: Source; isNew: boolean }> {
  const target = resolve(folder);
  const known = existsSync(target) ? await readSource(target) : undefined;
  if (existsSync(target) && known?.repository !== repository.name) throw new InvalidInput(`Expected a folder that is not there yet, or holds ${repository.name}, got ${folder}`);
  const { revision, licence } = await resolved(hub, repository);
  if (known && known.revision !== revision) throw new InvalidInput(`Expected a folder for revision ${revision}, ${folder} holds ${known.revision}: pull into another one`);
  if (known) return { source: known, isNew: false };

  const wanted = wantedFiles(await listed(hub, repository.name, revision), { repository: repository.name, maxBytes });
  const work = `${target}.pulling-${revision.slice(0, 12)}`;
  await mkdir(work, { recursive: true }).catch(rethrow);
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  await checkRoom(work, wanted);
  let before = 0;
  const files: Record<string, string> = {};
  for (const file of wanted) {
    files[file.name] = await fetched(hub, { repository: repository.name, revision, file, path: join(work, file.name) }, (bytes) => onProgress({ file: file.name, done: before + bytes, total }));
    before += file.bytes;
    onProgress({ file: file.name, done: before, total });
  }
  const source: Source = { version: 1, hub: hub.url, repository: repository.name, revision, ...(licence !== undefined && { licence }), files };
  await writeFile(join(work, SOURCE_FILE), `${JSON.stringify(source, null, 2)}\n`).catch(rethrow);
  await rename(work, target).catch(rethrow);
  return { source, isNew: true };
}

/** The commit that the revision names at this moment, and the licence that its card names. */
async function resolved(hub: Hub, { name, revision }: Repository): Promise<{ revision: string; licence?: string }> {
  const { sha, tags } = await askHub(hub, `look up ${name}${revision === undefined ? '' : `@${revision}`}`, (signal) =>
    modelInfo({ ...asked(hub, signal), name, ...(revision !== undefined && { revision }), additionalFields: ['sha', 'tags'] }));
  const wanted = revision !== undefined && isCommit(revision) ? revision : undefined;
  if (typeof sha !== 'string' || !isCommit(sha) || (wanted !== undefined && sha !== wanted)) throw new InvalidInput(`Expected the hub to name the commit ${wanted ?? ''} of ${name}, got ${String(sha).slice(0, 60)}`);
  const licence = strictest(Array.isArray(tags) ? tags.filter((tag) => /^license:[\w.+-]{1,64}$/.test(tag)).map((tag) => tag.slice('license:'.length)) : []);
  return { revision: sha, ...(licence !== undefined && { licence }) };
}

const listed = (hub: Hub, name: string, revision: string): Promise<ListFileEntry[]> =>
  askHub(hub, `list ${name}`, async (signal) => {
    const entries: ListFileEntry[] = [];
    for await (const entry of listFiles({ ...asked(hub, signal), repo: name, revision })) {
      if (entries.push(entry) > MAX_ENTRIES) throw new InvalidInput(`Expected at most ${MAX_ENTRIES} files in ${name}, got more`);
    }
    return entries;
  });

/** Said before the first byte rather than after the last that fits; what is there already needs none. */
async function checkRoom(folder: string, wanted: readonly WantedFile[]): Promise<void> {
  const missing = await Promise.all(wanted.map(async ({ name, bytes }) => (await stat(join(folder, name)).catch(() => undefined) ? 0 : bytes)));
  const bytes = missing.reduce((sum, more) => sum + more, 0) - (await begun(folder));
  const { bavail, bsize } = await statfs(folder).catch(rethrow);
  if (bavail * bsize < bytes) throw new StoreUnavailable(`Expected ${bytes} bytes of room in ${dirname(folder)}, there are ${bavail * bsize}`);
}

/** Bytes of files that an interrupted pull has begun. */
async function begun(folder: string): Promise<number> {
  const parts = (await readdir(folder).catch(rethrow)).filter((name) => name.endsWith('.part'));
  const sizes = await Promise.all(parts.map((name) => stat(join(folder, name)).then(({ size }) => size, () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

type Fetching = { readonly repository: string; readonly revision: string; readonly file: WantedFile; readonly path: string };

/** Fetches one file, unless it is there already; its sha256, hex. */
async function fetched(hub: Hub, of: Fetching, came: (bytes: number) => void): Promise<string> {
  const { file: { name, bytes, digest }, path, repository } = of;
  if (digest.kind === 'git') return await fetchedText(hub, of, came);
  // a file appears under its name only when it is whole and has this digest
  if (!existsSync(path)) await saveFile({ bucket: repository, key: name, sha256: digest.hex, bytes }, path, (sink) => streamed(hub, of, sink, came));
  return digest.hex;
}

/** Appends what the sink does not have yet. */
const streamed = (hub: Hub, { repository, revision, file: { name, bytes } }: Fetching, sink: Sink, came: (bytes: number) => void): Promise<void> =>
  askHub(hub, `get ${name} of ${repository}`, async (signal, alive) => {
    const from = sink.bytes;
    if (from === bytes) return;
    const blob = await downloadFile({ ...asked(hub, signal), repo: repository, path: name, revision, xet: false });
    if (blob?.size !== bytes) throw new InvalidInput(`Expected ${name} of ${repository} to have ${bytes} bytes, got ${blob?.size ?? 'none'}`);
    for await (const chunk of blob.slice(from).stream() as AsyncIterable<Uint8Array>) {
      if (sink.bytes + chunk.byteLength > bytes) throw new TooLarge(`Expected ${name} of ${repository} to have ${bytes} bytes, got more`);
      await sink.write(chunk);
      alive(chunk.byteLength);
      came(sink.bytes);
    }
    if (sink.bytes < bytes) throw new Passing('fewer bytes than were announced');
  });

/** A small file, whose digest is git's: the sha1 of its length and its bytes. */
async function fetchedText(hub: Hub, of: Fetching, came: (bytes: number) => void): Promise<string> {
  const { file: { name, digest }, path, repository } = of;
  const sink = new MemorySink();
  await streamed(hub, of, sink, came);
  const text = sink.body();
  const git = createHash('sha1').update(`blob ${text.byteLength}\0`).update(text).digest('hex');
  if (git !== digest.hex) throw new ChecksumMismatch(`Expected ${name} of ${repository} to have git digest ${digest.hex}, got ${git}`);
  await writeFile(path, text).catch(rethrow);
  return createHash('sha256').update(text).digest('hex');
}
