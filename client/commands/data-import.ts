import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { Deployment } from '../../activities/deployment.ts';
import { participantOf, readParticipants, setDataset, type Participant } from '../../activities/participants.ts';
import { transcribingCoder } from '../../genki/data/audio/transcribing-coder.ts';
import { checkAbout, type Dataset, type DatasetManifest, encodeDataset, manifestOf } from '../../genki/data/dataset.ts';
import { withoutDuplicates } from '../../genki/data/midi/import-midi.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { CHANNELS } from '../../genki/music/apu/codes.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { readDeployment } from '../../workers/deployment.ts';
import { homeOf, storeSettingsOf } from '../../workers/settings.ts';
import { createStore } from '../../workers/store.ts';
import { CodesCache } from '../data/codes-cache.ts';
import { cuttingOf } from '../data/cutting.ts';
import { type ImportedFile, lineOf } from '../data/file-report.ts';
import { importMidiFiles } from '../data/import-midi-files.ts';
import { importProgress } from '../data/import-progress.ts';
import { type Dropped, importRecordings, type RecordingImport } from '../data/import-recordings.ts';
import { findMusicFiles, isMidi, MIDI_ENDINGS, type MusicFile, SOUND_ENDINGS } from '../data/music-files.ts';
import { checkFits, openCoder, segmentFrames } from '../data/open-coder.ts';
import { playMidi } from '../data/play-midi.ts';
import { soundReader } from '../data/read-sound.ts';
import { findFfmpeg } from '../ffmpeg.ts';
import { stopSignal, Stopped } from '../stop-signal.ts';

export type ImportOptions = {
  readonly paths: readonly string[];
  readonly name: string;
  readonly hotkey?: string;
  readonly output?: string;
  /** Folder of the music model whose codes recordings become; default: the miner's competition's. */
  readonly model?: string;
  readonly licence?: string;
  readonly shared: boolean;
  readonly clipsPerFile: number;
  /** Of a segment of a recording; default: as long as the model plays at once. */
  readonly seconds?: number;
  readonly seed: string;
  readonly skipBad: boolean;
  readonly json: boolean;
};

/** What an import asks of the process that it runs in. */
export type ImportDeps = {
  /** A folder of the Dama of a competition whose model is no sound chip's. */
  readonly damaOf?: (deployment: Deployment) => Promise<string>;
  /** Stops an import of recordings; default: Ctrl-C. */
  readonly signal?: () => AbortSignal;
};

const PRIVATE = 'LicenseRef-private';

/** What the files hold, and for recordings what was left out of them. */
type Imported = { readonly files: readonly ImportedFile[]; readonly dropped?: Dropped; /** whose codes they are, if not the sound chip's */ readonly codec?: string };

/** `genki data import`: MIDI files and recordings to a dataset, a miner's or a file. Exits 1 when a file could not be read, unless told to skip it. */
export async function importData(options: ImportOptions, env: NodeJS.ProcessEnv, deps: ImportDeps = {}): Promise<void> {
  const { shared, hotkey, output } = options;
  if ((hotkey === undefined) === (output === undefined)) throw new InvalidInput('Expected either a miner whose music it is (--miner), or a file to write (-o)');
  if (output !== undefined) checkOutput(output);
  if (shared && options.licence === undefined) throw new InvalidInput('Expected the licence of music that is shared (--licence, such as CC-BY-4.0), got none');
  checkAbout({ name: options.name, licence: options.licence ?? PRIVATE, sharing: shared ? 'shared' : 'private' });
  const home = homeOf(env);
  const deployment = hotkey === undefined ? undefined : await readDeployment(home);
  const who = hotkey === undefined ? undefined : participantOf(await readParticipants(home), 'miner', hotkey);
  const model = options.model ?? (await damaFor(deployment, deps));
  const surroundings = { env, home, deps, competition: deployment?.competition };
  const { files: read, dropped, codec } = model === undefined ? await importAsNotes(options, surroundings) : await importAsSound({ ...options, model }, surroundings);
  const found = read.flatMap(({ clips }) => clips);
  const clips = withoutDuplicates(found);
  const failed = read.filter(({ report }) => report.error !== undefined).length;
  if (clips.length === 0) throw new InvalidInput(`Expected music in ${read.length} files, got none\n${read.map(({ report }) => lineOf(report)).join('\n')}`);
  const dataset: Dataset = { name: options.name, licence: options.licence ?? PRIVATE, sharing: shared ? 'shared' : 'private', ...(codec !== undefined && { codec }), clips };
  const file = encodeDataset(dataset);
  const about = manifestOf(dataset, file);
  const kept = who === undefined ? await keepFile(output!, file, { mode: shared ? 0o666 : 0o600 }) : await keepAsMiners({ home, store: createStore(storeSettingsOf(env, home)) }, who, { about, file });
  const files = read.map(({ report }) => report);
  const duplicates = found.length - clips.length;
  if (options.json) process.stdout.write(`${JSON.stringify({ ...about, ...kept, duplicates, failed, ...(dropped && { dropped }), files })}\n`);
  else process.stdout.write(`${[...files.map(lineOf), ...summaryOf({ ...about, ...kept, duplicates }, dropped)].join('\n')}\n`);
  if (failed > 0 && !options.skipBad) process.exitCode = 1;
}

/** The folder of a deployment's model, or none where it is the sound chip's. */
async function damaFor(deployment: Deployment | undefined, { damaOf }: ImportDeps): Promise<string | undefined> {
  if (deployment === undefined || isChip(deployment.competition)) return undefined;
  if (damaOf === undefined) throw new InvalidInput(`Expected the folder of ${deployment.competition.music.model} (--model), got none`);
  return await damaOf(deployment);
}

const isChip = ({ music }: Competition): boolean => music.codebooks === CHANNELS.length && music.frameRate === RUBY.music.frameRate;

type Surroundings = { readonly env: NodeJS.ProcessEnv; readonly home: string; readonly deps: ImportDeps; readonly competition: Competition | undefined };

/** For the sound chip's model: MIDI arranged for it, and the notes of recordings. */
async function importAsNotes(options: ImportOptions, { env, home, deps, competition = RUBY }: Surroundings): Promise<Imported> {
  if (options.seconds !== undefined) throw new InvalidInput('Expected --model beside --seconds, got none: clips of the sound chip are all of one length');
  const cutting = cuttingOf(competition, options);
  const files = await findMusicFiles(options.paths, [...MIDI_ENDINGS, ...SOUND_ENDINGS]);
  const isSound = ({ path }: MusicFile): boolean => SOUND_ENDINGS.includes(extname(path).toLowerCase());
  const midi = await importMidiFiles(files.filter((file) => !isSound(file)), cutting);
  const recordings = files.filter(isSound);
  if (recordings.length === 0) return { files: midi };
  const coder = transcribingCoder(cutting);
  const rule = { frames: cutting.frames, maxSegments: cutting.maxClips, seed: cutting.seed };
  const sound = await importSounds(recordings, { coder, rule, read: soundReader(await findFfmpeg(env), coder) }, { home, deps });
  return { ...sound, files: [...midi, ...sound.files] };
}

/** For a model with an audio codec: recordings, and MIDI as the sound chip plays it. */
async function importAsSound(options: ImportOptions & { readonly model: string }, { env, home, deps, competition }: Surroundings): Promise<Imported> {
  const { coder, close } = await openCoder(options.model, env);
  try {
    if (competition !== undefined) checkFits(coder, competition);
    const rule = { frames: segmentFrames(coder, options.seconds, Math.min(coder.frames, competition?.music.frames ?? Infinity)), maxSegments: options.clipsPerFile, seed: options.seed };
    const readSound = soundReader(await findFfmpeg(env), coder);
    const read: typeof readSound = async (file, signal) => ((await isMidi(file)) ? await playMidi(file, coder) : await readSound(file, signal));
    return { ...(await importSounds(await findMusicFiles(options.paths, [...MIDI_ENDINGS, ...SOUND_ENDINGS]), { coder, rule, read }, { home, deps })), codec: coder.digest };
  } finally {
    await close();
  }
}

async function importSounds(files: readonly MusicFile[], how: Pick<RecordingImport, 'coder' | 'rule' | 'read'>, { home, deps }: Pick<Surroundings, 'home' | 'deps'>): Promise<Imported> {
  const progress = importProgress(files.length, { out: process.stderr });
  try {
    return await importRecordings(files, { ...how, cache: await CodesCache.open(join(home, 'cache', 'codes')), signal: (deps.signal ?? stopSignal)(), progress: progress.show });
  } catch (error) {
    if (error instanceof Stopped) process.stderr.write('What was coded is kept: the same command carries on from there.\n');
    throw error;
  } finally {
    progress.done();
  }
}

type Kept = { readonly output: string } | { readonly miner: string; readonly object: string; readonly before?: string };

const cannotWrite = (output: string, reason: string, cause?: unknown): InvalidInput => new InvalidInput(`Expected to write ${output}, ${reason}`, { cause });

/** Said before the music is read rather than after. @throws {InvalidInput} */
function checkOutput(output: string): void {
  if (extname(output).toLowerCase() !== '.safetensors') throw new InvalidInput(`Expected an output ending in .safetensors, got ${output}`);
  if (existsSync(output)) throw cannotWrite(output, 'it is there already');
  if (!existsSync(dirname(output))) throw cannotWrite(output, 'got ENOENT');
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

function summaryOf({ name, licence, sharing, clips, digest, duplicates, ...kept }: DatasetManifest & Kept & { duplicates: number }, dropped: Dropped | undefined): string[] {
  const left = dropped === undefined ? '' : wordsOf(dropped);
  const what = `${name}: ${clips} clips${duplicates === 0 ? '' : ` (${duplicates} that were there twice are left out)`}, ${licence}, ${sharing}, digest ${digest}`;
  const lines = left === '' ? [what] : [`left out: ${left}`, what];
  if ('output' in kept) return [...lines, `written to ${kept.output}`];
  const before = kept.before === undefined ? [] : [`before: ${kept.before}`];
  return [...lines, `${kept.miner} trains on it from the next window on; kept in ${kept.object}`, ...before];
}

const wordsOf = ({ duplicates, short, silence, clipping, unplayable }: Dropped): string =>
  ([[duplicates, 'songs that were there already'], [short, 'files shorter than a second'], [silence, 'segments of silence'], [clipping, 'segments that clip'], [unplayable, 'segments that the model cannot play']] as const)
    .flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]))
    .join(', ');
