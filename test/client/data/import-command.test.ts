import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { participantsFile, readParticipants, type Participant } from '../../../activities/participants.ts';
import { importData, type ImportOptions } from '../../../client/commands/data-import.ts';
import { inspectData } from '../../../client/commands/data-inspect.ts';
import { compose } from '../../../genki/data/composer.ts';
import { decodeDataset, encodeDataset } from '../../../genki/data/dataset.ts';
import { HOLD } from '../../../genki/music/apu/codes.ts';
import { encodeWav } from '../../../genki/music/wav.ts';
import { RUBY } from '../../../genki/protocol/ruby.ts';
import { deploymentFile } from '../../../workers/deployment.ts';
import { midiOfClip } from '../../genki/data/midi/write-midi.ts';
import { played } from '../../genki/data/audio/songs.ts';

const TINY = fileURLToPath(new URL('../../goldens/tiny-musicgen', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'genki-import-sound-'));
const [songs, model] = [join(home, 'songs'), join(home, 'model')];
// no ffmpeg, wherever the test runs
const env = { GENKI_HOME: home, PATH: '' };
const deps = { signal: () => new AbortController().signal };
const options: ImportOptions = { paths: [songs], name: 'songs', model, shared: false, clipsPerFile: 2, seconds: 1, seed: '1', skipBad: false, json: true };
const output = (name: string): string => join(home, `${name}.safetensors`);

beforeAll(() => {
  mkdirSync(songs, { recursive: true });
  cpSync(TINY, model, { recursive: true });
  // as long as a person's music, rather than 15 ms
  const config = JSON.parse(readFileSync(join(TINY, 'config.json'), 'utf8')) as { decoder: object };
  writeFileSync(join(model, 'config.json'), JSON.stringify({ ...config, decoder: { ...config.decoder, max_position_embeddings: 8192 } }));
  const { audio } = played('town', 'command');
  writeFileSync(join(songs, 'castle.wav'), encodeWav(audio.channels[0]!, audio.sampleRate));
  writeFileSync(join(songs, 'march.mid'), midiOfClip(compose({ style: 'march', seed: 'command' })));
  writeFileSync(join(songs, 'text.wav'), 'text');
  const ref = { bucket: 'hub', key: 'x', sha256: '0'.repeat(64), bytes: 1 };
  writeFileSync(deploymentFile(home), JSON.stringify({ version: 1, competition: { ...RUBY, music: { model: 'tiny', codebooks: 4, frames: 2000, frameRate: 4000 } }, genesisDama: { digest: '', weights: ref, config: ref }, blockMs: 1000 }));
  const anna: Participant = { name: 'anna', role: 'miner', hotkey: '5anna', bucket: 'anna', privateBucket: 'anna-private' };
  writeFileSync(participantsFile(home), JSON.stringify({ version: 1, participants: [anna] }));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(() => (process.exitCode = undefined));

async function said(work: () => Promise<void>): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await work();
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

describe('data import of recordings', () => {
  it('makes a dataset of a model\'s codes of a folder, once', async () => {
    const result = JSON.parse(await said(() => importData({ ...options, output: output('songs') }, env, deps))) as { files: { clips: number; notes?: string[]; error?: string }[] };
    expect(process.exitCode).toBe(1);
    expect(result).toMatchObject({ name: 'songs', clips: 4, duplicates: 0, failed: 1, dropped: { duplicates: 0, short: 0, silence: 0, clipping: 0, unplayable: 0 } });
    expect(result.files.map(({ clips, notes, error }) => [clips, notes, error])).toEqual([[2, [], undefined], [2, ['played by the sound chip'], undefined], [0, undefined, 'Expected a WAV file, got 4 other bytes']]);
    const { clips } = decodeDataset(readFileSync(output('songs')));
    expect(clips.map(({ numCodebooks, frames }) => [numCodebooks, frames])).toEqual(Array.from({ length: 4 }, () => [4, 4000]));
    expect(clips[0]!.caption).toContain('title: castle');
    expect(new Set(clips.flatMap(({ codes }) => [...codes])).size).toBeGreaterThan(8);
    const cached = readdirSync(join(home, 'cache', 'codes'));
    process.exitCode = undefined;
    await said(() => importData({ ...options, output: output('again'), skipBad: true }, env, deps));
    expect(process.exitCode).toBeUndefined();
    expect(readFileSync(output('again'))).toEqual(readFileSync(output('songs')));
    expect(readdirSync(join(home, 'cache', 'codes'))).toEqual(cached);
  });

  it('gives it to a miner of a competition of that model, in clips as long as its', async () => {
    const { seconds: _, ...whole } = options;
    const damaOf = async (): Promise<string> => model;
    const { model: __, ...unnamed } = whole;
    const text = await said(() => importData({ ...unnamed, hotkey: 'anna', json: false }, env, { ...deps, damaOf }));
    expect(text).toMatch(/march\.mid: 2 clips; played by the sound chip\n.*text\.wav: not imported: Expected a WAV file/);
    expect((await readParticipants(home))[0]!.dataset).toMatchObject({ name: 'songs', clips: 4 });
    await expect(importData({ ...unnamed, hotkey: 'anna' }, env, deps)).rejects.toThrow('Expected the folder of tiny (--model), got none');
  });

  it('gives the sound chip\'s model the notes of recordings', async () => {
    const { model: _, seconds: __, ...chip } = options;
    const { clips, dropped, files } = JSON.parse(await said(() => importData({ ...chip, output: output('notes'), skipBad: true }, env, deps))) as { clips: number; dropped: object; files: { file: string; unknownWords: string[] }[] };
    expect([clips, dropped, files.map(({ file }) => basename(file))]).toEqual([2, { duplicates: 0, short: 0, silence: 0, clipping: 0, unplayable: 0 }, ['march.mid', 'castle.wav', 'text.wav']]);
    expect(files[1]!.unknownWords).toEqual(['castle']);
    const [, heard] = decodeDataset(readFileSync(output('notes'))).clips;
    // of the notes of a piece, those that are heard where they begin
    const right = (seed: string): number => {
      const { codes } = compose({ style: 'town', seed });
      const begins = [...codes.keys()].filter((i) => codes[i]! > HOLD);
      return begins.filter((i) => heard!.codes[i] === codes[i]).length / begins.length;
    };
    expect(right('command')).toBeGreaterThan(right('another') + 0.2);
  });

  it.each<[string, Partial<ImportOptions>, string]>([
    ['a folder without a model', { model: join(home, 'songs') }, 'config.json'],
    ['the sound chip\'s model', { model: fileURLToPath(new URL('../../../dama/ruby-nano', import.meta.url)) }, 'got one of the sound chip: for it leave --model out'],
    ['segments longer than the model plays', { seconds: 30 }, 'Expected segments of at most 2.05 s, which is what the model plays at once, got 30 s'],
  ])('refuses %s', async (_, changes, message) => {
    await expect(importData({ ...options, output: output('none'), ...changes }, env, deps)).rejects.toThrow(message);
  });

  it('refuses seconds where clips have a length of their own', async () => {
    const { model: _, ...chip } = options;
    await expect(importData({ ...chip, output: output('none') }, env, deps)).rejects.toThrow('Expected --model beside --seconds, got none');
  });
});

describe('data inspect of recordings', () => {
  it('shows a dataset of codes of 16 bits, and needs its model to play it', async () => {
    const clip = (frames: number) => ({ codes: Uint16Array.from({ length: 4 * frames }, (_, i) => i % 2048), numCodebooks: 4, frames, caption: 'a lost castle', style: 'folk' });
    const file = output('wide');
    writeFileSync(file, encodeDataset({ name: 'wide', licence: 'CC0-1.0', sharing: 'shared', clips: [clip(50), clip(30)] }));
    const text = await said(() => inspectData({ file, clip: 2, json: false }, env));
    expect(text).toContain('wide: 2 clips of 50 frames (1 shorter), 4 codebooks of 16 bits, CC0-1.0, shared');
    expect(text).toContain('clip 2 of 2, 30 frames, folk: a lost castle');
    await expect(inspectData({ file, output: join(home, 'a.wav'), json: false }, env)).rejects.toThrow('Expected the folder of the model whose codes these are (--model), got none');
    await expect(inspectData({ file, model, json: false }, env)).rejects.toThrow('Expected clips of the model\'s 4 codebooks of 64 codes, got 4 of 16 bits');
  });

  it('plays a clip through the model\'s codec', async () => {
    await said(() => importData({ ...options, output: output('played'), skipBad: true }, env, deps));
    const wav = join(home, 'played.wav');
    const about = JSON.parse(await said(() => inspectData({ file: output('played'), clip: 3, output: wav, model, json: true }, env))) as object;
    expect(about).toMatchObject({ clips: 4, codebooks: 4, clip: { number: 3, frames: 4000, seconds: 1, channels: [], roll: [] } });
    // 44 bytes, then 32,000 samples of 16 bits
    expect(readFileSync(wav).length).toBe(44 + 64_000);
  });
});
