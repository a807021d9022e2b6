import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, rm, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { participantOf, readParticipants, setDataset, type Participant } from '../../activities/participants.ts';
import { plainText } from '../../activities/plain-text.ts';
import { type Dataset, type DatasetManifest, encodeDataset, manifestOf } from '../../genki/data/dataset.ts';
import { MIDI_LIMITS } from '../../genki/data/midi/check-bytes.ts';
import type { CutOptions } from '../../genki/data/midi/cut.ts';
import { importMidi, withoutDuplicates } from '../../genki/data/midi/import-midi.ts';
import { InvalidInput, TooLarge } from '../../genki/errors.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { readDeployment } from '../../workers/deployment.ts';
import { homeOf, storeSettingsOf } from '../../workers/settings.ts';
import { createStore } from '../../workers/store.ts';
import { cuttingOf } from '../data/cutting.ts';
import { droppedOf } from '../data/dropped.ts';
import { findMidiFiles, readFileWithin, toldOf } from '../data/midi-files.ts';

export type ImportOptions = {
  readonly paths: readonly string[];
  readonly name: string;
  readonly hotkey?: string;
  readonly output?: string;
  readonly licence?: string;
  readonly shared: boolean;
  readonly clipsPerFile: number;
  readonly seed: string;
  readonly skipBad: boolean;
  readonly json: boolean;
};

/** What became of one file: its clips and what is not in them, or why there are none. */
type FileReport = { readonly file: string; readonly clips: number; readonly dropped: readonly string[]; readonly unknownWords: readonly string[]; readonly error?: string };

/** `genki data import`: MIDI files to a dataset, a miner's or a file. Exits 1 when a file could not be read, unless told to skip it. */
export async function importData(options: ImportOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const { shared, hotkey, output } = options;
  if ((hotkey === undefined) === (output === undefined)) throw new InvalidInput('Expected either a miner whose music it is (--miner), or a file to write (-o)');
  if (output !== undefined) checkOutput(output);
  if (shared && options.licence === undefined) throw new InvalidInput('Expected the licence of music that is shared (--licence, such as CC-BY-4.0), got none');
  const home = homeOf(env);
  const competition = hotkey === undefined ? RUBY : (await readDeployment(home)).competition;
  const who = hotkey === undefined ? undefined : participantOf(await readParticipants(home), 'miner', hotkey);
  const read = await readAll(await findMidiFiles(options.paths), cuttingOf(competition, options));
  const found = read.flatMap(({ clips }) => clips);
  const clips = withoutDuplicates(found);
  const failed = read.filter(({ report }) => report.error !== undefined).length;
  if (clips.length === 0) throw new InvalidInput(`Expected music in ${read.length} files, got none\n${read.map(({ report }) => lineOf(report)).join('\n')}`);
  const dataset: Dataset = { name: options.name, licence: options.licence ?? 'LicenseRef-private', sharing: shared ? 'shared' : 'private', clips };
  const file = encodeDataset(dataset);
  const about = manifestOf(dataset);
  const kept = who === undefined ? await keepFile(output!, file, { mode: shared ? 0o666 : 0o600 }) : await keepAsMiners({ home, store: createStore(storeSettingsOf(env, home)) }, who, { about, file });
  const files = read.map(({ report }) => report);
  const duplicates = found.length - clips.length;
  if (options.json) process.stdout.write(`${JSON.stringify({ ...about, ...kept, duplicates, failed, files })}\n`);
  else process.stdout.write(`${[...files.map(lineOf), ...summaryOf({ ...about, ...kept, duplicates })].join('\n')}\n`);
  if (failed > 0 && !options.skipBad) process.exitCode = 1;
}

type Kept = { readonly output: string } | { readonly miner: string; readonly object: string; readonly before?: string };

const cannotWrite = (output: string, reason: string, cause?: unknown): InvalidInput => new InvalidInput(`Expected to write ${output}, ${reason}`, { cause });

/** Said before the music is read rather than after. @throws {InvalidInput} */
function checkOutput(output: string): void {
  if (extname(output).toLowerCase() !== '.safetensors') throw new InvalidInput(`Expected an output ending in .safetensors, got ${output}`);
  if (existsSync(output)) throw cannotWrite(output, 'it is there already');
}

/** Whole or not at all, and over nothing. @throws {InvalidInput} when it cannot be written */
async function keepFile(output: string, file: Uint8Array, { mode }: { mode: number }): Promise<Kept> {
  const draft = `${output}.${randomBytes(4).toString('hex')}.draft`;
  try {
    await writeFile(draft, file, { mode, flag: 'wx' });
    await link(draft, output);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw cannotWrite(output, code === 'EEXIST' ? 'it is there already' : `got ${code}`, cause);
  } finally {
    await rm(draft, { force: true });
  }
  return { output };
}

async function keepAsMiners({ home, store }: { home: string; store: ObjectStore }, { name, hotkey, privateBucket }: Participant, { about, file }: { about: DatasetManifest; file: Uint8Array }): Promise<Kept> {
  const key = `datasets/${Buffer.from(about.digest, 'base64').toString('hex')}.safetensors`;
  const ref = await store.putOnce(privateBucket, key, file);
  const before = await setDataset(home, hotkey, { ...about, ref });
  const object = `${privateBucket}/${key}`;
  return { miner: name, object, ...(before !== undefined && { before: `${before.name} (${before.clips} clips), kept in ${before.ref.bucket}/${before.ref.key}` }) };
}

type Read = { readonly report: FileReport; readonly clips: readonly Clip[] };

/** One file after the other: whatever is in one, the others are read. */
async function readAll(files: readonly string[], options: CutOptions): Promise<Read[]> {
  const all: Read[] = [];
  for (const file of files) {
    try {
      const imported = importMidi(await readFileWithin(file, MIDI_LIMITS.bytes), await toldOf(file), options);
      all.push({ clips: imported.clips, report: { file, clips: imported.clips.length, dropped: droppedOf(imported), unknownWords: imported.unknownWords } });
    } catch (error) {
      if (!(error instanceof InvalidInput) && !(error instanceof TooLarge)) throw error;
      all.push({ clips: [], report: { file, clips: 0, dropped: [], unknownWords: [], error: error.message } });
    }
  }
  return all;
}

function lineOf({ file, clips, dropped, unknownWords, error }: FileReport): string {
  if (error !== undefined) return `${named(file)}: not imported: ${plainText(error)}`;
  const notes = [...(dropped.length === 0 ? [] : [`without ${dropped.join(', ')}`]), ...(unknownWords.length === 0 ? [] : [`words that no model knows: ${plainText(unknownWords.join(' '))}`])];
  return `${named(file)}: ${clips} ${clips === 1 ? 'clip' : 'clips'}${notes.length === 0 ? '' : `; ${notes.join('; ')}`}`;
}

/** A file's name may hold what moves a terminal's cursor. */
const named = (file: string): string => file.replaceAll(/\p{C}/gu, '?');

function summaryOf({ name, licence, sharing, clips, digest, duplicates, ...kept }: DatasetManifest & Kept & { duplicates: number }): string[] {
  const what = `${name}: ${clips} clips${duplicates === 0 ? '' : ` (${duplicates} that were there twice are left out)`}, ${licence}, ${sharing}, digest ${digest}`;
  if ('output' in kept) return [what, `written to ${kept.output}`];
  const before = kept.before === undefined ? [] : [`before: ${kept.before}`];
  return [what, `${kept.miner} trains on it from the next window on; kept in ${kept.object}`, ...before];
}
