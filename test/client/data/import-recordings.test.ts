import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodesCache } from '../../../client/data/codes-cache.ts';
import { importRecordings, type Progress, type RecordingImport } from '../../../client/data/import-recordings.ts';
import { progressLine } from '../../../client/data/import-progress.ts';
import { findMusicFiles, SOUND_ENDINGS } from '../../../client/data/music-files.ts';
import { soundReader } from '../../../client/data/read-sound.ts';
import type { SoundCoder } from '../../../genki/data/audio/sound-coder.ts';
import { encodeWav } from '../../../genki/music/wav.ts';
import { levelCoder } from '../../genki/data/audio/level-coder.ts';
import { played } from '../../genki/data/audio/songs.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-recordings-'));
const songs = join(root, 'songs');
const at = (name: string): string => join(songs, name);
const [town, waltz] = ['town', 'waltz'].map((style) => played(style, 'recordings').audio.channels[0]!);

beforeAll(() => {
  mkdirSync(join(songs, 'directory.mp3'), { recursive: true });
  writeFileSync(at('01 - lost_castle.wav'), encodeWav(town!, 32_000));
  copyFileSync(at('01 - lost_castle.wav'), at('02 again.wav'));
  writeFileSync(at('03 quieter.wav'), encodeWav(town!.map((x) => x / 3), 32_000));
  writeFileSync(at('04 waltz.wav'), encodeWav(waltz!, 32_000));
  writeFileSync(at('04 waltz.json'), JSON.stringify({ genre: 'waltz, folk', moods: ['sad'], bpm: 99, anything: [1] }));
  writeFileSync(at('05 wrong.wav'), encodeWav(waltz!.map((x) => -x / 2), 32_000));
  writeFileSync(at('05 wrong.json'), JSON.stringify({ bpm: 'quick' }));
  writeFileSync(at('06 silence.wav'), encodeWav(new Float32Array(96_000), 32_000));
  writeFileSync(at('07 short.wav'), encodeWav(town!.subarray(0, 20_000), 32_000));
  writeFileSync(at('08 text.wav'), 'this is text');
  writeFileSync(at('09 empty.wav'), '');
  writeFileSync(at('10 song.mp3'), 'no ffmpeg here');
  writeFileSync(at('11 long.wav'), encodeWav(Float32Array.from(waltz!, (x) => 0.9 * x).slice(0, 64_000), 32_000));
  writeFileSync(at('11 long.txt'), 'castle '.repeat(1000));
  writeFileSync(at('12 novel.wav'), encodeWav(town!.slice(100_000, 164_000), 32_000));
  writeFileSync(at('12 novel.txt'), 'x'.repeat(100_000));
  writeFileSync(at('notes.txt'), 'no music');
  symlinkSync(at('loop.wav'), at('loop.wav'));
  execFileSync('mkfifo', [at('pipe.wav')]);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A coder that remembers how often it was asked. */
function counted(changes: Partial<SoundCoder> = {}): { coder: SoundCoder; asked: () => number } {
  const coder = levelCoder(changes);
  let count = 0;
  return { coder: { ...coder, encode: (sound) => (count++, coder.encode(sound)) }, asked: () => count };
}
const options = (changes: Partial<RecordingImport> = {}): RecordingImport => ({ coder: levelCoder(), read: soundReader(undefined, { sampleRate: 8000, channels: 1 }), rule: { frames: 30, maxSegments: 2, seed: '1' }, ...changes });
const cache = async (name: string): Promise<CodesCache> => await CodesCache.open(join(root, name));

describe('importing recordings', () => {
  it('makes clips of what can be read, and says of each other file why there are none', async () => {
    const { files, dropped } = await importRecordings(await findMusicFiles([songs, at('pipe.wav'), at('nowhere.wav')], SOUND_ENDINGS), options());
    const told = files.map(({ report: { file, clips, dropped: without, error, notes } }) => [basename(file), clips, ...(error === undefined ? [] : [error.split('\n')[0]]), ...without, ...(notes ?? [])]);
    expect(told).toEqual([
      ['01 - lost_castle.wav', 2],
      ['02 again.wav', 0, `everything: the same bytes as ${at('01 - lost_castle.wav')}`],
      ['03 quieter.wav', 0, `everything: the same song as ${at('01 - lost_castle.wav')}`],
      ['04 waltz.wav', 2],
      ['05 wrong.wav', 0, `Expected labels of a song in ${at('05 wrong.json')}:`],
      ['06 silence.wav', 0, '1 segment of silence', 'everything'],
      ['07 short.wav', 0, 'everything: 0.63 s are too short'],
      ['08 text.wav', 0, 'Expected a WAV file, got 12 other bytes'],
      ['09 empty.wav', 0, 'Expected a WAV file, got 0 other bytes'],
      ['10 song.mp3', 0, 'Expected ffmpeg to read it (FFMPEG_BIN, the package ffmpeg-static, or on the PATH), found none; .wav is read without'],
      ['11 long.wav', 1, 'its caption is cut to what a model is told'],
      ['12 novel.wav', 0, `Expected ${at('12 novel.txt')} to have at most 65536 bytes, got 100000`],
      ['loop.wav', 0, 'Expected a file, got a link, which is not followed in a folder'],
      ['pipe.wav', 0, `Expected a file, got something else at ${at('pipe.wav')}`],
      ['nowhere.wav', 0, `Expected a file ${at('nowhere.wav')} that can be read`],
    ]);
    expect(dropped).toEqual({ duplicates: 2, short: 1, silence: 1, clipping: 0, unplayable: 0 });
    const [castle, , , folk] = files.map(({ clips }) => clips[0]);
    // measured: the composer's 144
    expect(castle!.caption).toMatch(/bpm: 14[345]\b/);
    expect(castle!.caption).toContain('title: lost castle');
    expect(folk!.caption.split('. ').sort()).toEqual(expect.arrayContaining(['bpm: 99', 'genre: waltz, folk', 'moods: sad', 'title: waltz']));
    expect([castle!.style, folk!.style, castle!.frames, castle!.codes.length]).toEqual(['imported', 'waltz', 30, 60]);
  });

  it('carries on where it was stopped, with what an import that was not has', async () => {
    const paths = await findMusicFiles([at('01 - lost_castle.wav'), at('04 waltz.wav'), at('11 long.wav')], SOUND_ENDINGS);
    const whole = await importRecordings(paths, options());
    const kept = await cache('stopped');
    const first = counted();
    const stop = new AbortController();
    const progress = ({ files, segments }: Progress): void => { if (files === 1 && segments === 3) stop.abort(new Error('enough')); };
    await expect(importRecordings(paths, options({ coder: first.coder, cache: kept, signal: stop.signal, progress }))).rejects.toThrow('enough');
    expect(first.asked()).toBe(3);
    const second = counted();
    expect(await importRecordings(paths, options({ coder: second.coder, cache: kept }))).toEqual(whole);
    // the song in which it was stopped is coded again, those before it are not
    expect(second.asked()).toBe(3);
    const third = counted();
    expect(await importRecordings(paths, options({ coder: third.coder, cache: await cache('stopped') }))).toEqual(whole);
    expect(third.asked()).toBe(0);
  });

  it('finds nothing that was coded by another model, or cut otherwise', async () => {
    const paths = [{ path: at('04 waltz.wav') }];
    const kept = await cache('keys');
    await importRecordings(paths, options({ cache: kept }));
    const { rule } = options();
    for (const changes of [{ coder: counted({ digest: 'another' }) }, { rule: { ...rule, frames: 20 } }, { rule: { ...rule, maxSegments: 1 } }, { rule: { ...rule, seed: '2' } }]) {
      const { coder, asked } = changes.coder ?? counted();
      await importRecordings(paths, options({ cache: kept, ...changes, coder }));
      expect(asked()).toBeGreaterThan(0);
    }
  });

  it('codes again what is broken in the cache', async () => {
    const paths = [{ path: at('04 waltz.wav') }];
    const kept = await cache('broken');
    const whole = await importRecordings(paths, options({ cache: kept }));
    const torn: Pick<CodesCache, 'find' | 'keep'> = { find: async (key) => (await kept.find(key))?.subarray(0, 400), keep: (key, bytes) => kept.keep(key, bytes) };
    const { coder, asked } = counted();
    expect(await importRecordings(paths, options({ coder, cache: torn as CodesCache }))).toEqual(whole);
    expect(asked()).toBe(2);
  });

  it('says how far it is', () => {
    expect(progressLine({ files: 3, segments: 7, codedSeconds: 90 }, { files: 12, seconds: 20 })).toBe(`${'█'.repeat(5)}${'░'.repeat(15)} 3 of 12 files, 7 segments, 4.5 s of music a second`);
    expect(progressLine({ files: 0, segments: 0, codedSeconds: 0 }, { files: 1, seconds: 0 })).toBe(`${'░'.repeat(20)} 0 of 1 files, 0 segments`);
  });
});
