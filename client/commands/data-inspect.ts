import { randomBytes } from 'node:crypto';
import { realpath, rename, rm, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { plainText } from '../../activities/plain-text.ts';
import { type Dataset, decodeDataset, manifestOf } from '../../genki/data/dataset.ts';
import { channelsUsed } from '../../genki/data/midi/arrange.ts';
import { importMidi, type Told, withoutDuplicates } from '../../genki/data/midi/import-midi.ts';
import { pianoRoll } from '../../genki/data/piano-roll.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { CHANNELS } from '../../genki/music/apu/codes.ts';
import { renderCodes, SAMPLE_RATE } from '../../genki/music/apu/synthesizer.ts';
import type { Clip, Codes } from '../../genki/music/clip.ts';
import type { Audio } from '../../genki/music/codec.ts';
import { encodeWav } from '../../genki/music/wav.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { cuttingOf } from '../data/cutting.ts';
import { droppedOf } from '../data/dropped.ts';
import { openCoder } from '../data/open-coder.ts';
import { readFileWithin } from '../data/read-file.ts';
import { mixed } from '../data/read-sound.ts';
import { toldOf } from '../data/told-of-midi.ts';
import { table } from '../first-light/screen.ts';

export type InspectOptions = { readonly file: string; readonly output?: string; readonly clip?: number; /** folder of the music model that plays a dataset of recordings */ readonly model?: string; readonly json: boolean };

const MAX_DATASET_BYTES = 2 ** 31;
const { frameRate } = RUBY.music;

/** What a file holds; `whole` is what is rendered when no clip is named. */
type Found = { readonly about: object; readonly lines: readonly string[]; readonly clips: readonly Clip[]; readonly whole: Codes };

/** What plays codes: the sound chip, or a music model's codec. */
type Player = { readonly frameRate: number | undefined; readonly isChip: boolean; play(codes: Codes): Promise<Audio> };

/** `genki data inspect`: what a MIDI file or a dataset holds, and how it sounds. */
export async function inspectData({ file, output, clip: wanted, model, json }: InspectOptions, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (output !== undefined) await checkOutput(output, file);
  const bytes = await readFileWithin(file, MAX_DATASET_BYTES);
  const isMidi = /\.midi?$/i.test(file) || new TextDecoder('latin1').decode(bytes.subarray(0, 4)) === 'MThd';
  const { about, lines, clips, whole } = isMidi ? aboutMidi(bytes, await toldOf(file)) : aboutDataset(decodeDataset(bytes));
  const clip = clips[(wanted ?? 1) - 1];
  if (clip === undefined && wanted !== undefined) throw new InvalidInput(`Expected a clip of 1 to ${clips.length} in ${file}, got ${wanted}`);
  await withPlayer({ clip, model, env }, async (player) => {
    if (output !== undefined) await writeWhole(output, wavOf(await player.play(wanted === undefined ? whole : clip!.codes)));
    const shown = clip && shownClip(clip, wanted ?? 1, player);
    if (json) process.stdout.write(`${JSON.stringify({ file, ...about, clip: shown ?? null, ...(output !== undefined && { output }) })}\n`);
    else process.stdout.write(`${[...lines, ...(shown ? linesOfClip(shown, clips.length) : []), ...(output === undefined ? [] : ['', `written to ${output}`])].join('\n')}\n`);
  });
}

async function withPlayer({ clip, model, env }: { clip: Clip | undefined; model: string | undefined; env: NodeJS.ProcessEnv }, use: (player: Player) => Promise<void>): Promise<void> {
  if (model === undefined) return await use(clip === undefined || isChips(clip) ? chip : nobody);
  const { codec, close } = await openCoder(model, env);
  try {
    if (clip !== undefined && (clip.numCodebooks !== codec.numCodebooks || clip.codes instanceof Uint16Array !== codec.vocabSize > 256)) {
      throw new InvalidInput(`Expected clips of the model's ${codec.numCodebooks} codebooks of ${codec.vocabSize} codes, got ${clip.numCodebooks} of ${clip.codes instanceof Uint16Array ? 16 : 8} bits`);
    }
    await use({ frameRate: codec.frameRate, isChip: false, play: (codes) => codec.decode(codes, codes.length / codec.numCodebooks) });
  } finally {
    await close();
  }
}

const isChips = ({ numCodebooks, codes }: Clip): boolean => numCodebooks === CHANNELS.length && codes instanceof Uint8Array;

const chip: Player = { frameRate, isChip: true, play: async (codes) => ({ channels: [renderCodes(codes, { frameRate })], sampleRate: SAMPLE_RATE }) };

const wavOf = ({ channels, sampleRate }: Audio): Uint8Array => encodeWav(mixed(channels, 1)[0]!, sampleRate);

const nobody: Player = {
  frameRate: undefined,
  isChip: false,
  play: async () => {
    throw new InvalidInput('Expected the folder of the model whose codes these are (--model), got none');
  },
};

type Shown = { readonly number: number; readonly frames: number; readonly seconds: number | null; readonly caption: string; readonly style: string; readonly channels: readonly string[]; readonly roll: readonly string[] };

function shownClip({ codes, frames, caption, style }: Clip, number: number, player: Player): Shown {
  const notes = player.isChip ? { channels: channelsUsed(codes), roll: pianoRoll(codes) } : { channels: [], roll: [] };
  return { number, frames, seconds: player.frameRate === undefined ? null : frames / player.frameRate, caption, style, ...notes };
}

/** @throws {InvalidInput} when it is no WAV file, or what is looked into */
async function checkOutput(output: string, file: string): Promise<void> {
  if (extname(output).toLowerCase() !== '.wav') throw new InvalidInput(`Expected an output ending in .wav, got ${output}`);
  const [there, input] = await Promise.all([output, file].map((path) => realpath(path).catch(() => undefined)));
  if (there !== undefined && there === input) throw new InvalidInput(`Expected an output other than the input, got ${output} for both`);
}

/** Whole or not at all. @throws {InvalidInput} when it cannot be written */
async function writeWhole(output: string, bytes: Uint8Array): Promise<void> {
  const draft = `${output}.${randomBytes(4).toString('hex')}.draft`;
  try {
    await writeFile(draft, bytes, { flag: 'wx' });
    await rename(draft, output);
  } catch (cause) {
    throw new InvalidInput(`Expected to write ${output}, got ${(cause as NodeJS.ErrnoException).code}`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

function linesOfClip({ number, frames, seconds, caption, style, roll }: Shown, clips: number): string[] {
  return ['', `clip ${number} of ${clips}, ${seconds === null ? `${frames} frames` : `${seconds.toFixed(1)} s`}, ${plainText(style)}: ${plainText(caption)}`, ...roll];
}

const KEY_NAMES = ['C', 'C sharp', 'D', 'E flat', 'E', 'F', 'F sharp', 'G', 'A flat', 'A', 'B flat', 'B'] as const;

function aboutMidi(bytes: Uint8Array, told: Told): Found {
  const imported = importMidi(bytes, told, cuttingOf(RUBY, { clipsPerFile: Infinity, seed: '' }));
  const { song, arrangement, clips } = imported;
  const { tempo, key, parts, peakPolyphony } = arrangement;
  const { numerator, denominator } = tempo.meterAt(0);
  const bpm = tempo.tempoAt(0);
  const about = {
    kind: 'midi',
    format: song.format,
    seconds: arrangement.frames / frameRate,
    tempo: bpm === undefined ? null : Math.round(bpm * 10) / 10,
    tempos: Math.max(1, song.tempos.length),
    meter: `${numerator}/${denominator}`,
    key: key === undefined ? null : `${KEY_NAMES[key.tonic]} ${key.mode}`,
    peakPolyphony,
    parts: parts.map(({ name, channel, notes, role }) => ({ name, channel: channel + 1, notes, role })),
    clips: clips.length,
    duplicates: clips.length - withoutDuplicates(clips).length,
    dropped: droppedOf(imported),
    unknownWords: imported.unknownWords,
  };
  const head = `MIDI, format ${about.format}; ${about.seconds.toFixed(1)} s; ${about.tempo ?? 'unknown'} beats a minute${about.tempos > 1 ? ` at first of ${about.tempos} tempos` : ''}; ${about.meter}; ${about.key ?? 'no clear key'}; at most ${peakPolyphony} notes at once`;
  const rows = about.parts.map(({ name, channel, notes, role }) => [name === '' ? '–' : plainText(name), `${channel}`, `${notes}`, role === 'left' ? 'left out' : role]);
  const dropped = [...(about.dropped.length === 0 ? [] : [`left out: ${about.dropped.join(', ')}`]), ...(about.unknownWords.length === 0 ? [] : [`words that no model knows: ${plainText(about.unknownWords.join(' '))}`])];
  return { about, whole: arrangement.codes, lines: [head, ...table(['track', 'channel', 'notes', 'plays'], rows), ...dropped], clips };
}

function aboutDataset(dataset: Dataset): Found {
  const { clips, ...about } = dataset;
  const styles: Record<string, number> = {};
  for (const { style } of clips) styles[style] = (styles[style] ?? 0) + 1;
  const first = clips[0]!;
  const frames = clips.reduce((most, clip) => Math.max(most, clip.frames), 0);
  const shorter = clips.filter((clip) => clip.frames < frames).length;
  const codebooks = isChips(first) ? '' : `, ${first.numCodebooks} codebooks of ${first.codes instanceof Uint16Array ? 16 : 8} bits`;
  const duplicates = clips.length - withoutDuplicates(clips).length;
  const { digest } = manifestOf(dataset);
  const lines = [`${plainText(about.name)}: ${clips.length} clips of ${frames} frames${shorter === 0 ? '' : ` (${shorter} shorter)`}${codebooks}, ${plainText(about.licence)}, ${about.sharing}`, `digest ${digest}`, Object.entries(styles).map(([style, count]) => `${plainText(style)} ${count}`).join(', '), ...(duplicates === 0 ? [] : [`${duplicates} clips are there twice`])];
  return { about: { kind: 'dataset', ...about, digest, clips: clips.length, codebooks: first.numCodebooks, frames, shorter, styles, duplicates }, lines, clips, whole: first.codes };
}
