import { clipsOfSong } from '../../genki/data/audio/clips-of-song.ts';
import { codeSong, type CutRule, hear, MIN_SECONDS, secondsOf } from '../../genki/data/audio/code-song.ts';
import { decodeKnownSong, encodeKnownSong, type KnownSong } from '../../genki/data/audio/coded-file.ts';
import { mergedFacts } from '../../genki/data/audio/facts.ts';
import { type Fingerprint, isSameSong } from '../../genki/data/audio/fingerprint.ts';
import type { SoundCoder } from '../../genki/data/audio/sound-coder.ts';
import { BadSubmission, InvalidInput, TooLarge } from '../../genki/errors.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { digestOfFile } from '../../genki/store/digest.ts';
import type { CodesCache } from './codes-cache.ts';
import { type ImportedFile, notImported } from './file-report.ts';
import type { MusicFile } from './music-files.ts';
import { withFile } from './read-file.ts';
import type { SoundReader } from './read-sound.ts';
import { toldOfSound } from './told-of-sound.ts';

/** Changes whenever the same sound would be heard, cut or levelled otherwise, so that nothing older is found. */
const RULES = 1;
const MAX_FILE_BYTES = 2 ** 35;

/** What was left out, by why: songs, and segments of songs. */
export type Dropped = { readonly duplicates: number; readonly short: number; readonly silence: number; readonly clipping: number; readonly unplayable: number };

export type RecordingImport = {
  readonly coder: SoundCoder;
  readonly read: SoundReader;
  readonly rule: CutRule;
  readonly cache?: CodesCache | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after each segment and each file. */
  readonly progress?: (done: Progress) => void;
};

/** `codedSeconds`: of music that was coded anew, not found in the cache. */
export type Progress = { readonly files: number; readonly segments: number; readonly codedSeconds: number };

/**
 * Recordings as clips of a model's codes, one file after the other: whatever is in one, the others are read. What was
 * coded is kept, so that an import that was stopped carries on where it was.
 */
export async function importRecordings(files: readonly MusicFile[], options: RecordingImport): Promise<{ readonly files: readonly ImportedFile[]; readonly dropped: Dropped }> {
  const importing = new Importing(options);
  const all: ImportedFile[] = [];
  for (const { path, problem } of files) {
    try {
      if (problem !== undefined) throw new InvalidInput(problem);
      all.push(await importing.file(path));
    } catch (error) {
      if (!(error instanceof InvalidInput) && !(error instanceof TooLarge)) throw error;
      all.push(notImported(path, error.message));
    }
    importing.fileDone();
  }
  return { files: all, dropped: importing.dropped };
}

class Importing {
  readonly #options: RecordingImport;
  /** Files by the sha256 of their bytes. */
  readonly #bytes = new Map<string, string>();
  readonly #songs: { readonly path: string; readonly fingerprint: Fingerprint }[] = [];
  #progress: Progress = { files: 0, segments: 0, codedSeconds: 0 };
  dropped: Dropped = { duplicates: 0, short: 0, silence: 0, clipping: 0, unplayable: 0 };

  constructor(options: RecordingImport) {
    this.#options = options;
  }

  fileDone(): void {
    this.#tell({ files: 1 });
  }

  async file(path: string): Promise<ImportedFile> {
    const { coder, rule, signal } = this.#options;
    signal?.throwIfAborted();
    const { sha256 } = await withFile(path, async (file) => {
      const { size } = await file.stat();
      if (size > MAX_FILE_BYTES) throw new TooLarge(`Expected a file of at most ${MAX_FILE_BYTES} bytes, got ${size}`);
      return await digestOfFile(file, { signal });
    });
    const twin = this.#bytes.get(sha256);
    if (twin !== undefined) return this.#without(path, 'duplicates', `the same bytes as ${twin}`);
    const told = await toldOfSound(path);
    const known = (await this.#known(sha256)) ?? (await this.#coded(path, sha256));
    if ('left' in known) return known.left;
    const { heard, song, tags, notes } = known;
    const same = this.#sameAs(heard.fingerprint);
    if (same !== undefined) return this.#without(path, 'duplicates', `the same song as ${same}`);
    const facts = mergedFacts([told.beside, tags, told.name, { ...(heard.bpm !== undefined && { bpm: heard.bpm }), ...(heard.key !== undefined && { key: heard.key }) }]);
    const { clips, isCut, unknownWords } = clipsOfSong(song.segments, facts, { coder, seed: `${rule.seed}/${sha256}` });
    if (clips.length > 0) {
      this.#bytes.set(sha256, path);
      this.#songs.push({ path, fingerprint: heard.fingerprint });
    }
    return { clips, report: { file: path, clips: clips.length, dropped: this.#flawsOf(song.flaws, clips.length), unknownWords, notes: [...notes, ...(isCut ? ['its caption is cut to what a model is told'] : []), ...(clips.some(({ caption }) => caption === '') ? ['nothing is known for a caption'] : [])] } };
  }

  async #known(sha256: string): Promise<KnownSong | undefined> {
    const { cache, coder } = this.#options;
    const bytes = await cache?.find(this.#key(sha256));
    if (bytes === undefined) return undefined;
    try {
      const known = decodeKnownSong(bytes, coder);
      this.#tell({ segments: known.song.segments.length });
      return known;
    } catch (error) {
      if (error instanceof BadSubmission) return undefined; // then it is coded again, and kept in its place
      throw error;
    }
  }

  async #coded(path: string, sha256: string): Promise<KnownSong | { readonly left: ImportedFile }> {
    const { coder, rule, read, cache, signal } = this.#options;
    const { audio, tags, notes } = await read(path, signal);
    const seconds = secondsOf(audio);
    if (seconds < MIN_SECONDS) return { left: this.#without(path, 'short', `${seconds.toFixed(2)} s are too short`) };
    const heard = hear(audio);
    const same = this.#sameAs(heard.fingerprint);
    if (same !== undefined) return { left: this.#without(path, 'duplicates', `the same song as ${same}`) };
    const song = await codeSong(audio, { coder, rule, digest: sha256, signal, coded: (codedSeconds) => this.#tell({ segments: 1, codedSeconds }) });
    const known = { heard, song, tags, notes };
    await cache?.keep(this.#key(sha256), encodeKnownSong(known));
    return known;
  }

  #sameAs(fingerprint: Fingerprint): string | undefined {
    return this.#songs.find((song) => isSameSong(song.fingerprint, fingerprint))?.path;
  }

  /** Of all that a song's codes depend on. */
  #key(sha256: string): string {
    const { coder, rule } = this.#options;
    return sha256Hex(new TextEncoder().encode(JSON.stringify([RULES, sha256, coder.digest, rule.frames, rule.maxSegments, rule.seed])));
  }

  #without(path: string, why: 'duplicates' | 'short', words: string): ImportedFile {
    this.#count({ [why]: 1 });
    return { clips: [], report: { file: path, clips: 0, dropped: [`everything: ${words}`], unknownWords: [] } };
  }

  #flawsOf(flaws: KnownSong['song']['flaws'], clips: number): string[] {
    this.#count(flaws);
    const { silence, clipping, unplayable } = flaws;
    const said = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${count === 1 ? 'segment' : 'segments'} ${what}`]);
    return [...said(silence, 'of silence'), ...said(clipping, 'that clip'), ...said(unplayable, 'that the model cannot play'), ...(clips === 0 ? ['everything'] : [])];
  }

  #count(more: Partial<Dropped>): void {
    this.dropped = sum(this.dropped, more);
  }

  #tell(more: Partial<Progress>): void {
    this.#progress = sum(this.#progress, more);
    this.#options.progress?.(this.#progress);
  }
}

const sum = <T extends Readonly<Record<string, number>>>(counts: T, more: Partial<T>): T => Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count + (more[name] ?? 0)])) as T;
